// Command unroll turns a small recurrent network into firmware for an Arm Ethos-U
// NPU: it trains or imports, unrolls and quantizes, compiles, generates a C project
// and proves the result on a bit-exact simulator.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"

	"github.com/spf13/pflag"
)

// version is part of everything that is written; it changes with every release.
const version = "0.1.0"

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	os.Exit(execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// verb is one subcommand.
type verb struct {
	name    string
	args    string // positional arguments as the usage line shows them
	summary string
	example string
	// setup defines the flags and returns what to do once they are parsed.
	setup func(f *pflag.FlagSet) func(c *cli) error
}

// cli is what a verb works with besides its flags.
type cli struct {
	ctx    context.Context
	args   []string // positional
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// usageError is a mistake in the command line: exit code 2.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// verbs in the order that the help shows them, which is the order of the work.
func verbs() []verb {
	return []verb{
		buildVerb, trainVerb, lowerVerb, compileVerb, generateVerb, runVerb, flashVerb,
		simulateVerb, inspectVerb, verifyVerb, benchVerb, doctorVerb,
	}
}

// execute runs one command line and returns the exit code: 0 done, 1 failed, 2 usage.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 || args[0] == "help" || args[0] == "-h" || args[0] == "--help" {
		if len(args) > 1 {
			args = []string{args[1], "--help"}
		} else {
			printHelp(stdout)
			if len(args) == 0 {
				return 2
			}
			return 0
		}
	}
	if args[0] == "--version" || args[0] == "version" {
		fmt.Fprintln(stdout, "unroll", version)
		return 0
	}
	for _, v := range verbs() {
		if v.name != args[0] {
			continue
		}
		err := runVerbWith(ctx, v, args[1:], stdin, stdout, stderr)
		var usage usageError
		switch {
		case err == nil, errors.Is(err, pflag.ErrHelp):
			return 0
		case errors.As(err, &usage):
			fmt.Fprintf(stderr, "unroll %s: %v\nTry: unroll %s --help\n", v.name, err, v.name)
			return 2
		case errors.Is(err, errReported):
			return 1
		default:
			fmt.Fprintf(stderr, "unroll %s: %v\n", v.name, err)
			return 1
		}
	}
	fmt.Fprintf(stderr, "unroll: unknown verb %q\nTry: unroll help\n", args[0])
	return 2
}

// errReported ends a verb with exit code 1 when the reason is already printed.
var errReported = errors.New("failed")

func runVerbWith(ctx context.Context, v verb, args []string, stdin io.Reader, stdout, stderr io.Writer) error {
	f := pflag.NewFlagSet(v.name, pflag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.SortFlags = false
	do := v.setup(f)
	f.Usage = func() {
		fmt.Fprintf(stdout, "%s\n\nUsage:\n  unroll %s %s [flags]\n\nExample:\n%s\n\nFlags:\n%s", v.summary, v.name, v.args, indent(v.example), f.FlagUsages())
	}
	if err := f.Parse(args); err != nil {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return usageError{err.Error()}
	}
	return do(&cli{ctx: ctx, args: f.Args(), stdin: stdin, stdout: stdout, stderr: stderr})
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ")
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "unroll turns a small recurrent network into firmware for an Arm Ethos-U NPU.\n\nUsage:\n  unroll VERB [arguments] [flags]\n\nVerbs:\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-9s %s\n", v.name, v.summary)
	}
	fmt.Fprint(w, "\nStart with:\n  unroll build\n\nunroll VERB --help explains a verb.\n")
}

// noArgs refuses positional arguments.
func (c *cli) noArgs() error {
	if len(c.args) != 0 {
		return usagef("expected no arguments, found %q", c.args)
	}
	return nil
}

// oneArg returns the only positional argument.
func (c *cli) oneArg(what string) (string, error) {
	if len(c.args) != 1 {
		found := fmt.Sprint(len(c.args))
		if len(c.args) > 0 {
			found = fmt.Sprintf("%d: %s", len(c.args), strings.Join(c.args, " "))
		}
		return "", usagef("expected one argument, %s, found %s", what, found)
	}
	return c.args[0], nil
}
