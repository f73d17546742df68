// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/firmware/run"
)

var runVerb = verb{
	name:    "run",
	args:    "PROJECT",
	summary: "Build a generated project, run it on host, QEMU or the FVP, and let its golden vectors judge.",
	example: `unroll run fw --on qemu
unroll run fw --exec ctest -- --test-dir build/tests   # your own unit tests, see fw/tests
unroll run fw --on qemu --ethosu-driver ../ethos-u-core-driver   # a project of --driver arm`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		on := f.String("on", "host", "where: host, qemu (Cortex-M55, simulated NPU), fvp (Arm's Corstone-300 model) or another board of the project")
		timeout := f.Duration("timeout", 5*time.Minute, "limit of the program's run")
		sanitize := f.Bool("sanitize", false, "host: build with AddressSanitizer and UBSan")
		shadow := f.Bool("shadow-cache", false, "host, qemu: put a data cache at its worst between program and NPU, to prove cache maintenance")
		driver := f.String("ethosu-driver", "", "for projects of --driver arm: folder of the source of Arm's core driver (without: what stands in for it)")
		unchecked := f.Bool("unchecked", false, "build and run a project that is not as it was generated, on what is left of its last build")
		example := f.String("example", "", "build and run one of the project's examples instead: stream, async or low_power")
		image := f.String("image", "", "run this image, which another build made of the project for that board, instead of building one")
		program := f.String("exec", "", "instead of the project's own program, start this one with the simulated NPU behind a socket; its arguments come after --")
		quiet := f.BoolP("quiet", "q", false, "do not show the program's console")
		asJSON := f.Bool("json", false, "print the report as JSON")
		return func(c *cli) error {
			if *program != "" {
				return runProgram(c, f, *program, run.Options{Timeout: *timeout, Shadow: *shadow})
			}
			dir, err := c.oneArg("the folder of the project")
			if err != nil {
				return err
			}
			if err := trust(dir, *unchecked || *image != ""); err != nil { // an image is there: nothing of the project is run
				return err
			}
			for _, flag := range []string{"sanitize", "shadow-cache", "ethosu-driver", "example"} {
				if *image != "" && f.Changed(flag) {
					return usagef("--%s is about how a project is built, --image is built: leave one of them out", flag)
				}
			}
			o := run.Options{Dir: dir, On: *on, Fresh: !*unchecked, Timeout: *timeout, Sanitize: *sanitize, Shadow: *shadow, EthosuDriver: *driver, Example: *example, Image: *image}
			if !*quiet && !*asJSON {
				o.Console = c.stdout
			}
			o.Progress = func(what string) { fmt.Fprintln(c.stderr, what) }
			return runProject(c, o, *asJSON)
		}
	},
}

// trust looks at a project before its build files are run, unless the user did.
func trust(dir string, unchecked bool) error {
	if unchecked {
		return nil
	}
	return codegen.Trusted(dir)
}

// connectProject makes the simulated NPU the one that a project is compiled for.
func connectProject(o *run.Options) error {
	m, err := codegen.ReadManifest(o.Dir)
	if err != nil {
		return err
	}
	if o.Accel, err = ethosu.ParseAccelerator(m.Accelerator); err != nil {
		return fmt.Errorf("%s: %w", o.Dir, err)
	}
	system, err := m.SystemConfig()
	if err != nil {
		return fmt.Errorf("%s: %w", o.Dir, err)
	}
	o.Connect = run.SimulatedIn(o.Accel, system)
	return nil
}

// runProgram starts a program of the user's own with the NPU of a project.
func runProgram(c *cli, f *pflag.FlagSet, program string, o run.Options) error {
	for _, flag := range []string{"on", "image", "sanitize", "ethosu-driver", "example", "json", "quiet", "unchecked"} {
		if f.Changed(flag) {
			return usagef("--%s is for the project's own program, --exec %s starts another one: leave one of them out", flag, program)
		}
	}
	if len(c.args) == 0 {
		return usagef("expected the folder of the project")
	}
	o.Dir = c.args[0]
	if err := connectProject(&o); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(c.ctx, o.Timeout, fmt.Errorf("%s does not end within %v: raise --timeout", program, o.Timeout))
	defer cancel()
	status, programs, err := run.Exec(ctx, run.Program{Argv: append([]string{program}, c.args[1:]...), Stdin: c.stdin, Stdout: c.stdout, Stderr: c.stderr}, o)
	if err != nil {
		return err
	}
	if status != 0 {
		return fmt.Errorf("%s ended with status %d", program, status)
	}
	if programs == 0 {
		return fmt.Errorf("%s ended well, but nothing used the NPU: build it with UNROLL_SIMULATED=ON, see %s", program, filepath.Join(o.Dir, "tests", "CMakeLists.txt"))
	}
	return nil
}

func runProject(c *cli, o run.Options, asJSON bool) error {
	if err := connectProject(&o); err != nil {
		return err
	}
	r, err := run.Run(c.ctx, o)
	var name *board.NameError
	if errors.As(err, &name) {
		return usagef("--on: %v", err)
	}
	if err != nil {
		return err
	}
	if asJSON {
		if err := printJSON(c.stdout, r); err != nil {
			return err
		}
	} else {
		counted := "library and driver"
		if r.ArmDriver {
			counted = "library without driver"
		}
		sizes := ""
		if r.Sizes != (run.Sizes{}) { // else they are not known
			sizes = fmt.Sprintf("; %s: %s bytes of code, %s of RAM, %s of stack", counted, commas(r.Code), commas(r.RAM), commas(r.Stack))
		}
		fmt.Fprintf(c.stdout, "%s on %s: %d calls, %d mismatches%s\n", verdict(r.Pass), r.On, r.Calls, r.Mismatches, sizes)
		if r.Cycles > 0 {
			fmt.Fprintf(c.stdout, "last call: %s NPU cycles%s\n", commas(int(r.Cycles)), r.CounterText())
			fmt.Fprintf(c.stdout, "cycles of a simulated NPU are estimates, within %.0f %% where they were measured\n", 100*perf.AccuracyOf(o.Accel))
		}
	}
	if !r.Pass {
		if r.Problem != "" {
			return fmt.Errorf("%s on %s: %s", o.Dir, r.On, r.Problem)
		}
		return errReported
	}
	return nil
}

func verdict(pass bool) string {
	if pass {
		return "PASS"
	}
	return "FAIL"
}
