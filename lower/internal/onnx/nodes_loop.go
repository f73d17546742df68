// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
)

// maxRounds bounds the rounds of all loops of a model together, also of those that
// compute nothing but numbers.
const maxRounds = 1 << 16

// round converts the body of a loop once more, with the given values of its inputs, and
// returns those of its outputs. Values of one name in all rounds share a role; s has the
// constants of the body.
func (c *converter) round(s *scope, body *Graph, in []*value, name string, number int) ([]*value, error) {
	if c.rounds++; c.rounds > maxRounds {
		return nil, fmt.Errorf("the loops of the model have more than %d rounds together; that is no network for a microcontroller", maxRounds)
	}
	inner := &scope{values: map[string]*value{}, graph: &Graph{Nodes: body.Nodes, Outputs: body.Outputs}, outer: s}
	for i, d := range body.Inputs {
		inner.values[d.Name] = in[i]
	}
	step, role, prefix, failed := c.step0, c.role0, c.prefix, len(c.refused)
	c.prefix = fmt.Sprintf("%s/t%02d/", name, number)
	c.enter(c.prefix, name+"/")
	c.hidden++
	c.nodes(inner)
	c.hidden--
	c.enter(step, role)
	c.prefix = prefix
	if len(c.refused) > failed {
		return nil, nil // said already
	}
	out := make([]*value, len(body.Outputs))
	for i, o := range body.Outputs {
		out[i], _ = inner.find(c, o.Name)
		if out[i] == nil {
			return nil, fmt.Errorf("output %q of its body cannot be had", o.Name)
		}
		c.real(out[i], fmt.Sprintf("output %q of its body", o.Name))
	}
	return out, nil
}

// body returns the graph that a loop repeats.
func body(n *Node, ins, outs int) (*Graph, error) {
	a := n.Attrs["body"]
	if a == nil || a.Graph == nil || len(a.Graph.Inputs) != ins || len(a.Graph.Outputs) < outs {
		return nil, errors.New("its body is missing, or has another number of inputs or outputs")
	}
	return a.Graph, nil
}

// args finds what a loop reads; missing reports that some of it is of a refused node.
func (c *converter) args(s *scope, n *Node) (in []*value, missing bool) {
	in = make([]*value, len(n.Inputs))
	for i, name := range n.Inputs {
		if name != "" {
			v, gone := s.find(c, name)
			in[i], missing = v, missing || gone
			c.real(v, fmt.Sprintf("input %q", name))
		}
	}
	return in, missing
}

func (c *converter) give(s *scope, n *Node, values []*value) {
	for i, name := range n.Outputs {
		if name == "" {
			continue
		}
		s.values[name] = nil
		if i < len(values) && values[i] != nil {
			c.define(s, name, values[i])
		}
	}
}

// loop unrolls a Loop whose number of rounds is known.
func (c *converter) loop(s *scope, n *Node) error {
	in, missing := c.args(s, n)
	if missing {
		c.give(s, n, nil)
		return nil
	}
	if len(in) < 2 {
		return errors.New("it has fewer than two inputs")
	}
	most := maxRounds + 1
	switch trips, cond := in[0], in[1]; {
	case trips != nil && (trips.ints == nil || len(trips.ints) != 1), cond != nil && (cond.ints == nil || len(cond.ints) != 1):
		return errors.New("how often it goes round is computed at run time; export the network with a fixed number of steps, or one step with its states as inputs and outputs")
	case cond != nil && cond.ints[0] == 0:
		most = 0
	case trips != nil:
		most = int(min(max(trips.ints[0], 0), maxRounds+1))
	}
	carried := append([]*value{}, in[2:]...)
	b, err := body(n, len(carried)+2, len(carried)+1)
	if err != nil {
		return err
	}
	name, constants := c.loopName(n), &scope{values: map[string]*value{}, graph: b, outer: s}
	scans := make([][]*value, len(b.Outputs)-1-len(carried))
	for i := 0; i < most; i++ {
		args := append([]*value{integers([]int{}, int64(i)), {typ: Bool, shape: []int{}, ints: []int64{1}}}, carried...)
		out, err := c.round(constants, b, args, name, i)
		if err != nil || out == nil {
			c.give(s, n, nil)
			return err
		}
		copy(carried, out[1:])
		for k := range scans {
			scans[k] = append(scans[k], out[1+len(carried)+k])
		}
		if out[0].ints == nil || len(out[0].ints) != 1 {
			return errors.New("whether it goes on is computed at run time; export the network with a fixed number of steps, or one step with its states as inputs and outputs")
		}
		if out[0].ints[0] == 0 {
			break
		}
	}
	c.node, c.base = n, name
	return c.looped(s, n, carried, scans, make([]int, len(scans)), make([]int, len(scans)))
}

// looped joins what every round gave and defines the outputs of a loop.
func (c *converter) looped(s *scope, n *Node, carried []*value, scans [][]*value, axes, backward []int) error {
	values := carried
	for k, list := range scans {
		name := n.Out(len(carried) + k)
		if len(list) == 0 {
			if name != "" {
				return fmt.Errorf("it goes round not once, and output %q has no elements", name)
			}
			continue
		}
		rank := list[0].rank() + 1
		a := c.axis(axes[k], rank)
		parts := make([]*value, len(list))
		for i, v := range list {
			at := i
			if backward[k] != 0 {
				at = len(list) - 1 - i
			}
			parts[at] = c.with(v, map[int]bool{a: true})
		}
		if name == "" {
			name = c.base
		}
		values = append(values, c.concatenated(parts, a, name))
	}
	c.give(s, n, values)
	return nil
}

// scan unrolls a Scan: one round for every element along an axis of its inputs.
func (c *converter) scan(s *scope, n *Node) error {
	if c.m.Opset < 9 {
		return errors.New("it had another meaning before opset 9; convert the model to opset 13 (onnx.version_converter)")
	}
	in, missing := c.args(s, n)
	if missing {
		c.give(s, n, nil)
		return nil
	}
	inputs := whole(n.Int("num_scan_inputs", 0))
	states := len(in) - inputs
	if inputs < 1 || states < 0 {
		return fmt.Errorf("attribute num_scan_inputs is %d for %d inputs", inputs, len(in))
	}
	for i, v := range in {
		if v == nil {
			return fmt.Errorf("input %d is missing", i)
		}
	}
	b, err := body(n, len(in), states)
	if err != nil {
		return err
	}
	outputs := len(b.Outputs) - states
	numbers := func(attr string, count int) ([]int, error) {
		list := make([]int, count)
		given := n.Ints(attr)
		if given != nil && len(given) != count {
			return nil, fmt.Errorf("attribute %s has %d entries, expected %d", attr, len(given), count)
		}
		for i, x := range given {
			list[i] = whole(x)
		}
		return list, nil
	}
	var lists [4][]int
	for i, attr := range []string{"scan_input_axes", "scan_input_directions", "scan_output_axes", "scan_output_directions"} {
		count := inputs
		if i >= 2 {
			count = outputs
		}
		if lists[i], err = numbers(attr, count); err != nil {
			return err
		}
	}
	rounds := -1
	for k := range inputs {
		v := in[states+k]
		lists[0][k] = c.axis(lists[0][k], v.rank())
		if n := v.shape[lists[0][k]]; rounds >= 0 && n != rounds {
			return fmt.Errorf("its inputs have %d and %d elements to go through", rounds, n)
		} else {
			rounds = n
		}
	}
	name, constants := c.loopName(n), &scope{values: map[string]*value{}, graph: b, outer: s}
	carried := append([]*value{}, in[:states]...)
	scans := make([][]*value, outputs)
	for i := range rounds {
		args := append([]*value{}, carried...)
		for k := range inputs {
			v, a, at := in[states+k], lists[0][k], i
			if lists[1][k] != 0 {
				at = rounds - 1 - i
			}
			spans := full(v.shape)
			spans[a] = span{at, 1, 1}
			c.node, c.base = n, fmt.Sprintf("%s/t%02d/in%d", name, i, k)
			args = append(args, c.without(c.sliced(v, spans, c.base), map[int]bool{a: true}))
		}
		out, err := c.round(constants, b, args, name, i)
		if err != nil || out == nil {
			c.give(s, n, nil)
			return err
		}
		copy(carried, out[:states])
		for k := range scans {
			scans[k] = append(scans[k], out[states+k])
		}
	}
	c.node, c.base = n, name
	return c.looped(s, n, carried, scans, lists[2], lists[3])
}

// loopName is what values of a loop are called after.
func (c *converter) loopName(n *Node) string {
	for _, out := range n.Outputs {
		if out != "" {
			return c.prefix + out
		}
	}
	return c.prefix + "loop"
}
