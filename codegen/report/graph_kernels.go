// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// kernels draws the block operations of streams whose operators are unknown.
func kernels(stages []*stage) graphView {
	v := graphView{What: "kernels"}
	d := &diagram{}
	for _, s := range stages {
		s.addKernels(&v, d)
	}
	v.Drawing = d.draw("Graph of the kernels, joined by the bytes that they write and read")
	return v
}

func (s *stage) addKernels(v *graphView, d *diagram) {
	var ops []*operation
	var like []string
	for i := range s.ops {
		if o := &s.ops[i]; !o.DMA {
			ops = append(ops, o)
			like = append(like, o.like())
		}
	}
	f := foldBoxes(like)
	part := &diagram{}
	base := len(d.nodes)
	sums := make([]float64, len(f.first))
	for i, o := range ops {
		sums[f.box[i]] += o.End - o.Begins
	}
	for b, shown := range f.first {
		o := ops[shown]
		v.Rows = append(v.Rows, operatorRow{Operator: o.Name, Output: or(o.Source, "not named in the file"), Shape: o.Shape, Times: f.times[b] * s.Times, Kernels: "1 kernel each", Cycles: cycles(sums[b] * float64(s.Times)), Layer: layerOf(o.Source)})
		if b >= mostBoxes {
			v.Cut++
			continue
		}
		n := node{Label: o.Name, Sub: or(o.Source, o.Shape), Class: "r-" + o.Reason.String(), Title: fmt.Sprintf("%s%s %s, bound by %v, %s cycles in all", s.Title(), o.Name, o.Shape, o.Reason, cycles(sums[b]))}
		if f.times[b] > 1 {
			n.Label = fmt.Sprintf("%s  ×%d", n.Label, f.times[b])
		}
		part.nodes = append(part.nodes, n)
	}
	seen := map[edge]bool{}
	var last writers
	n := 0 // kernels so far
	for k := range s.ops {
		o := &s.ops[k]
		by := n
		if o.DMA { // what it moves stays the work of who wrote it; constants are nobody's
			by = -1
			for _, r := range o.reads {
				for _, w := range last.of(r) {
					by = w
				}
			}
		} else {
			for _, r := range o.reads {
				for _, w := range last.of(r) {
					if w >= 0 {
						f.join(seen, part, w, n)
					}
				}
			}
			n++
		}
		for _, w := range o.writes {
			last.note(w, by)
		}
	}
	for _, e := range part.edges {
		e.From, e.To = e.From+base, e.To+base
		d.edges = append(d.edges, e)
	}
	d.nodes = append(d.nodes, part.nodes...)
}

// writers are the kernels that wrote last, -1 for none, by bytes: disjoint spans in no order.
type writers []written

type written struct {
	isa.Span
	by int
}

// of returns who wrote the bytes of a span, each once.
func (w writers) of(s isa.Span) (list []int) {
	for _, k := range w {
		if k.Overlaps(s) && !slices.Contains(list, k.by) {
			list = append(list, k.by)
		}
	}
	return list
}

// note says that a kernel wrote a span: what it does not cover of others' stays theirs.
func (w *writers) note(s isa.Span, by int) {
	var rest writers
	for _, k := range *w {
		if !k.Overlaps(s) {
			rest = append(rest, k)
			continue
		}
		before, behind := k, k
		if before.End = s.Start; before.End > before.Start {
			rest = append(rest, before)
		}
		if behind.Start = s.End; behind.End > behind.Start {
			rest = append(rest, behind)
		}
	}
	*w = append(rest, written{s, by})
}
