// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// A step is one operator with everything but the values fixed.
type step func(m *memory)

// plan is what all clones of an interpreter share.
type plan struct {
	g     *graph.Graph
	steps []step

	// Sizes of the scratch vectors, the maximum of all steps.
	needX, needAcc, needWide int

	packs map[graph.TensorID]*packed // weights that several operators share
}

// planner prepares the step of an operator.
type planner func(p *plan, op *graph.Op) (step, error)

// kernels is the table of operators. A movement and a function of one value need no
// row; every other operator is one file here, which sets its row.
var kernels = graph.NewStage[planner]("the reference interpreter", func(d *graph.Descriptor) (planner, bool) {
	switch {
	case d.Moves != nil:
		return planMoves, true
	case d.Real != nil:
		return planElement, true
	}
	return nil, false
})

func init() {
	kernels.Set(planFullyConnected, graph.FullyConnected)
	kernels.Set(planConv, graph.Conv2D)
	kernels.Set(planDepthwise, graph.DepthwiseConv2D)
	kernels.Set(planAddSub, graph.Add, graph.Sub)
	kernels.Set(planMul, graph.Mul)
	kernels.Set(planMinMax, graph.Maximum, graph.Minimum)
	kernels.Set(planPool, graph.AveragePool2D, graph.MaxPool2D)
	kernels.Set(planQuantize, graph.Quantize)
	kernels.Set(planCast, graph.Cast)
	kernels.Set(planDequantize, graph.Dequantize)
	kernels.Set(planSoftmax, graph.Softmax)
	kernels.Set(planLSTM, graph.UnidirectionalSequenceLSTM)
}

func newPlan(g *graph.Graph) (*plan, error) {
	p := &plan{g: g, packs: map[graph.TensorID]*packed{}}
	var errs []error
	for i, op := range g.Ops {
		prepare, err := kernels.Get(op.Kind)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", g.OpString(i), err))
			continue
		}
		s, err := prepare(p, op)
		if err != nil {
			if len(errs) < 20 {
				errs = append(errs, err)
			}
			continue
		}
		p.steps = append(p.steps, s)
	}
	return p, errors.Join(errs...)
}

// need reserves scratch for a step.
func (p *plan) need(x, acc, wide int) {
	p.needX, p.needAcc, p.needWide = max(p.needX, x), max(p.needAcc, acc), max(p.needWide, wide)
}

func (p *plan) newMemory() memory {
	m := memory{
		v:    make([][]byte, len(p.g.Tensors)),
		x:    make([]int16, p.needX),
		acc:  make([]int32, p.needAcc),
		wide: make([]int64, p.needWide),
	}
	total, states := 0, 0
	for _, t := range p.g.Tensors {
		if !t.IsConst() {
			total += (t.Bytes() + 15) &^ 15
		}
	}
	arena := make([]byte, total)
	for i, t := range p.g.Tensors {
		if t.IsConst() {
			m.v[i] = t.Data
			continue
		}
		n := t.Bytes()
		m.v[i], arena = arena[:n:n], arena[(n+15)&^15:]
	}
	for _, s := range p.g.States {
		states += p.g.Tensors[s.Out].Bytes()
	}
	m.carried = make([]byte, states)
	return m
}

// in and out return tensors of an operator.
func (p *plan) in(op *graph.Op, i int) *graph.Tensor  { return p.g.Tensors[op.Inputs[i]] }
func (p *plan) out(op *graph.Op, i int) *graph.Tensor { return p.g.Tensors[op.Outputs[i]] }

// get16 and put16 access the i-th int16 of a tensor.
func get16(b []byte, i int) int32    { return int32(int16(binary.LittleEndian.Uint16(b[2*i:]))) }
func put16(b []byte, i int, v int32) { binary.LittleEndian.PutUint16(b[2*i:], uint16(v)) }

// loader and storer return the access to elements of an integer type.
func loader(t graph.DType) func(b []byte, i int) int32 {
	switch t {
	case graph.Int8:
		return func(b []byte, i int) int32 { return int32(int8(b[i])) }
	case graph.Uint8, graph.Bool:
		return func(b []byte, i int) int32 { return int32(b[i]) }
	case graph.Int16:
		return get16
	}
	return func(b []byte, i int) int32 { return int32(binary.LittleEndian.Uint32(b[4*i:])) }
}

func storer(t graph.DType) func(b []byte, i int, v int32) {
	switch t {
	case graph.Int8, graph.Uint8, graph.Bool:
		return func(b []byte, i int, v int32) { b[i] = byte(v) }
	case graph.Int16:
		return put16
	}
	return func(b []byte, i int, v int32) { binary.LittleEndian.PutUint32(b[4*i:], uint32(v)) }
}

// floatError refuses operators on types that this package does not compute.
func floatError(p *plan, op *graph.Op) error {
	what := fmt.Errorf("computes with %v; quantize the network to int8 or int16 first", p.in(op, 0).Type)
	if p.in(op, 0).Type == graph.Int16 {
		what = fmt.Errorf("%v has no form of 16 bits in TFLite Micro: quantize what it reads and writes to int8", op.Kind)
	}
	for i, o := range p.g.Ops {
		if o == op {
			return fmt.Errorf("%s: %w", p.g.OpString(i), what)
		}
	}
	return what
}
