// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"encoding/binary"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Calls feed arrays to a model: every array holds either one value of its input,
// or one value for each call with an extra leading dimension.
type Calls struct {
	m      Model
	states []State
	calls  int
	in     [][]byte // whole data for each input; nil: reset value
	each   []bool   // the input has a value for each call
}

// NewCalls checks the arrays, keyed by input name, against the model. float32
// arrays for integer inputs are quantized. A state input that gets one value starts
// from it.
func NewCalls(m Model, arrays map[string]*Array, states []State) (*Calls, error) {
	ins := m.Inputs()
	s := &Calls{m: m, states: states, calls: -1, in: make([][]byte, len(ins)), each: make([]bool, len(ins))}
	for _, name := range sortedKeys(arrays) {
		a := arrays[name]
		i, err := find(ins, name, "input")
		if err != nil {
			return nil, err
		}
		t := &ins[i]
		calls, each, ok := layoutOf(a.Shape, t.Shape)
		if !ok {
			return nil, fmt.Errorf("input %q: shape %v does not fit: expected %v, or %v for a sequence of calls; dimensions of 1 may be left out", t.Name, a.Shape, t.Shape, strings.Replace(fmt.Sprint(t.Shape), "[", "[calls ", 1))
		}
		if each {
			s.each[i] = true
			if s.calls >= 0 && s.calls != calls {
				return nil, fmt.Errorf("input %q has %d calls, another input has %d", t.Name, calls, s.calls)
			}
			s.calls = calls
		}
		data := a.Data
		if a.Type != t.Type {
			if a.Type != graph.Float32 {
				return nil, fmt.Errorf("input %q is %v, the array is %v: give %v, or float32 to be quantized", t.Name, t.Type, a.Type, t.Type)
			}
			if data, err = quantize(t, a.Data); err != nil {
				return nil, err
			}
		}
		s.in[i] = data
	}
	for _, st := range states {
		if s.each[st.In] {
			return nil, fmt.Errorf("input %q is a carried state, but the array has a value for each call: give one start value of shape %v or do not carry it", ins[st.In].Name, ins[st.In].Shape)
		}
	}
	carried := map[int]bool{}
	for _, st := range states {
		carried[st.In] = true
	}
	for i := range ins {
		if s.in[i] == nil && !carried[i] && len(arrays) > 0 && !isState(m, i) {
			return nil, fmt.Errorf("input %q is not given: expected --input %s=FILE.npy of shape %v", ins[i].Name, ins[i].Name, ins[i].Shape)
		}
	}
	if s.calls < 0 {
		s.calls = 1
	}
	return s, nil
}

// layoutOf says how an array holds the value of a tensor: once, or once for each of so many
// calls. A shape that is not the tensor's own, with or without a leading dimension, may leave
// out dimensions of 1: frames of features are calls of a tensor [1, 1, features].
func layoutOf(array, tensor []int) (calls int, each, ok bool) {
	switch bare := graph.WithoutOnes(tensor); {
	case equalShape(array, tensor):
		return 1, false, true
	case len(array) == len(tensor)+1 && equalShape(array[1:], tensor):
		return array[0], true, true
	case len(array) > 0 && len(array) == len(bare) && equalShape(array, bare):
		return 1, false, true
	case len(array) > 0 && equalShape(graph.WithoutOnes(array[1:]), bare):
		return array[0], true, true
	case equalShape(graph.WithoutOnes(array), bare):
		return 1, false, true
	}
	return 0, false, false
}

func isState(m Model, in int) bool {
	for _, st := range m.States() {
		if st.In == in {
			return true
		}
	}
	return false
}

// Count returns the number of calls.
func (s *Calls) Count() int { return s.calls }

// Batched reports whether the outputs get the extra leading dimension.
func (s *Calls) Batched() bool {
	for _, e := range s.each {
		if e {
			return true
		}
	}
	return false
}

// Run makes all calls in order and returns one array for each output, in the output's
// own type. progress may be nil.
func (s *Calls) Run(progress func(done int)) ([]*Array, error) {
	sess := NewSession(s.m, s.states)
	ins, outs := s.m.Inputs(), s.m.Outputs()
	arrays := make([]*Array, len(outs))
	for i := range outs {
		arrays[i] = &Array{Type: outs[i].Type, Shape: outs[i].Shape}
		if s.Batched() {
			arrays[i].Shape = append([]int{s.calls}, outs[i].Shape...)
		}
	}
	for i := range ins {
		if s.in[i] != nil && !s.each[i] {
			copy(sess.In[i], s.in[i])
		}
	}
	for n := 0; n < s.calls; n++ {
		for i := range ins {
			if s.each[i] {
				size := ins[i].Bytes()
				copy(sess.In[i], s.in[i][n*size:(n+1)*size])
			}
		}
		if err := sess.Call(); err != nil {
			return nil, fmt.Errorf("call %d: %w", n, err)
		}
		for i := range outs {
			arrays[i].Data = append(arrays[i].Data, sess.Out[i]...)
		}
		if progress != nil {
			progress(n + 1)
		}
	}
	return arrays, nil
}

// quantize turns float32 data into the integer type of t, rounding half away from
// zero and saturating, as TFLite's QUANTIZE does.
func quantize(t *Tensor, f32 []byte) ([]byte, error) {
	if t.Quant == nil || len(t.Quant.Scales) == 0 {
		return nil, fmt.Errorf("input %q is %v without quantization, so float32 cannot be fed: give %v", t.Name, t.Type, t.Type)
	}
	lo, hi := t.Type.Limits()
	if lo == hi {
		return nil, fmt.Errorf("input %q is %v, which float32 cannot be quantized to", t.Name, t.Type)
	}
	scale, zp := t.Quant.Scales[0], float64(t.Quant.ZeroPoints[0])
	size := t.Type.Size()
	out := make([]byte, 0, len(f32)/4*size)
	for i := 0; i+4 <= len(f32); i += 4 {
		x := math.Float32frombits(binary.LittleEndian.Uint32(f32[i:]))
		if x != x {
			return nil, fmt.Errorf("input %q: element %d is NaN", t.Name, i/4)
		}
		q := math.Round(float64(float32(x/scale))) + zp
		v := int64(max(float64(lo), min(float64(hi), q)))
		for b := 0; b < size; b++ {
			out = append(out, byte(v>>(8*b)))
		}
	}
	return out, nil
}

// Dequantize returns the array as float32 with the quantization of t.
func (a *Array) Dequantize(t *Tensor) (*Array, error) {
	if a.Type == graph.Float32 {
		return a, nil
	}
	if t.Quant == nil || len(t.Quant.Scales) == 0 {
		return nil, fmt.Errorf("output %q has no quantization to undo", t.Name)
	}
	f := &Array{Type: graph.Float32, Shape: a.Shape}
	size := a.Type.Size()
	for i := 0; i+size <= len(a.Data); i += size {
		q := a.Type.Int(a.Data[i:])
		x := float32(float64(t.Quant.Scales[0]) * float64(q-int64(t.Quant.ZeroPoints[0])))
		f.Data = binary.LittleEndian.AppendUint32(f.Data, math.Float32bits(x))
	}
	return f, nil
}

func equalShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func sortedKeys(m map[string]*Array) []string {
	return slices.Sorted(maps.Keys(m))
}
