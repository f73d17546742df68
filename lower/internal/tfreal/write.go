// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"errors"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Result is the graph that is written.
type Result struct {
	Graph *graph.Graph

	// Ranges are what values cannot leave, by the name of their tensor, whatever
	// calibration sees: of truth values.
	Ranges map[string][2]float32

	// Roles name what the values of all rounds of a loop share a quantization with.
	Roles map[graph.TensorID]string
}

// resource is the type of handles, which readers leave nothing of.
const resource graph.DType = 13

// maxOps bounds the operators that are written, and maxErrors those that are named.
const (
	maxOps    = 1 << 17
	maxErrors = 100
)

// Write writes g, whose inputs and outputs are float32; subgraphs are those of the file,
// by number. All operators that cannot be had are named in one error. g is not changed.
func Write(g *graph.Graph, subgraphs []*graph.Graph) (*Result, error) {
	for i, one := range append([]*graph.Graph{g}, subgraphs...) {
		if one == nil {
			continue
		}
		for k, t := range one.Tensors {
			if i > 0 && !t.IsConst() { // shapes in subgraphs may be open
				continue
			}
			if _, err := t.CheckSize(); err != nil && t.Type != resource {
				return nil, fmt.Errorf("tensor %d %q: %w", k, t.Name, err)
			}
		}
	}
	out := *g
	out.Ops = nil
	out.Tensors = make([]*graph.Tensor, len(g.Tensors))
	for i, t := range g.Tensors {
		c := *t
		out.Tensors[i] = &c
	}
	w := &writer{out: &out, subs: subgraphs, ranges: map[string][2]float32{}, reals: map[graph.TensorID]graph.TensorID{}, lists: map[string]graph.TensorID{},
		roles: map[graph.TensorID]string{}, consts: map[*graph.Tensor]graph.TensorID{}, complex: map[graph.TensorID]pair{}}
	b := &block{writer: w, src: g}
	b.run()
	if w.errs != nil {
		return nil, errors.Join(w.errs...)
	}
	for _, id := range g.Outputs {
		if t := out.Tensors[id]; t.IsConst() && t.Type == graph.Float32 { // an output has to be computed
			w.copied(&out, id)
		}
	}
	for i, t := range out.Tensors {
		if i < len(g.Tensors) && g.Tensors[i].Type == graph.Bool && !t.IsConst() {
			t.Type = graph.Float32
		}
	}
	w.forget()
	if err := out.Validate(); err != nil {
		return nil, err
	}
	return &Result{Graph: &out, Ranges: w.ranges, Roles: w.roles}, nil
}

// forget takes the values of constants that nothing reads any more.
func (w *writer) forget() {
	read := map[graph.TensorID]bool{}
	for _, op := range w.out.Ops {
		for _, id := range op.Inputs {
			read[id] = true
		}
	}
	for i, t := range w.out.Tensors {
		if id := graph.TensorID(i); t.IsConst() && !read[id] && !slices.Contains(w.out.Outputs, id) {
			t.Data, t.Type, t.Quant = nil, graph.Float32, nil
		}
	}
}

// copied makes an output of a value that is known, as the RESHAPE of a constant.
func (w *writer) copied(g *graph.Graph, id graph.TensorID) {
	t := g.Tensors[id]
	known := *t
	known.Name += "/known"
	from := g.Add(&known)
	t.Data = nil
	g.Ops = append(g.Ops, &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{NewShape: t.Shape}, Inputs: []graph.TensorID{from}, Outputs: []graph.TensorID{id}})
}

type writer struct {
	out     *graph.Graph
	subs    []*graph.Graph
	ranges  map[string][2]float32
	roles   map[graph.TensorID]string         // of what is made in a round of a loop
	reals   map[graph.TensorID]graph.TensorID // constants of other types as float32
	consts  map[*graph.Tensor]graph.TensorID  // of subgraphs
	complex map[graph.TensorID]pair
	lists   map[string]graph.TensorID // constants of whole numbers, by content
	errs    []error
	depth   int
	bytes   int
	work    int // elements of what was folded
}
