// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/nn"
)

// parameters are the network's weights in one vector, with the way each element of
// the graph's constants depends on them: constant = sign*parameter + rest. Lowering
// only moves, negates and adds weights, so every element has one parameter, and
// what was added to it (the recurrent bias of a gate joins the input bias) is rest.
type parameters struct {
	net             *nn.Network // the tensors of which value, in order, holds the values
	value, gradient []float32   // padded to whole vectors
	m, v            []float32
	links           map[graph.TensorID][]link
	program         *program
}

type link struct {
	parameter int // -1 for an element that is none
	sign      float32
	rest      float32
}

// firstTag is the tag of parameter 0; smaller numbers are constants of their own.
const firstTag = 1024

// newParameters finds the links by lowering a network whose weights are their own
// numbers.
func newParameters(net *nn.Network, p *program, o lower.Options) (*parameters, error) {
	tagged := net.Clone()
	count := 0
	for _, t := range tagged.Tensors() {
		for i := range *t {
			(*t)[i] = float32(firstTag + count)
			count++
		}
	}
	if firstTag+count > 1<<24 {
		return nil, fmt.Errorf("network %q has %d weights; fine-tuning takes at most %d", net.Name, count, 1<<24-firstTag)
	}
	for i := range tagged.Layers {
		if l := &tagged.Layers[i]; l.Kind == nn.Recurrent && l.Cell.Facts().Folded != nil {
			clear(l.Cell.Facts().Folded(l))
		}
	}
	g, err := lower.Float(tagged, o)
	if err != nil {
		return nil, err
	}
	size := (count + elementwise.Lanes - 1) / elementwise.Lanes * elementwise.Lanes
	r := &parameters{net: net.Clone(), program: p, links: map[graph.TensorID][]link{},
		value: make([]float32, size), gradient: make([]float32, size), m: make([]float32, size), v: make([]float32, size)}
	at := 0
	for _, t := range r.net.Tensors() {
		at += copy(r.value[at:], *t)
	}
	tags, err := newProgram(g, g, 0)
	if err != nil {
		return nil, err
	}
	for _, id := range p.order {
		c := p.consts[id]
		found := g.Find(c.name)
		if found == graph.None || tags.consts[found] == nil || !slices.Equal(tags.consts[found].shape, c.shape) {
			return nil, fmt.Errorf("BUG: constant %q does not appear in the graph of the numbered network", c.name)
		}
		links := make([]link, len(c.value))
		for i, tag := range tags.consts[found].value {
			n := int(math.Abs(float64(tag))) - firstTag
			links[i] = link{parameter: -1}
			if n >= 0 && n < count {
				sign := float32(1)
				if tag < 0 {
					sign = -1
				}
				links[i] = link{n, sign, c.value[i] - float32(sign*r.value[n])}
			}
		}
		r.links[id] = links
	}
	return r, nil
}

// collect sums the gradients of the constants over the tapes, in their order, and
// carries them to the parameters.
func (r *parameters) collect(tapes []*tape) {
	clear(r.gradient)
	for _, id := range r.program.order {
		for _, t := range tapes {
			for i, d := range t.constants[id] {
				if l := r.links[id][i]; l.parameter >= 0 {
					r.gradient[l.parameter] += float32(l.sign * d)
				}
			}
		}
	}
}

// move takes an optimizer step and puts the new values into the constants.
func (r *parameters) move(a *elementwise.Adam) {
	a.Step(r.value, r.gradient, r.m, r.v)
	r.apply()
}

func (r *parameters) apply() {
	for id, links := range r.links {
		c := r.program.consts[id]
		for i, l := range links {
			if l.parameter >= 0 {
				c.value[i] = float32(l.sign*r.value[l.parameter]) + l.rest
			}
		}
	}
}

// network returns the network with the values as they are.
func (r *parameters) network() *nn.Network {
	net := r.net.Clone()
	at := 0
	for _, t := range net.Tensors() {
		at += copy(*t, r.value[at:])
	}
	return net
}
