// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
)

var compileVerb = verb{
	name:    "compile",
	args:    "MODEL.tflite",
	summary: "Compile an int8 .tflite, ours or anybody's, to an Ethos-U command stream.",
	example: `unroll compile gru.tflite --accel ethos-u55-128 -o gru.npu.tflite
unroll compile - -o - < gru.tflite | unroll verify -     # - is standard input, and standard output
unroll compile step.tflite --steps 28 --sequence auto   # a model of one step, 28 of them a call`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var p programFlags
		p.add(f)
		out := f.StringP("output", "o", "", "the compiled .tflite to write, - for standard output (default: MODEL.npu.tflite)")
		force := f.Bool("force", false, "replace an existing file")
		other := f.Bool("curve", true, "compile for other amounts of SRAM, too, and show what they take")
		asJSON := f.Bool("json", false, "print the figures as JSON")
		printAfter := f.String("print-after", "", "print the program on stderr as this compiler pass leaves it, for every variant that is tried")
		return func(c *cli) error {
			spareCollector()
			name, err := c.oneArg("the .tflite to compile")
			if err != nil {
				return err
			}
			o, err := p.check()
			if err != nil {
				return err
			}
			if *printAfter != "" {
				if o.After, err = compile.PrintAfter(*printAfter, c.stderr); err != nil {
					return usagef("--print-after: %v", err)
				}
			}
			dst := *out
			if dst == "" && name == dash || dst == dash && *asJSON {
				return usagef("- for standard input needs an --output, and --output - leaves no room for --json")
			}
			if dst == "" {
				dst = strings.TrimSuffix(name, filepath.Ext(name)) + ".npu.tflite"
			}
			if dst != dash {
				if err := checkOutput(dst, *force, name); err != nil {
					return err
				}
			}
			m, ch, err := p.compile(c, name, o)
			if err != nil {
				return err
			}
			known, err := m.metadata()
			if err != nil {
				return err
			}
			file, err := vela.Write(ch.Program, known...)
			if err != nil {
				return err
			}
			if dst == dash {
				_, err := c.stdout.Write(file)
				return err
			}
			if err := writeFile(dst, file, *force); err != nil {
				return err
			}
			r, err := perf.Estimate(ch.Program)
			if err != nil {
				return err
			}
			fig, err := r.Figures(ch.Program)
			if err != nil {
				return err
			}
			full := withSequence(fig, ch)
			if *other {
				if full.curve, err = curveOf(ch, fig); err != nil {
					return err
				}
			}
			c.sayUnproven(full.Unproven, dst)
			if *asJSON {
				return printJSON(c.stdout, full)
			}
			printChoice(c, ch)
			printFigures(c, ch.Program, &r, fig)
			c.printCurve(full.curve)
			if len(full.Points) > 1 {
				fmt.Fprintln(c.stdout)
			}
			again := repeated(f, append(npuFlagNames, "state", windowsFlag)...)
			fmt.Fprintf(c.stdout, "wrote %s", dst)
			if ch.Program.Steps > 0 {
				fmt.Fprintf(c.stdout, ": %d steps a call for unroll simulate, inspect and verify; other runtimes see one step, with its states", ch.Program.Steps)
				again = append(again, "--sequence="+ch.Form.String())
			}
			if p.sequence.steps > 0 {
				again = append(again, repeated(f, "steps", "per-step")...)
			}
			fmt.Fprintf(c.stdout, "\nnext: %s\n      %s\n", command("inspect", operand(dst)), command("generate", append([]string{operand(name), "-o", "fw"}, again...)...))
			return nil
		}
	},
}

// compiling lets a compiler with these options tell on stderr what it does.
func (c *cli) compiling(o *compile.Options) *progress {
	p := newProgress(c.stderr)
	o.Progress = func(pass string) { p.tell(0, "compiling: "+pass) }
	return p
}
