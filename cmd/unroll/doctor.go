// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/firmware/run"
)

var doctorVerb = verb{
	name:    "doctor",
	args:    "",
	summary: "Tell which tools are here, what is missing and how to install it.",
	example: "unroll doctor",
	setup: func(f *pflag.FlagSet) func(*cli) error {
		asJSON := f.Bool("json", false, "print the list as JSON")
		return func(c *cli) error {
			if err := c.noArgs(); err != nil {
				return err
			}
			tools := run.Doctor(c.ctx)
			if *asJSON {
				return printJSON(c.stdout, doctored{tools})
			}
			for _, t := range tools {
				if t.Path != "" {
					fmt.Fprintf(c.stdout, "found    %-22s %s\n", t.Name, t.Version)
					continue
				}
				fmt.Fprintf(c.stdout, "missing  %-22s %s; needed by %s\n         install: %s\n", t.Name, t.Purpose, t.Needed, t.Install)
			}
			fmt.Fprintln(c.stdout, "unroll itself needs none of them: build, compile, simulate and verify always work.")
			return nil
		}
	},
}

// doctored is what doctor prints with --json.
type doctored struct {
	Tools []run.Tool `json:"tools"`
}
