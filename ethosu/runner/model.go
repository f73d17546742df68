// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Tensor describes an input or output of a model.
type Tensor struct {
	Name  string
	Type  graph.DType
	Shape []int
	Quant *graph.Quant
}

// Bytes returns the size of one value.
func (t *Tensor) Bytes() int { return graph.Elems(t.Shape) * t.Type.Size() }

// State pairs an output with the input that it feeds at the next call, as indices.
type State struct{ In, Out int }

// Model is a network that can be called. A Model is not safe for concurrent use;
// Clone gives every goroutine its own.
type Model interface {
	Inputs() []Tensor
	Outputs() []Tensor
	// States are the pairs that the model itself declares.
	States() []State
	// Invoke runs one call: in and out hold one raw little-endian value for each
	// input and output, in order. Constants survive a call, and the variables that
	// some models keep by themselves.
	Invoke(in, out [][]byte) error
	// Reset puts such variables back to their zero points.
	Reset()
	// Clone returns a model of its own, in the reset state.
	Clone() Model
}

// Buffers allocates one value for each tensor.
func Buffers(ts []Tensor) [][]byte {
	b := make([][]byte, len(ts))
	for i := range ts {
		b[i] = make([]byte, ts[i].Bytes())
	}
	return b
}

// FillReset sets a value to its reset state: the zero point in every element, which
// is real 0.
func FillReset(t *Tensor, value []byte) {
	var zp int32
	if t.Quant != nil && len(t.Quant.ZeroPoints) > 0 {
		zp = t.Quant.ZeroPoints[0]
	}
	size := t.Type.Size()
	for i := range value {
		value[i] = byte(uint64(int64(zp)) >> (8 * (i % size)))
	}
}

// find returns the index of the tensor with the given name, else of the only one whose
// file name it is, as simulate writes it (see FileName).
func find(ts []Tensor, name, what string) (int, error) {
	var names []string
	at := -1
	for i := range ts {
		if ts[i].Name == name {
			return i, nil
		}
		names = append(names, ts[i].Name)
	}
	for i := range ts {
		if FileName(ts[i].Name) != name {
			continue
		}
		if at >= 0 {
			return 0, fmt.Errorf("%s %q could be %q and %q: give the name itself", what, name, ts[at].Name, ts[i].Name)
		}
		at = i
	}
	if at < 0 {
		return 0, fmt.Errorf("no %s named %q: the model has %q", what, name, names)
	}
	return at, nil
}

// PairStates resolves "IN=OUT" names to indices and checks that each pair can be
// carried as a byte copy.
func PairStates(m Model, pairs map[string]string, order []string) ([]State, error) {
	ins, outs := m.Inputs(), m.Outputs()
	var states []State
	for _, in := range order {
		i, err := find(ins, in, "input")
		if err != nil {
			return nil, err
		}
		o, err := find(outs, pairs[in], "output")
		if err != nil {
			return nil, err
		}
		a, b := &ins[i], &outs[o]
		if a.Type != b.Type || graph.Elems(a.Shape) != graph.Elems(b.Shape) {
			return nil, fmt.Errorf("state %q=%q cannot be carried: input is %v%v, output is %v%v", a.Name, b.Name, a.Type, a.Shape, b.Type, b.Shape)
		}
		if !graph.SameState(a.Quant, b.Quant) {
			return nil, fmt.Errorf("state %q=%q cannot be carried as bytes: input and output have different scale or zero point", a.Name, b.Name)
		}
		states = append(states, State{In: i, Out: o})
	}
	return states, nil
}
