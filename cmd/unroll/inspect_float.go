// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/source"
)

// inspectFloat shows a float network of any format as lower would take it: inputs,
// outputs and states, what was assumed, how it compares with its source, and the operators.
func inspectFloat(c *cli, flags *sourceFlags, name string, asJSON bool) error {
	o, err := flags.options(nil)
	if err != nil {
		return err
	}
	o.Raw = true
	net, err := source.Open(name, o)
	if err != nil {
		return err
	}
	for _, what := range net.Assumed {
		c.say("assumed: %s", what)
	}
	if p := net.Proposals(); len(p) > 0 {
		c.say("note: inputs and outputs that look like states are not said to be states: add %s where it is lowered or simulated, or --state none", strings.Join(p, " "))
	}
	if asJSON {
		return printJSON(c.stdout, graph.Summarize(net.Graph))
	}
	fmt.Fprintf(c.stdout, "a float network (%s)", net.Format)
	if net.Inputs > 0 {
		fmt.Fprintf(c.stdout, ": %s", net.Proof())
	}
	fmt.Fprintln(c.stdout)
	return graph.Fprint(c.stdout, net.Graph)
}

// isFloatSource reports whether inspect shows a file as a float network: every format but
// .tflite, of which those that are no such network, or that cannot be imported as one, are
// shown as they are written.
func isFloatSource(name string) (bool, error) {
	if name == dash {
		return false, nil
	}
	format, err := source.Recognise(name)
	return err == nil && format != source.TFLite, err
}
