// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestTables16 runs the functions that are interpolated tables of int16 on all 65,536
// values, in both witnesses.
func TestTables16(t *testing.T) {
	for _, k := range []graph.Kind{graph.Exp, graph.Log, graph.Sqrt, graph.Sin, graph.Cos, graph.Gelu} {
		for _, scale := range []float32{1.0 / 32768, 0.0003, 0.01} {
			shape := []int{1, 64, 64, 16}
			g := &graph.Graph{Name: k.String()}
			out := scale
			if k == graph.Log || k == graph.Exp {
				out = 0.0008
			}
			x := g.Add(&graph.Tensor{Name: "x", Type: graph.Int16, Shape: shape, Quant: graph.PerTensor(scale, 0)})
			y := g.Add(&graph.Tensor{Name: "y", Type: graph.Int16, Shape: shape, Quant: graph.PerTensor(out, 0)})
			op := &graph.Op{Kind: k, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{y}}
			if k == graph.Gelu {
				op.Attr = graph.GeluAttr{}
			}
			g.Ops, g.Inputs, g.Outputs = []*graph.Op{op}, []graph.TensorID{x}, []graph.TensorID{y}
			a, err := ethosu.ParseAccelerator("ethos-u55-128")
			if err != nil {
				t.Fatal(err)
			}
			p, err := compile.Compile(g, compile.Options{Accel: a, NPUOnly: true})
			if err != nil {
				t.Errorf("%v: %v", k, err)
				continue
			}
			ref, err := runner.NewReference(g)
			if err != nil {
				t.Fatal(err)
			}
			dut, err := runner.NewSimulator(p)
			if err != nil {
				t.Fatal(err)
			}
			var in []byte
			for i := range 65536 {
				in = binary.LittleEndian.AppendUint16(in, uint16(i))
			}
			want, got := make([]byte, len(in)), make([]byte, len(in))
			if err := ref.Invoke([][]byte{in}, [][]byte{want}); err != nil {
				t.Fatal(err)
			}
			if err := dut.Invoke([][]byte{in}, [][]byte{got}); err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, got) {
				t.Errorf("%v of scale %g: the NPU differs from the interpreter", k, scale)
			}
		}
	}
}
