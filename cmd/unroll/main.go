// SPDX-License-Identifier: Apache-2.0

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
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/fault"
)

// Exit codes. A run that a signal ended has 128 and the signal's number.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2
	exitFault  = 3 // a fault of ours
)

func main() {
	boundRuntime()
	fault.Handle(func(v any, stack []byte) {
		reportFault(os.Stderr, v, stack)
		os.Exit(exitFault)
	})
	ctx, stop := withSignals(context.Background(), os.Stderr)
	code := execute(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
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
	root   *cobra.Command
	args   []string // positional
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
}

// say reports a stage on stderr.
func (c *cli) say(format string, args ...any) { fmt.Fprintf(c.stderr, format+"\n", args...) }

// usageError is a mistake in the command line: exit code 2.
type usageError struct{ msg string }

func (e usageError) Error() string { return e.msg }

func usagef(format string, args ...any) error { return usageError{fmt.Sprintf(format, args...)} }

// errReported ends a verb with exit code 1 when the reason is already printed.
var errReported = errors.New("failed")

// verbs in the order that the help shows them, which is the order of the work.
func verbs() []verb {
	return []verb{
		buildVerb, tuneVerb, trainVerb, lowerVerb, compileVerb, generateVerb, runVerb, simVerb, flashVerb,
		simulateVerb, inspectVerb, verifyVerb, reportVerb, checkVerb, benchVerb, doctorVerb, docsVerb, versionVerb,
	}
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	defer func() {
		if v := recover(); v != nil {
			code = reportFault(stderr, v, nil)
		}
	}()
	input = &standardInput{from: stdin}
	root := newRoot(stdin, stdout, stderr)
	if len(args) == 0 {
		printHelp(stdout)
		return exitUsage
	}
	if args[0] == "--version" {
		args[0] = "version"
	}
	root.SetArgs(args)
	verb, err := root.ExecuteContextC(ctx)
	name := verb.CommandPath()
	var usage usageError
	var ours *compile.Fault
	switch number := signalOf(ctx); {
	case errors.Is(err, errDone):
		return exitDone
	case number != 0:
		if err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errReported) {
			fmt.Fprintf(stderr, "%s: %v\n", name, err)
		}
		return 128 + number
	case err == nil:
		return exitDone
	case errors.As(err, &usage):
		try := name + " --help"
		if verb == root {
			try = "unroll help"
		}
		fmt.Fprintf(stderr, "%s: %v\nTry: %s\n", name, err, try)
		return exitUsage
	case errors.Is(err, errReported):
		return exitFailed
	case errors.As(err, &ours):
		return reportFault(stderr, err, nil)
	}
	fmt.Fprintf(stderr, "%s: %v\n", name, err)
	return exitFailed
}

// newRoot makes the command of all verbs.
func newRoot(stdin io.Reader, stdout, stderr io.Writer) *cobra.Command {
	root := &cobra.Command{
		Use: "unroll", SilenceErrors: true, SilenceUsage: true,
		SuggestionsMinimumDistance: 2,
		RunE: func(root *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError{"expected a verb"}
			}
			return unknownVerb(root, args[0])
		},
		Args: cobra.ArbitraryArgs,
	}
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error { return usageError{err.Error() + meant(cmd.Flags(), err)} })
	root.SetHelpFunc(func(cmd *cobra.Command, _ []string) {
		if cmd == root {
			printHelp(stdout)
			return
		}
		if cmd.Example == "" { // the verbs have one, cobra's completion explains itself at length
			fmt.Fprintf(stdout, "%s\n\n%s", cmd.Long, cmd.UsageString())
			return
		}
		fmt.Fprintf(stdout, "%s\n\nUsage:\n  unroll %s [flags]\n\nExample:\n%s\n\nFlags:\n%s", cmd.Short, cmd.Use, indent(cmd.Example), cmd.LocalFlags().FlagUsages())
	})
	root.SetHelpCommand(&cobra.Command{
		Use: "help [VERB]", Short: "Explain a verb.",
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			var names []string
			for _, v := range verbs() {
				names = append(names, v.name)
			}
			return names, cobra.ShellCompDirectiveNoFileComp
		},
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) == 0 {
				return root.Help()
			}
			cmd, _, err := root.Find(args[:1])
			if err != nil || cmd == root {
				return unknownVerb(root, args[0])
			}
			return cmd.Help()
		},
	})
	hideHelp(root.Flags())
	most := root.PersistentFlags().String("max-memory", "", "most memory that a run may hold, such as 2G (default: GOMEMLIMIT, else three quarters of the machine's)")
	root.PersistentPreRunE = func(*cobra.Command, []string) error {
		if *most == "" {
			return nil
		}
		bytes, err := budget.Parse(*most)
		if err != nil {
			return usagef("--max-memory: %v", err)
		}
		budget.SetLimit(bytes)
		return nil
	}
	for _, v := range verbs() {
		root.AddCommand(v.command())
	}
	return root
}

// command makes a verb a subcommand.
func (v verb) command() *cobra.Command {
	cmd := &cobra.Command{Use: strings.TrimSpace(v.name + " " + v.args), Short: v.summary, Example: v.example, Args: cobra.ArbitraryArgs, DisableFlagsInUseLine: true}
	f := cmd.Flags()
	f.SortFlags = false
	do := v.setup(f)
	hideHelp(f)
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		return do(&cli{ctx: cmd.Context(), root: cmd.Root(), args: args, stdin: cmd.InOrStdin(), stdout: cmd.OutOrStdout(), stderr: cmd.ErrOrStderr()})
	}
	return cmd
}

// hideHelp keeps --help out of the lists of flags.
func hideHelp(f *pflag.FlagSet) {
	f.BoolP("help", "h", false, "explain the verb")
	if err := f.MarkHidden("help"); err != nil {
		panic(fmt.Sprintf("BUG: the flag just defined is unknown: %v", err))
	}
}

func unknownVerb(root *cobra.Command, name string) error {
	msg := fmt.Sprintf("unknown verb %q", name)
	if like := root.SuggestionsFor(name); len(like) > 0 {
		msg += "; did you mean " + strings.Join(like, " or ") + "?"
	}
	return usageError{msg}
}

func indent(s string) string {
	return "  " + strings.ReplaceAll(strings.TrimSpace(s), "\n", "\n  ")
}

func printHelp(w io.Writer) {
	fmt.Fprint(w, "unroll turns a small recurrent network into firmware for an Arm Ethos-U NPU.\n\nUsage:\n  unroll VERB [arguments] [flags]\n\nVerbs:\n")
	for _, v := range verbs() {
		fmt.Fprintf(w, "  %-9s %s\n", v.name, v.summary)
	}
	fmt.Fprint(w, "\nOf every verb:\n  --max-memory SIZE   most memory that a run may hold, such as 2G (default: GOMEMLIMIT, else three\n                      quarters of the machine's); what asks for more is refused\n  --help              explain it\n\nStart with:\n  unroll build\n\nunroll VERB --help explains a verb, unroll completion --help how a shell completes them.\n")
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
