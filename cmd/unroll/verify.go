// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu/verify"
)

var verifyVerb = verb{
	name:    "verify",
	args:    "COMPILED.tflite",
	summary: "Prove of a compiled stream, anybody's, that every access, wait and block is legal.",
	example: "unroll verify gru.npu.tflite",
	setup: func(f *pflag.FlagSet) func(*cli) error {
		asJSON := f.Bool("json", false, "print the report as JSON")
		strict := f.Bool("strict", false, "fail on what is unproven, too")
		return func(c *cli) error {
			name, err := c.oneArg("the compiled .tflite")
			if err != nil {
				return err
			}
			m, err := readCompiled(name)
			if err != nil {
				return err
			}
			r := verify.Program(m.program)
			words := 0
			for _, s := range m.program.Stages {
				words += len(s.Commands)
			}
			if *asJSON {
				if err := printJSON(c.stdout, verified{words, r.Operations, r.Findings, r.Unproven}); err != nil {
					return err
				}
			} else {
				for _, f := range r.All() {
					fmt.Fprintln(c.stdout, f)
				}
				fmt.Fprintf(c.stdout, "%s: %s words, %d operations, %d findings, %d unproven\n", name, commas(words), r.Operations, len(r.Findings), len(r.Unproven))
			}
			if len(r.Findings) > 0 || *strict && len(r.Unproven) > 0 {
				return errReported
			}
			return nil
		}
	},
}

// verified is what verify prints with --json.
type verified struct {
	Words      int              `json:"words"`
	Operations int              `json:"operations"`
	Findings   []verify.Finding `json:"findings"`
	Unproven   []verify.Finding `json:"unproven"`
}

// sayUnproven tells on stderr what the verifier could not prove of a stream that it found
// nothing against; file is where the stream is.
func (c *cli) sayUnproven(unproven []verify.Finding, file string) {
	if len(unproven) == 0 {
		return
	}
	c.say("warning: the verifier can neither prove nor refute %d %s of the stream, the first: %v; %s lists them", len(unproven), plural(len(unproven), "place"), unproven[0], command("verify", operand(file)))
}
