// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/pflag"
)

// version is part of everything that is written; it changes with every release.
const version = "0.1.0"

var versionVerb = verb{
	name:    "version",
	summary: "Print the version and the commit that the program was built from.",
	example: "unroll version --json",
	setup: func(f *pflag.FlagSet) func(*cli) error {
		asJSON := f.Bool("json", false, "print it as JSON")
		return func(c *cli) error {
			if err := c.noArgs(); err != nil {
				return err
			}
			b := thisBuild()
			if *asJSON {
				return printJSON(c.stdout, b)
			}
			_, err := fmt.Fprintf(c.stdout, "unroll %s (%s, %s, %s/%s)\n", b.Version, b.commit(), b.Go, b.OS, b.Arch)
			return err
		}
	},
}

// buildInfo is what version prints with --json.
type buildInfo struct {
	Version  string `json:"version"`
	Commit   string `json:"commit"`   // "" where the build does not know it
	Modified bool   `json:"modified"` // the sources differed from the commit
	Go       string `json:"go"`
	OS       string `json:"os"`
	Arch     string `json:"arch"`
}

func thisBuild() buildInfo {
	b := buildInfo{Version: version, Go: runtime.Version(), OS: runtime.GOOS, Arch: runtime.GOARCH}
	if info, ok := debug.ReadBuildInfo(); ok {
		// A module that was installed by its version knows the commit as the end of that.
		if at := strings.LastIndexByte(info.Main.Version, '-'); at >= 0 {
			b.Commit = info.Main.Version[at+1:]
		}
		for _, s := range info.Settings {
			switch s.Key {
			case "vcs.revision":
				b.Commit = s.Value
			case "vcs.modified":
				b.Modified = s.Value == "true"
			}
		}
	}
	return b
}

func (b *buildInfo) commit() string {
	switch {
	case b.Commit == "":
		return "commit unknown"
	case b.Modified:
		return "commit " + b.Commit + " with changes"
	}
	return "commit " + b.Commit
}
