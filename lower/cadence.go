// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// cadence says how the calls of a graph fall on the sequences of a network.
//
// Where the steps of a call do not divide a sequence, a graph that gives every step's
// output gets zeros after the sequence's end, where nobody looks; one that gives the last
// step's alone decides with the last call that ends within the sequence. With the state
// carried on, calls go over the ends of sequences as they do in a stream.
type cadence struct {
	net   *nn.Network
	steps int // of a call
	rows  int // outputs of a call: 1, or one for every step
	calls int // of a sequence that starts from the reset state
}

// cadenceOf returns the cadence of a graph. A graph without states must take a sequence
// in one call, and no call may take more than one.
func cadenceOf(net *nn.Network, g *graph.Graph) (cadence, error) {
	c := cadence{net: net, steps: g.Tensors[g.Inputs[0]].Shape[1]}
	c.rows = g.Tensors[g.Outputs[0]].Elems() / max(net.Outputs, 1)
	switch {
	case c.steps > net.Steps:
		return c, fmt.Errorf("network %q: accuracy on sequences of %d steps cannot be measured with %d steps a call: a call goes over several sequences, and only one decision comes of it; choose at most %d",
			net.Name, net.Steps, c.steps, net.Steps)
	case c.steps != net.Steps && len(g.States) == 0:
		return c, fmt.Errorf("network %q: accuracy on sequences of %d steps cannot be measured with %d steps a call: no state passes from call to call; take whole sequences, or state inputs",
			net.Name, net.Steps, c.steps)
	}
	c.calls = net.Steps / c.steps
	if c.rows > 1 && net.Steps%c.steps > 0 {
		c.calls++
	}
	return c, nil
}

// unseen is how many steps at the end of a sequence no decision knows of.
func (c cadence) unseen() int { return max(c.net.Steps-c.calls*c.steps, 0) }

// whole is the number of calls whose steps are all the sequence's.
func (c cadence) whole() int { return c.net.Steps / c.steps }

// feed writes the rows of a call that starts with the given step of a sequence.
func (c cadence) feed(dst, sequence []float32, step int) {
	n := copy(dst, sequence[min(step*c.net.Features, len(sequence)):])
	clear(dst[n:])
}

// keep adds a call's outputs to a sequence's, first being the sequence's step that the
// call starts with: all of them where every step decides, else the last one in place of
// what was there.
func (c cadence) keep(out, row []float32, first int) []float32 {
	k := c.net.Outputs
	for r := range c.rows {
		step := first + r
		if c.rows == 1 {
			step = first + c.steps - 1
		}
		if step < 0 || step >= c.net.Steps {
			continue
		}
		if !c.net.PerStep {
			out = out[:0]
		}
		out = append(out, row[r*k:(r+1)*k]...)
	}
	return out
}

// streamCalls is the number of calls that n sequences in a row take.
func (c cadence) streamCalls(n int) int {
	if c.rows > 1 {
		return (n*c.net.Steps + c.steps - 1) / c.steps
	}
	return n * c.net.Steps / c.steps
}

// streamFeed writes the rows of a call of a stream; sequence loads the standardized rows
// of one of its n sequences.
func (c cadence) streamFeed(dst []float32, n, call int, sequence func(i int) []float32) {
	at, left := call*c.steps, dst
	for len(left) > 0 {
		i := at / c.net.Steps
		if i >= n {
			clear(left)
			return
		}
		k := copy(left, sequence(i)[at%c.net.Steps*c.net.Features:])
		left, at = left[k:], at+k/c.net.Features
	}
}

// streamKeep adds a call's outputs to those of the sequences that it touches.
func (c cadence) streamKeep(out [][]float32, call int, row []float32) {
	at := call * c.steps
	for i := at / c.net.Steps; i < len(out) && i*c.net.Steps < at+c.steps; i++ {
		out[i] = c.keep(out[i], row, at-i*c.net.Steps)
	}
}
