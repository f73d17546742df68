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

// kernels has one row for every operator: the function that prepares a step.
// Adding an operator is one row here and one file.
var kernels map[graph.Kind]func(p *plan, op *graph.Op) (step, error)

func init() { // not a composite literal, which would be an initialization cycle
	kernels = map[graph.Kind]func(p *plan, op *graph.Op) (step, error){
		graph.FullyConnected:             planFullyConnected,
		graph.Conv2D:                     planConv,
		graph.DepthwiseConv2D:            planDepthwise,
		graph.Add:                        planAddSub,
		graph.Sub:                        planAddSub,
		graph.Mul:                        planMul,
		graph.Maximum:                    planMinMax,
		graph.Minimum:                    planMinMax,
		graph.AveragePool2D:              planPool,
		graph.MaxPool2D:                  planPool,
		graph.Logistic:                   planSigmoid,
		graph.Tanh:                       planSigmoid,
		graph.Relu:                       planRequant,
		graph.Relu6:                      planRequant,
		graph.Quantize:                   planQuantize,
		graph.Cast:                       planCast,
		graph.Dequantize:                 planDequantize,
		graph.Softmax:                    planSoftmax,
		graph.UnidirectionalSequenceLSTM: planLSTM,
		graph.Reshape:                    planReshape,
		graph.Concatenation:              planConcatenation,
		graph.Pack:                       planPack,
		graph.Unpack:                     planUnpack,
		graph.Split:                      planSplit,
		graph.SplitV:                     planSplit,
		graph.Slice:                      planSlice,
		graph.StridedSlice:               planSlice,
		graph.Transpose:                  planTranspose,
	}
}

func newPlan(g *graph.Graph) (*plan, error) {
	p := &plan{g: g, packs: map[graph.TensorID]*packed{}}
	var errs []error
	for i, op := range g.Ops {
		prepare, ok := kernels[op.Kind]
		if !ok {
			errs = append(errs, fmt.Errorf("%s: the reference interpreter does not execute %v", g.OpString(i), op.Kind))
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

// floatError refuses operators on types that this package does not compute.
func floatError(p *plan, op *graph.Op) error {
	what := fmt.Errorf("computes with %v; quantize the network to int8 or int16 first", p.in(op, 0).Type)
	for i, o := range p.g.Ops {
		if o == op {
			return fmt.Errorf("%s: %w", p.g.OpString(i), what)
		}
	}
	return what
}
