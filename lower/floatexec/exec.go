// SPDX-License-Identifier: Apache-2.0

package floatexec

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/gemm"
)

// Exec is a graph made ready for execution. It is not changed by running and
// can be shared; every goroutine takes its own Runner.
type Exec struct {
	g       *graph.Graph
	consts  map[graph.TensorID]View
	kernels []kernel
	release [][]graph.TensorID // owners whose storage is free after operator i
	owner   []graph.TensorID   // whose storage a tensor's view points into
	grids   []grid             // of quantized tensors, zero when not rounded
	product product            // of matrices
}

// kernel computes the outputs of one operator for a batch.
type kernel func(r *Runner, batch int) error

// New plans the execution of g with the fastest kernels of the machine, whose
// results differ in the last bits from one machine to another. Errors name the
// operator that has no float execution or a shape it cannot take.
func New(g *graph.Graph) (*Exec, error) { return newExec(g, gemm.Mul) }

// NewExact is New with results that have the same bits on every machine, at a
// fraction of the speed: for what decides the bytes of a file.
func NewExact(g *graph.Graph) (*Exec, error) { return newExec(g, mulExact) }

func newExec(g *graph.Graph, mul product) (*Exec, error) {
	e := &Exec{
		product: mul,
		g:       g,
		consts:  map[graph.TensorID]View{},
		kernels: make([]kernel, len(g.Ops)),
		release: make([][]graph.TensorID, len(g.Ops)),
		owner:   make([]graph.TensorID, len(g.Tensors)),
		grids:   make([]grid, len(g.Tensors)),
	}
	for i, t := range g.Tensors {
		e.owner[i] = graph.TensorID(i)
		if t.IsConst() {
			v, err := constant(t)
			if err != nil {
				return nil, err
			}
			e.consts[graph.TensorID(i)] = View{Data: v, N: len(v)}
		} else {
			e.grids[i] = gridOf(t)
		}
	}
	for i, op := range g.Ops {
		k, err := e.plan(op)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", g.Name, g.OpString(i), err)
		}
		e.kernels[i] = k
	}
	e.planRelease()
	return e, nil
}

// planRelease finds after which operator each storage is no longer needed.
func (e *Exec) planRelease() {
	last := make([]int, len(e.g.Tensors))
	for i := range last {
		last[i] = -1
	}
	use := func(id graph.TensorID, at int) {
		if id != graph.None {
			last[e.owner[id]] = at
		}
	}
	for i, op := range e.g.Ops {
		for _, id := range op.Outputs {
			use(id, i)
		}
		for _, id := range op.Inputs {
			use(id, i)
		}
	}
	for _, id := range e.g.Inputs {
		last[id] = -1 // the caller's
	}
	for _, id := range e.g.Outputs {
		last[e.owner[id]] = -1
	}
	for id, at := range last {
		if at >= 0 && !e.g.Tensors[id].IsConst() {
			e.release[at] = append(e.release[at], graph.TensorID(id))
		}
	}
}

// Runner holds the storage of one execution at a time.
type Runner struct {
	e     *Exec
	views []View
	free  map[int][][]float32 // by length
	kept  [][]float32         // storage of outputs, reclaimed by the next Run
	spare []float32           // of scratch
	// Visit, when not nil, is called with every computed tensor and every
	// input, in execution order. The view is valid during the call only.
	Visit func(id graph.TensorID, v View)
}

// Runner returns a new runner of the graph.
func (e *Exec) Runner() *Runner {
	r := &Runner{e: e, views: make([]View, len(e.g.Tensors)), free: map[int][][]float32{}}
	for id, v := range e.consts {
		r.views[id] = v
	}
	return r
}

// Run executes the graph for batch samples. Each of inputs holds batch times
// the elements of that graph input, sample after sample, and is rounded in
// place when the graph is quantized. The views returned, in the order of
// Graph.Outputs, are valid until the next Run.
func (r *Runner) Run(batch int, inputs [][]float32) ([]View, error) {
	e, g := r.e, r.e.g
	if len(inputs) != len(g.Inputs) {
		return nil, fmt.Errorf("%s: %d inputs given, the graph has %d", g.Name, len(inputs), len(g.Inputs))
	}
	for _, b := range r.kept {
		r.free[len(b)] = append(r.free[len(b)], b)
	}
	r.kept = r.kept[:0]
	for i, id := range g.Inputs {
		n := g.Tensors[id].Elems()
		if len(inputs[i]) != batch*n {
			return nil, fmt.Errorf("%s: input %q: %d values given, %d samples of shape %v need %d",
				g.Name, g.Tensors[id].Name, len(inputs[i]), batch, g.Tensors[id].Shape, batch*n)
		}
		r.views[id] = View{Data: inputs[i], Stride: n, N: n}
		r.finish(id, batch)
	}
	for i, k := range e.kernels {
		if err := k(r, batch); err != nil {
			return nil, fmt.Errorf("%s: %s: %w", g.Name, g.OpString(i), err)
		}
		for _, id := range g.Ops[i].Outputs {
			r.finish(id, batch)
		}
		for _, id := range e.release[i] {
			b := r.views[id].Data
			r.free[len(b)] = append(r.free[len(b)], b)
		}
	}
	out := make([]View, len(g.Outputs))
	kept := map[graph.TensorID]bool{}
	for i, id := range g.Outputs {
		out[i] = r.views[id]
		own := e.owner[id]
		if t := g.Tensors[own]; !kept[own] && !t.IsConst() && !isInput(g, own) {
			kept[own] = true
			r.kept = append(r.kept, r.views[own].Data)
		}
	}
	return out, nil
}

func isInput(g *graph.Graph, id graph.TensorID) bool {
	for _, in := range g.Inputs {
		if in == id {
			return true
		}
	}
	return false
}

// finish rounds a new value to its grid, if it has one, and shows it.
func (r *Runner) finish(id graph.TensorID, batch int) {
	v := r.views[id]
	if r.e.owner[id] == id {
		r.e.grids[id].round(v, batch)
	}
	if r.Visit != nil {
		r.Visit(id, v)
	}
}

// alloc gives the tensor storage of its own for a batch.
func (r *Runner) alloc(id graph.TensorID, batch int) View {
	n := r.e.g.Tensors[id].Elems()
	size := batch * n
	var b []float32
	if l := r.free[size]; len(l) > 0 {
		b, r.free[size] = l[len(l)-1], l[:len(l)-1]
	} else {
		b = make([]float32, size)
	}
	r.views[id] = View{Data: b, Stride: n, N: n}
	return r.views[id]
}

// scratch returns n floats that are free until the next call.
func (r *Runner) scratch(n int) []float32 {
	if cap(r.spare) < n {
		r.spare = make([]float32, n)
	}
	return r.spare[:n]
}
