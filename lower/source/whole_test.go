// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// TestWholeInputsOfTFLite feeds inputs of whole numbers and truth values of float files: behind
// a CAST as real numbers, as the places of rows where all calls have the same.
func TestWholeInputsOfTFLite(t *testing.T) {
	file := func(typ graph.DType, rows bool) []byte {
		g := &graph.Graph{Name: "net"}
		add := func(name string, typ graph.DType, data []byte, shape ...int) graph.TensorID {
			return g.Add(&graph.Tensor{Name: name, Type: typ, Shape: shape, Data: data})
		}
		x, f, y := add("x", typ, nil, 3), add("f", graph.Float32, nil, 3), add("y", graph.Float32, nil, 3)
		first := &graph.Op{Kind: graph.Cast, Attr: graph.CastAttr{In: typ, Out: graph.Float32}, Inputs: []graph.TensorID{x}}
		if rows {
			first = &graph.Op{Kind: graph.Gather, Attr: graph.GatherAttr{}, Inputs: []graph.TensorID{add("table", graph.Float32, floatBytes(1, 2, 3, 4), 4), x}}
		}
		first.Outputs = []graph.TensorID{f}
		z := add("z", graph.Float32, nil, 3)
		g.Inputs, g.Outputs = []graph.TensorID{x, z}, []graph.TensorID{y}
		g.Ops = []*graph.Op{first, {Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{f, z}, Outputs: []graph.TensorID{y}}}
		raw, err := tflite.Write(g)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	for _, typ := range []graph.DType{graph.Int32, graph.Bool} {
		n, err := readTFLite("net.tflite", file(typ, false), Options{})
		if err != nil {
			t.Errorf("%v: %v", typ, err)
			continue
		}
		if len(n.Assumed) != 1 || !strings.Contains(n.Assumed[0], fmt.Sprintf(`input "x" is %v in the file`, typ)) {
			t.Errorf("%v: assumed %q", typ, n.Assumed)
		}
		fed, err := n.Fed(map[string]*npy.Array{"x": arrayOf("<i8", []int{3}, 0, 1, 5), "z": arrayOf("<f4", []int{3}, 0.5, 1, 2)})
		want := map[graph.DType]float32{graph.Int32: 5, graph.Bool: 1}[typ]
		if err != nil || fed["x"].Floats()[2] != want || fed["z"].Floats()[0] != 0.5 {
			t.Errorf("%v: %v, %v", typ, fed, err)
		}
		if _, err := n.Fed(map[string]*npy.Array{"x": arrayOf("<f4", []int{3}, 0, 0.5, 1)}); typ == graph.Int32 && (err == nil || !strings.Contains(err.Error(), `input "x" of net.tflite is int32, and element 1 of the float32 array is 0.5`)) {
			t.Errorf("%v: error %v", typ, err)
		}
	}
	if _, err := readTFLite("net.tflite", file(graph.Int32, true), Options{}); err == nil || !strings.Contains(err.Error(), "feed the rows") {
		t.Errorf("rows: error %v", err)
	}
	n, err := readTFLite("net.tflite", file(graph.Int32, true), Options{Fed: map[string]*npy.Array{"x": arrayOf("<i8", []int{3}, 3, 0, 1)}})
	if err != nil || len(n.Graph.Inputs) != 1 || len(n.Assumed) != 1 {
		t.Errorf("rows that are known: %v", err)
	}
}
