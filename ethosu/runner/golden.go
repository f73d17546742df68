// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/npy"
)

// Real is recorded data as calls of a model.
type Real struct {
	Feed  Feed
	Calls int // that the data has; Feed gives no more

	// Standardized is the input whose raw features were, or "".
	Standardized string
}

// ReadArchive reads the arrays of an NPZ file.
func ReadArchive(name string, file []byte) (map[string]*Array, error) {
	read, err := npy.ReadArchive(name, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, err
	}
	arrays := map[string]*Array{}
	for key, x := range read {
		if arrays[key], err = fromNPY(name+": "+key, x); err != nil {
			return nil, err
		}
	}
	return arrays, nil
}

// Floats returns float32 values as an array.
func Floats(shape []int, values []float32) *Array {
	a := &Array{Type: graph.Float32, Shape: shape, Data: make([]byte, 0, 4*len(values))}
	for _, v := range values {
		a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(v))
	}
	return a
}

// NewReal checks arrays against the inputs of a model that are no states. An array is one
// value for all calls, [calls …] values of one stream, or [sequences calls …], each
// sequence from the reset state (sequences of one call each are chained, so that carrying
// the state is tried, too); of a model whose input has a time axis [1 T …] also
// [sequences steps …], steps a multiple of T. Raw float32 features are standardized with
// the facts and quantized. An array of another name than the only input's will do: x_test,
// x, or the only one.
func NewReal(m Model, arrays map[string]*Array, f *facts.Facts) (*Real, error) {
	ins := m.Inputs()
	var data []int // inputs that are no states
	for i := range ins {
		if !isState(m, i) {
			data = append(data, i)
		}
	}
	arrays = onlyInput(ins, data, arrays)
	standardized, err := Standardize(m, arrays, f)
	if err != nil {
		return nil, err
	}
	r := &Real{Standardized: standardized, Calls: 1}
	values := make([][]byte, len(ins)) // of all calls
	moves := make([]bool, len(ins))
	perSequence := 0 // calls of one sequence; 0 is a stream
	for _, i := range data {
		t := &ins[i]
		a, err := arrayFor(t, arrays)
		if err != nil {
			return nil, err
		}
		sequences, calls, ok := layout(a.Shape, t.Shape)
		if !ok {
			with := func(more string) string { return strings.Replace(fmt.Sprint(t.Shape), "[", "["+more+" ", 1) }
			return nil, fmt.Errorf("input %q: shape %v does not fit: expected %v, %s or %s", t.Name, a.Shape, t.Shape, with("calls"), with("sequences calls"))
		}
		if values[i], err = rawOf(t, a); err != nil {
			return nil, err
		}
		if moves[i] = !equalShape(a.Shape, t.Shape); !moves[i] {
			continue
		}
		n, per := max(sequences, 1)*calls, 0
		if sequences > 0 {
			per = calls
		}
		if r.Calls != 1 && (n != r.Calls || per != perSequence) {
			return nil, fmt.Errorf("input %q has %d calls, another input %d, or they are divided otherwise", t.Name, n, r.Calls)
		}
		r.Calls, perSequence = n, per
	}
	if r.Calls == 0 {
		return nil, fmt.Errorf("the arrays hold no call")
	}
	r.Feed = func(call int, in [][]byte) bool {
		for _, i := range data {
			n := ins[i].Bytes()
			if at := call % r.Calls; moves[i] {
				copy(in[i], values[i][at*n:(at+1)*n])
			} else {
				copy(in[i], values[i])
			}
		}
		if perSequence == 1 && len(m.States()) > 0 {
			return call%chain == 0 || call%r.Calls == 0
		}
		return perSequence > 0 && call%perSequence == 0 || call%r.Calls == 0
	}
	return r, nil
}

// onlyInput finds the array of a model's only input under the names that data sets have.
func onlyInput(ins []Tensor, data []int, arrays map[string]*Array) map[string]*Array {
	if len(data) != 1 {
		return arrays
	}
	t := &ins[data[0]]
	if _, err := arrayFor(t, arrays); err == nil {
		return arrays
	}
	for _, name := range []string{"x_test", "x"} {
		if a := arrays[name]; a != nil {
			return map[string]*Array{t.Name: dataSet(a)}
		}
	}
	if names := sortedKeys(arrays); len(names) == 1 {
		return map[string]*Array{t.Name: arrays[names[0]]}
	}
	return arrays
}

// dataSet reads an array as data sets are read: uint8 stands for value/255, int8 for
// value/128.
func dataSet(a *Array) *Array {
	var most float32
	switch a.Type {
	case graph.Uint8:
		most = 255
	case graph.Int8:
		most = 128
	default:
		return a
	}
	values := make([]float32, len(a.Data))
	for i := range values {
		values[i] = float32(a.Type.Int(a.Data[i:])) / most
	}
	return Floats(a.Shape, values)
}

func arrayFor(t *Tensor, arrays map[string]*Array) (*Array, error) {
	for _, name := range []string{t.Name, FileName(t.Name)} {
		if a := arrays[name]; a != nil {
			return a, nil
		}
	}
	return nil, fmt.Errorf("input %q of shape %v is not among the arrays %q", t.Name, t.Shape, sortedKeys(arrays))
}

// layout returns how many sequences of how many calls an array of the given shape holds;
// no sequences are one stream.
func layout(shape, one []int) (sequences, calls int, ok bool) {
	switch {
	case equalShape(shape, one):
		return 0, 1, true
	case len(shape) == len(one)+1 && equalShape(shape[1:], one):
		return 0, shape[0], true
	case len(shape) == len(one)+2 && equalShape(shape[2:], one):
		return shape[0], shape[1], true
	case len(one) >= 2 && one[0] == 1 && len(shape) == 3 && one[len(one)-1] == shape[2]:
		steps := 1
		for _, d := range one[1 : len(one)-1] {
			steps *= d
		}
		if steps > 0 && shape[1]%steps == 0 && shape[1] > 0 {
			return shape[0], shape[1] / steps, true
		}
	}
	return 0, 0, false
}

// rawOf returns the bytes of an array in the tensor's own type.
func rawOf(t *Tensor, a *Array) ([]byte, error) {
	switch {
	case a.Type == t.Type:
		return a.Data, nil
	case a.Type == graph.Float32:
		return quantize(t, a.Data)
	}
	return nil, fmt.Errorf("input %q is %v, the array is %v: give %v, or float32 to be quantized", t.Name, t.Type, a.Type, t.Type)
}
