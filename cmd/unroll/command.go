// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"

	"github.com/spf13/pflag"
)

// command returns a command line of this program that a shell takes as it stands.
func command(verb string, args ...string) string {
	line := "unroll " + verb
	for _, a := range args {
		line += " " + quoted(a)
	}
	return line
}

// plain are the characters that no shell reads anything into.
const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./,:@%"

// quoted returns an argument as a POSIX shell takes it.
func quoted(arg string) string {
	if arg != "" && strings.Trim(arg, plain) == "" {
		return arg
	}
	return "'" + strings.ReplaceAll(arg, "'", `'\''`) + "'"
}

// operand is a positional argument that cannot be taken for a flag.
func operand(name string) string {
	if strings.HasPrefix(name, "-") {
		return "./" + name
	}
	return name
}

// repeated returns the flags among names that were given, as they would be given again.
func repeated(f *pflag.FlagSet, names ...string) []string {
	var args []string
	for _, name := range names {
		flag := f.Lookup(name)
		if flag == nil || !flag.Changed {
			continue
		}
		switch v := flag.Value.(type) {
		case pflag.SliceValue:
			for _, s := range v.GetSlice() {
				args = append(args, "--"+name+"="+s)
			}
		default:
			args = append(args, "--"+name+"="+flag.Value.String())
		}
	}
	return args
}
