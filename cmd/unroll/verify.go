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
		asJSON := f.Bool("json", false, "print the findings as JSON")
		return func(c *cli) error {
			name, err := c.oneArg("the compiled .tflite")
			if err != nil {
				return err
			}
			m, err := readCompiled(name)
			if err != nil {
				return err
			}
			found := verify.Program(m.program)
			words, operations := 0, 0
			for _, s := range m.program.Stages {
				words, operations = words+len(s.Commands), operations+len(s.Ops)
			}
			if *asJSON {
				if found == nil {
					found = []verify.Finding{} // a list in JSON, too
				}
				if err := printJSON(c.stdout, map[string]any{"words": words, "findings": found}); err != nil {
					return err
				}
			} else {
				for _, f := range found {
					fmt.Fprintln(c.stdout, f)
				}
				fmt.Fprintf(c.stdout, "%s: %s words, %d operations, %d findings\n", name, commas(words), operations, len(found))
			}
			if len(found) > 0 {
				return errReported
			}
			return nil
		}
	},
}
