// SPDX-License-Identifier: Apache-2.0

package source

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/unroll-npu/unroll/lower/internal/keras"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/internal/onnx/eval"
	"github.com/unroll-npu/unroll/train/checkpoint"
)

// IsGraph reports whether a file is opened as a graph of operators rather than as
// layers: ONNX, .tflite, and a Keras model that is more than a chain of layers.
func IsGraph(file string) (bool, error) {
	format, err := Recognise(file)
	if err != nil || format != Keras {
		return format == ONNX || format == TFLite, err
	}
	_, err = checkpoint.OpenAs(file, checkpoint.Stated{})
	return errors.As(err, new(*checkpoint.NotLayers)), nil
}

// openKeras reads a Keras model of any topology. It is written as an ONNX model, and
// what that computes is compared with the definitions of the layers.
func openKeras(file string, o Options) (*Network, error) {
	if o.Layers.Activation != "" || o.Layers.Order != nil || o.Layers.Join != "" {
		return nil, fmt.Errorf("%s: a model says itself what --activation, --order and --join would", file)
	}
	if len(o.Set) > 0 {
		return nil, fmt.Errorf("%s: --set is for .onnx: a Keras model has no inputs that never change", file)
	}
	k, declared, err := readKeras(file)
	if err != nil {
		return nil, err
	}
	open := &onnx.Model{File: file, Graph: &onnx.Graph{Inputs: declared, Weights: map[string]*onnx.Tensor{}}}
	convert := func(o Options) (*Network, error) {
		shapes := o.shapes(open)
		if o.Steps > 0 { // what is fed has the frames of a call, the file those of a window
			shapes = o.Shapes
		}
		for name := range o.Shapes {
			if shapes[name] = o.Shapes[name]; !declares(declared, name) {
				return nil, fmt.Errorf("%s: --shape %s: there is no such input", file, name)
			}
		}
		m, err := k.ONNX(shapes)
		if err != nil {
			return nil, err
		}
		fixed := o
		fixed.Shapes, fixed.Arrays, fixed.Sequence = nil, nil, [2]int{}
		n, err := convertONNX(file, m, fixed)
		if err != nil {
			return nil, err
		}
		n.Format = Keras.String()
		return n, n.proveKeras(k, m)
	}
	if o.Steps > 0 {
		return openWindow(open, o, convert)
	}
	return convert(o)
}

func readKeras(file string) (*keras.Model, []*onnx.Declared, error) {
	store, err := checkpoint.OpenKeras(file)
	if err != nil {
		return nil, nil, err
	}
	k, err := keras.Read(store)
	if err != nil {
		return nil, nil, err
	}
	declared, err := k.Declared()
	return k, declared, err
}

// kerasInputs are the names of a model's inputs.
func kerasInputs(file string) ([]string, error) {
	_, declared, err := readKeras(file)
	var out []string
	for _, d := range declared {
		out = append(out, d.Name)
	}
	return out, err
}

func declares(list []*onnx.Declared, name string) bool {
	for _, d := range list {
		if d.Name == name {
			return true
		}
	}
	return false
}

// proveKeras compares the ONNX model that was written with the layers' own definitions.
// Both are in float64, so that only the float32 of constants that were computed is between
// them. The ONNX model was compared with the graph before.
func (n *Network) proveKeras(k *keras.Model, m *onnx.Model) error {
	random := rand.New(rand.NewPCG(3, 4))
	for range max(n.Inputs, 1) {
		kerasIn, onnxIn := map[string]*keras.Array{}, map[string]*eval.Array{}
		for _, d := range m.Graph.Inputs {
			shape, count := []int{}, 1
			for _, dim := range d.Dims {
				shape, count = append(shape, int(dim.Size)), count*int(dim.Size)
			}
			x := make([]float64, count)
			for i := range x {
				x[i] = float64(float32(random.NormFloat64()))
			}
			kerasIn[d.Name], onnxIn[d.Name] = &keras.Array{Shape: shape, Data: x}, &eval.Array{Type: onnx.Float, Shape: shape, Data: x}
		}
		got, err := eval.New(m).Run(onnxIn)
		if err != nil {
			return fmt.Errorf("the import cannot be proven: %w", err)
		}
		want, err := k.Evaluate(kerasIn)
		if err != nil {
			return fmt.Errorf("the import cannot be proven: %w", err)
		}
		for i, w := range want {
			name := m.Graph.Outputs[i].Name
			if slices.ContainsFunc(w.Data, func(v float64) bool { return math.IsNaN(v) || math.IsInf(v, 0) }) {
				return fmt.Errorf("the import cannot be proven: the layers of the file give numbers that are infinite or none at output %q, of an input of ordinary size: look at the weights", name)
			}
			d := difference64(got[i], w)
			if d > tolerance {
				return fmt.Errorf("BUG: output %q is not what the layers of the file compute, by %.2g; please report it with the file", name, d)
			}
			n.Difference = math.Max(n.Difference, d)
		}
	}
	return nil
}

// difference64 is the largest one of two values, relative to the largest element.
func difference64(got *eval.Array, want *keras.Array) float64 {
	if len(got.Data) != len(want.Data) || len(got.Shape) != len(want.Shape) {
		return math.Inf(1)
	}
	for i, d := range want.Shape {
		if got.Shape[i] != d {
			return math.Inf(1)
		}
	}
	top, worst := smallest, 0.0
	for _, v := range want.Data {
		top = math.Max(top, math.Abs(v))
	}
	for i, v := range want.Data {
		d := math.Abs(v-got.Data[i]) / top
		if d != d {
			return math.Inf(1)
		}
		worst = math.Max(worst, d)
	}
	return worst
}
