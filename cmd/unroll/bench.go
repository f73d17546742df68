// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/pflag"
)

var benchVerb = verb{
	name:    "bench",
	args:    "train|simulate|compile [MODEL.tflite]",
	summary: "Measure this machine: training, simulation, or compiled cycles against another compiler's stream.",
	example: `unroll bench train
unroll bench simulate gru.npu.tflite
unroll bench compile gru.tflite --against gru.vela.tflite`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var n npuFlags
		n.add(f)
		against := f.String("against", "", "compile: another compiler's output for the same model")
		asJSON := f.Bool("json", false, "print the figures as JSON")
		return func(c *cli) error {
			if len(c.args) == 0 {
				return usagef("expected what to measure: train, simulate or compile")
			}
			switch what := c.args[0]; what {
			case "train":
				return benchTrain(c, *asJSON)
			case "simulate":
				return benchSimulate(c, *asJSON)
			case "compile":
				return benchCompile(c, &n, *against, *asJSON)
			default:
				return usagef("cannot measure %q: expected train, simulate or compile", what)
			}
		}
	},
}
