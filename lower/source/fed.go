// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/npy"
)

// Fed makes of the arrays that the network is to be fed with, by the names of its inputs,
// those that its graph takes: float32, where the file declares whole numbers or truth values,
// too. Arrays of inputs that became constants are left out, and arrays that no input has the
// name of stay as they are.
func (n *Network) Fed(arrays map[string]*npy.Array) (map[string]*npy.Array, error) {
	types := n.types()
	out := map[string]*npy.Array{}
	for _, name := range names(arrays) {
		in, ok := nameIn(types, name)
		switch {
		case !ok:
			out[name] = arrays[name]
		case n.fixed[in] > 0:
		default:
			v, err := valuesOf(n.File, in, types[in], arrays[name])
			if err != nil {
				return nil, err
			}
			for i, x := range v {
				if !types[in].IsFloat() && types[in] != onnx.Bool && float64(float32(x)) != x {
					return nil, fmt.Errorf("%s: element %d is %.0f, and values are computed in float32 here, which does not hold it exactly; expected whole numbers up to %d for input %q of %s", arrays[name].Name, i, x, 1<<24, in, n.File)
				}
			}
			fed := arrays[name].Floats()
			if types[in] == onnx.Bool {
				for i, x := range fed {
					if x != 0 {
						fed[i] = 1
					}
				}
			}
			out[name] = npy.FromFloats(arrays[name].Shape, fed)
		}
	}
	return out, nil
}

// SameCalls returns an error where an input that became a constant was given values of other
// calls than the network is run for.
func (n *Network) SameCalls(arrays map[string]*npy.Array, calls int) error {
	for _, name := range names(arrays) {
		in, _ := nameIn(n.fixed, name)
		size := n.fixed[in]
		if size == 0 {
			continue
		}
		if have := arrays[name].Elements() / size; have > 1 && have != calls {
			return fmt.Errorf("%s: input %q of %s has values for %d calls, the other inputs for %d: give each of them as many, or this one a single value", arrays[name].Name, in, n.File, have, calls)
		}
	}
	return nil
}

// types are those that the file declares for its inputs, float where it has none.
func (n *Network) types() map[string]onnx.DataType {
	out := map[string]onnx.DataType{}
	for _, id := range n.Graph.Inputs {
		out[n.Graph.Tensors[id].Name] = onnx.Float
	}
	maps.Copy(out, n.declared)
	return out
}

// nameIn finds an input by its own name, else by the name that it has in files.
func nameIn[T any](inputs map[string]T, name string) (string, bool) {
	if _, ok := inputs[name]; ok {
		return name, true
	}
	for _, in := range slices.Sorted(maps.Keys(inputs)) {
		if FileName(in) == name {
			return in, true
		}
	}
	return "", false
}

// valuesOf returns the elements of an array for an input of a type, or says which does not fit.
func valuesOf(file, in string, typ onnx.DataType, a *npy.Array) ([]float64, error) {
	if typ.IsFloat() && a.Kind() != 'f' {
		return nil, fmt.Errorf("%s: input %q of %s is %v, the array is %s: give float32, as by astype(\"float32\")", a.Name, in, file, typ, a.Element())
	}
	out := make([]float64, a.Elements())
	for i := range out {
		v := a.Float(i)
		if far := a.Kind() != 'f' && math.Abs(v) >= 1<<53; far || !typ.Holds(v) {
			return nil, fmt.Errorf("%s: input %q of %s is %v, and element %d of the %s array is %.9g, which is none: give %v", a.Name, in, file, typ, i, a.Element(), v, typ)
		}
		out[i] = v
	}
	return out, nil
}

// known returns what an input of whole numbers that the model computes with as such has in all
// calls, nil where it is not fed.
func (o Options) known(file string) func(in string, typ onnx.DataType, shape []int) ([]float64, error) {
	return func(in string, typ onnx.DataType, shape []int) ([]float64, error) {
		a := o.Fed[in]
		if a == nil {
			a = o.Fed[FileName(in)]
		}
		if a == nil {
			return nil, nil
		}
		v, err := valuesOf(file, in, typ, a)
		if err != nil {
			return nil, err
		}
		n := graph.Elems(shape)
		calls := len(v) / max(n, 1)
		if n == 0 || calls == 0 || !slices.Equal(graph.WithoutOnes(a.Shape), graph.WithoutOnes(append([]int{calls}, shape...))) {
			return nil, fmt.Errorf("%s: input %q of %s has shape %v, the array has %v", a.Name, in, file, shape, a.Shape)
		}
		for call := range calls {
			if !slices.Equal(v[call*n:][:n], v[:n]) {
				return nil, fmt.Errorf("%s: input %q of %s is %v and the model computes with whole numbers, which have to be the same in all calls that are run together; those of call %d are others: run such calls one by one", a.Name, in, file, typ, call)
			}
		}
		return v[:n], nil
	}
}
