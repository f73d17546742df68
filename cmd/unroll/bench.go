// SPDX-License-Identifier: Apache-2.0

package main

import (
	"github.com/spf13/pflag"
)

var benchVerb = verb{
	name:    "bench",
	args:    "train|simulate|compile|levels|bound [FILE]",
	summary: "Measure this machine: training, simulation, compiled cycles against another compiler's stream, what few levels of weights cost a network, or whether the loss bound of lower holds.",
	example: `unroll bench train
unroll bench simulate gru.npu.tflite
unroll bench compile gru.tflite --against gru.vela.tflite
unroll bench levels gru.safetensors --levels 7,15,31,127 --methods nearest,distilled
unroll bench bound --data integrator --epochs 20 --steps 1`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var n npuFlags
		n.add(f)
		against := f.String("against", "", "compile: another compiler's output for the same model")
		var lv levelFlags
		lv.add(f)
		var b boundFlags
		b.add(f)
		asJSON := f.Bool("json", false, "print the figures as JSON")
		return func(c *cli) error {
			if len(c.args) == 0 {
				return usagef("expected what to measure: train, simulate, compile, levels or bound")
			}
			switch what := c.args[0]; what {
			case "train":
				return benchTrain(c, *asJSON)
			case "simulate":
				return benchSimulate(c, *asJSON)
			case "compile":
				return benchCompile(c, &n, *against, *asJSON)
			case "levels":
				return benchLevels(c, &lv, &n, *asJSON)
			case "bound":
				return benchBound(c, &b, lv.data, &n, *asJSON)
			default:
				return usagef("cannot measure %q: expected train, simulate, compile, levels or bound", what)
			}
		}
	},
}
