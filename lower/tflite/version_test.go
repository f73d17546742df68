// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Operator versions and releases as TensorFlow's own rules give them
// (tools/versioning/op_version.cc and runtime_version.cc), for the cases in which
// more than the first operand's type decides. FULLY_CONNECTED of 16 bits is 7, the
// version whose release can run it; TensorFlow's converter leaves it at 1.
func TestVersionsAndReleases(t *testing.T) {
	tensor := func(d graph.DType, scale float32, shape ...int) *graph.Tensor {
		return &graph.Tensor{Type: d, Shape: shape, Quant: graph.PerTensor(scale, 0)}
	}
	five := []int{1, 2, 1, 2, 3}
	for _, c := range []struct {
		kind    graph.Kind
		attr    any
		in      []*graph.Tensor
		out     *graph.Tensor
		version int
		release string
	}{
		{graph.Quantize, nil, []*graph.Tensor{tensor(graph.Int8, 1, 4)}, tensor(graph.Int8, 2, 4), 1, "1.14.0"},
		{graph.Quantize, nil, []*graph.Tensor{tensor(graph.Int16, 1, 4)}, tensor(graph.Int8, 2, 4), 1, "1.14.0"},
		{graph.Quantize, nil, []*graph.Tensor{tensor(graph.Int8, 1, 4)}, tensor(graph.Int16, 2, 4), 2, "1.15.0"},
		{graph.Quantize, nil, []*graph.Tensor{{Type: graph.Float32, Shape: []int{4}}}, tensor(graph.Int8, 2, 4), 1, "1.14.0"},
		{graph.Quantize, nil, []*graph.Tensor{{Type: graph.Float32, Shape: []int{4}}}, tensor(graph.Int16, 2, 4), 2, "1.15.0"},
		{graph.Cast, graph.CastAttr{}, []*graph.Tensor{tensor(graph.Int8, 1, 4)}, tensor(graph.Int16, 1, 4), 3, "2.8.0"},
		{graph.Dequantize, nil, []*graph.Tensor{tensor(graph.Int16, 1, 4)}, &graph.Tensor{Type: graph.Float32, Shape: []int{4}}, 3, "1.15.0"},
		{graph.Mul, graph.MulAttr{}, []*graph.Tensor{tensor(graph.Int8, .5, 4), tensor(graph.Int8, .5, 4)}, tensor(graph.Int8, .25, 4), 3, "1.15.0"},
		{graph.Mul, graph.MulAttr{}, []*graph.Tensor{tensor(graph.Int8, .5, 4), tensor(graph.Int8, .5, 4)}, tensor(graph.Int8, .26, 4), 2, "1.14.0"},
		{graph.Mul, graph.MulAttr{}, []*graph.Tensor{tensor(graph.Int16, 1, 4), tensor(graph.Int16, 1, 4)}, tensor(graph.Int16, 1, 4), 4, "2.3.0"},
		{graph.Add, graph.AddAttr{}, []*graph.Tensor{tensor(graph.Int16, 1, 4), tensor(graph.Int16, 1, 4)}, tensor(graph.Int16, 1, 4), 3, "2.4.0"},
		{graph.Add, graph.AddAttr{PotScale16: true}, []*graph.Tensor{tensor(graph.Int16, 1, 4), tensor(graph.Int16, 1, 4)}, tensor(graph.Int16, 1, 4), 1, "1.5.0"},
		{graph.Sub, graph.SubAttr{}, []*graph.Tensor{tensor(graph.Int16, 1, 4), tensor(graph.Int16, 1, 4)}, tensor(graph.Int16, 1, 4), 5, "2.4.0"},
		{graph.SplitV, graph.SplitVAttr{}, []*graph.Tensor{tensor(graph.Int16, 1, 4)}, tensor(graph.Int16, 1, 4), 1, "1.13.1"},
		{graph.SplitV, graph.SplitVAttr{}, []*graph.Tensor{tensor(graph.Int8, 1, 4)}, tensor(graph.Int8, 1, 4), 2, "2.3.0"},
		{graph.Transpose, nil, []*graph.Tensor{tensor(graph.Int8, 1, five...)}, tensor(graph.Int8, 1, five...), 4, "2.3.0"},
		{graph.Transpose, nil, []*graph.Tensor{tensor(graph.Int16, 1, five...)}, tensor(graph.Int16, 1, five...), 5, "2.4.0"},
		{graph.Transpose, nil, []*graph.Tensor{tensor(graph.Int8, 1, append(five, 1)...)}, tensor(graph.Int8, 1, append(five, 1)...), 6, "2.12.0"},
		{graph.FullyConnected, graph.FullyConnectedAttr{}, []*graph.Tensor{tensor(graph.Int8, 1, 1, 4), tensor(graph.Int8, 1, 4, 4), nil}, tensor(graph.Int8, 1, 1, 4), 4, "1.14.0"},
		{graph.FullyConnected, graph.FullyConnectedAttr{}, []*graph.Tensor{tensor(graph.Int8, 1, 1, 4), tensor(graph.Int8, 1, 4, 4)}, tensor(graph.Int8, 1, 1, 4), 6, "2.1.0"},
		{graph.FullyConnected, graph.FullyConnectedAttr{KeepNumDims: true}, []*graph.Tensor{tensor(graph.Int8, 1, 1, 4), tensor(graph.Int8, 1, 4, 4), nil}, tensor(graph.Int8, 1, 1, 4), 5, "2.0.0"},
		{graph.FullyConnected, graph.FullyConnectedAttr{}, []*graph.Tensor{tensor(graph.Int16, 1, 1, 4), tensor(graph.Int8, 1, 4, 4), nil}, tensor(graph.Int16, 1, 1, 4), 7, "2.3.0"},
	} {
		g := &graph.Graph{Name: "one"}
		op := &graph.Op{Kind: c.kind, Attr: c.attr}
		for _, in := range c.in {
			if in == nil {
				op.Inputs = append(op.Inputs, graph.None)
				continue
			}
			op.Inputs = append(op.Inputs, g.Add(in))
		}
		op.Outputs = []graph.TensorID{g.Add(c.out)}
		v := operatorVersion(g, op)
		b := minRuntimeVersion([]opCode{{kind: c.kind, version: v}})
		if r := strings.TrimRight(string(b), "\x00"); v != c.version || r != c.release || len(b) != runtimeBytes {
			t.Errorf("%v of %v to %v: version %d and release %q in %d bytes, expected %d and %q in 16", c.kind, c.in[0].Type, c.out.Type, v, r, len(b), c.version, c.release)
		}
	}
}
