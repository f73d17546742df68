// SPDX-License-Identifier: Apache-2.0

// Package tfeval computes graphs of TFLite's operators on real numbers by the words of
// their definitions, one element after the other in float64. It is the second witness of
// float .tflite files: it shares no arithmetic and no index arithmetic with the float
// execution that everything else uses. What attributes and parameter tensors mean it
// asks the graph.
package tfeval

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// maxWork bounds the products and elements of a run.
const maxWork = 1 << 30

// Run computes all tensors of a graph from its inputs, row-major: truth values as 0 and 1,
// whole numbers as they are. subgraphs are those that IF and WHILE name, by number. Errors
// name the operator.
func Run(g *graph.Graph, subgraphs []*graph.Graph, inputs map[graph.TensorID][]float64) (map[graph.TensorID][]float64, error) {
	r := newRun(g, subgraphs)
	for _, id := range g.Inputs {
		if len(inputs[id]) != g.Tensors[id].Elems() {
			return nil, fmt.Errorf("input %q has %d values, expected %d", g.Tensors[id].Name, len(inputs[id]), g.Tensors[id].Elems())
		}
		r.v[id] = inputs[id]
	}
	return r.v, r.all()
}

// newRun copies the tensors: whole numbers that are computed become the values that
// parameters are read from.
func newRun(g *graph.Graph, subgraphs []*graph.Graph) *run {
	own := *g
	own.Tensors = make([]*graph.Tensor, len(g.Tensors))
	r := &run{g: &own, subs: subgraphs, v: map[graph.TensorID][]float64{}, imaginary: map[graph.TensorID][]float64{}}
	for id, t := range g.Tensors {
		c := *t
		own.Tensors[id] = &c
		if !t.IsConst() || t.Quant != nil || len(t.Data) != t.Bytes() {
			continue
		}
		v := make([]float64, t.Elems())
		for i := range v {
			if t.Type == graph.Float32 {
				v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:])))
			} else {
				v[i] = float64(t.Type.Int(t.Data[i*t.Type.Size():]))
			}
		}
		r.v[graph.TensorID(id)] = v
	}
	return r
}

// all runs the operators in order.
func (r *run) all() (err error) {
	at := 0
	defer func() { // of what nothing but this reads, no other check was made
		if e := recover(); e != nil {
			err = fmt.Errorf("%s: its tensors do not fit: %v", r.g.OpString(at), e)
		}
	}()
	live := r.live()
	for i, op := range r.g.Ops {
		if at = i; !live[i] {
			continue
		}
		for _, id := range append(append([]graph.TensorID(nil), op.Inputs...), op.Outputs...) {
			if id == graph.None {
				continue
			}
			if _, err := r.g.Tensors[id].CheckSize(); err != nil && !r.inner {
				return fmt.Errorf("%s: tensor %q: %w", r.g.OpString(i), r.g.Tensors[id].Name, err)
			}
		}
		if r.inner {
			if err := r.infer(op); err != nil {
				return fmt.Errorf("%s: %w", r.g.OpString(i), err)
			}
			for _, id := range op.Outputs {
				if n := graph.Elems(r.shape(id)); n < 0 || n > graph.MaxTensorBytes/8 {
					return fmt.Errorf("%s: shape %v is none, or too large", r.g.OpString(i), r.shape(id))
				}
			}
		}
		f := operators[op.Kind]
		if f == nil {
			return fmt.Errorf("%s: the operator is not known to the evaluator", r.g.OpString(i))
		}
		if err := f(r, op); err != nil {
			return fmt.Errorf("%s: %w", r.g.OpString(i), err)
		}
		for _, id := range op.Outputs {
			if t := r.g.Tensors[id]; (t.Type == graph.Int32 || t.Type == graph.Int64) && len(r.v[id]) == t.Elems() {
				list := make([]int, t.Elems())
				for i, x := range r.v[id] {
					list[i] = int(x)
				}
				t.SetInts(list)
			}
		}
	}
	return nil
}

// live says which operators the outputs depend on.
func (r *run) live() []bool {
	need, live := map[graph.TensorID]bool{}, make([]bool, len(r.g.Ops))
	for _, id := range r.g.Outputs {
		need[id] = true
	}
	for i := len(r.g.Ops) - 1; i >= 0; i-- {
		for _, id := range r.g.Ops[i].Outputs {
			live[i] = live[i] || need[id]
		}
		if live[i] {
			for _, id := range r.g.Ops[i].Inputs {
				need[id] = true
			}
		}
	}
	return live
}

type run struct {
	g     *graph.Graph
	subs  []*graph.Graph
	inner bool // the graph is one of subs, whose shapes the file leaves open
	v     map[graph.TensorID][]float64
	work  float64

	imaginary map[graph.TensorID][]float64 // parts of complex values, whose real ones are in v
}

// operator computes the outputs of an operator.
type operator func(r *run, op *graph.Op) error

var operators = map[graph.Kind]operator{}

func register(f operator, kinds ...graph.Kind) {
	for _, k := range kinds {
		operators[k] = f
	}
}

func (r *run) shape(id graph.TensorID) []int { return r.g.Tensors[id].Shape }

// spend charges products to the budget.
func (r *run) spend(factors ...int) error {
	n := 1.0
	for _, f := range factors {
		n *= float64(f)
	}
	if r.work += n; r.work > maxWork {
		return fmt.Errorf("the graph up to here takes more than %g operations, which is the limit", float64(maxWork))
	}
	return nil
}

// fill computes every element of the first output from its index.
func (r *run) fill(op *graph.Op, f func(index []int) float64) error {
	if err := r.spend(graph.Elems(r.shape(op.Outputs[0]))); err != nil {
		return err
	}
	r.v[op.Outputs[0]] = filled(r.shape(op.Outputs[0]), f)
	return nil
}

func filled(shape []int, f func(index []int) float64) []float64 {
	out, index := make([]float64, graph.Elems(shape)), make([]int, len(shape))
	for at := range out {
		out[at] = f(index)
		for d := len(shape) - 1; d >= 0; d-- {
			if index[d]++; index[d] < shape[d] {
				break
			}
			index[d] = 0
		}
	}
	return out
}

// at returns the element of a tensor at an index; dimensions that are missing in front
// or 1 are repeated.
func (r *run) at(id graph.TensorID, index []int) float64 {
	shape, place := r.shape(id), 0
	for d, n := range shape {
		i := index[len(index)-len(shape)+d]
		if n == 1 {
			i = 0
		}
		place = place*n + i
	}
	return r.v[id][place]
}

// ints returns the whole numbers of a parameter.
func (r *run) ints(op *graph.Op, pos int) ([]int, error) { return r.g.Tensors[op.Inputs[pos]].Ints() }

// fused applies the activation that an operator ends with.
func fused(a graph.Activation, x float64) float64 {
	switch a {
	case graph.ActRelu:
		return math.Max(x, 0)
	case graph.ActRelu6:
		return math.Min(math.Max(x, 0), 6)
	case graph.ActReluN1To1:
		return math.Min(math.Max(x, -1), 1)
	case graph.ActTanh:
		return math.Tanh(x)
	}
	return x
}
