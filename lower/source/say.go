// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Roles returns what quantization has to know of the values.
func (n *Network) Roles() unroll.Roles {
	return unroll.Roles{Role: n.Role, Sums: n.Sums, Carried: n.Carried, Bounds: n.Bounds, Ranges: n.Ranges}
}

// StateNames returns the declared pairs, input first.
func (n *Network) StateNames() [][2]string {
	out := [][2]string{}
	for _, s := range n.Graph.States {
		out = append(out, [2]string{n.Graph.Tensors[s.In].Name, n.Graph.Tensors[s.Out].Name})
	}
	return out
}

// Say lists what was assumed: by the import, of states that nobody declared, and of
// what the outputs mean.
func (n *Network) Say(states []string, head string, d *Data) []string {
	out := append([]string{}, n.Assumed...)
	if p := n.Proposals(); len(states) == 0 && len(p) > 0 {
		out = append(out, fmt.Sprintf("no states: inputs are fed at every call; if these are states, say %s, else --state none", strings.Join(p, " ")))
	}
	if d != nil && d.turned {
		out = append(out, "the input has the features of a sequence before its steps, by its shape; the data is turned to that")
	}
	outs := n.data()
	if len(outs) == 0 {
		return out
	}
	name := n.Graph.Tensors[n.Graph.Outputs[outs[0]]].Name
	switch {
	case d != nil && d.train != nil && len(outs) > 1:
		out = append(out, fmt.Sprintf("output %q, the first, is what the labels are of", name))
	}
	if d != nil && d.train != nil && !d.Regression() && head == "" && n.Task() == "" {
		if n.width(outs[0]) == 1 {
			out = append(out, fmt.Sprintf("output %q is a detection where it is above 0; nothing was put behind it, say --head sigmoid or none", name))
		} else {
			out = append(out, fmt.Sprintf("the largest of output %q names the class; nothing was put behind it, say --head softmax or none", name))
		}
	}
	return out
}

// width is the size of the last dimension of an output.
func (n *Network) width(output int) int {
	s := n.Graph.Tensors[n.Graph.Outputs[output]].Shape
	if len(s) == 0 {
		return 1
	}
	return s[len(s)-1]
}

// TaskOf is what the network does, by its labels or else its last operator; "" where
// neither says.
func (d *Data) TaskOf(n *Network) string {
	switch {
	case d.Regression():
		return facts.Regression
	case d.train != nil && len(n.data()) > 0 && n.width(n.data()[0]) == 1:
		return facts.Detection
	case d.train != nil:
		return facts.Classification
	}
	return n.Task()
}

// ClassesOf are the names of the labels, where the first output has one value for each.
func (d *Data) ClassesOf(n *Network) []string {
	if d.train == nil || d.Regression() || len(n.data()) == 0 {
		return nil
	}
	t := n.Graph.Tensors[n.Graph.Outputs[n.data()[0]]]
	if s := t.Shape; len(s) > 0 && s[len(s)-1] == len(d.train.Classes) && graph.Elems(s) >= len(d.train.Classes) {
		return d.train.Classes
	}
	return nil
}
