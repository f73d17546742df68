// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"encoding/binary"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// spectrum is the magnitude of a complex spectrum as exporters write it, once with
// squares and once with products.
func spectrum(n int, product, safe bool) *graph.Graph {
	g := &graph.Graph{Name: "spectrum"}
	value := func(name string) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{1, n}})
	}
	op := func(k graph.Kind, attr any, out graph.TensorID, in ...graph.TensorID) graph.TensorID {
		g.Ops = append(g.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
		return out
	}
	square := func(name string, x graph.TensorID) graph.TensorID {
		if product {
			return op(graph.Mul, graph.MulAttr{}, value(name), x, x)
		}
		return op(graph.Square, nil, value(name), x)
	}
	x, y := value("x"), value("y")
	sum := op(graph.Add, graph.AddAttr{}, value("sum"), square("x2", x), square("y2", y))
	if safe { // from an infinite slope
		tiny := g.Add(&graph.Tensor{Name: "tiny", Type: graph.Float32, Data: binary.LittleEndian.AppendUint32(nil, math.Float32bits(1e-12))})
		sum = op(graph.Add, graph.AddAttr{}, value("safe"), sum, tiny)
	}
	g.Inputs, g.Outputs = []graph.TensorID{x, y}, []graph.TensorID{op(graph.Sqrt, nil, value("size"), sum)}
	return g
}

func TestMagnitude(t *testing.T) {
	const n = 720
	var x, y [n]float32
	for i := range n {
		s, c := math.Sincos(2 * math.Pi * float64(i) / n)
		x[i], y[i] = float32(c), float32(s)
	}
	for form := range 4 {
		g, _ := Graph(spectrum(n, form&1 == 1, form&2 == 2), nil)
		if err := g.Validate(); err != nil {
			t.Fatal(err)
		}
		for _, op := range g.Ops {
			switch op.Kind {
			case graph.Sqrt, graph.Square, graph.Add:
				t.Errorf("%v is left", op.Kind)
			}
		}
		exec, err := floatexec.New(g)
		if err != nil {
			t.Fatal(err)
		}
		out, err := exec.Runner().Run(1, [][]float32{x[:], y[:]})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range out[0].Row(0) {
			if math.Abs(float64(v)-1) > 0.0013 {
				t.Fatalf("at %v degrees the magnitude is %v, expected 1", float64(i)/2, v)
			}
		}
	}
}

// The sum of squares of other shapes, and a root of anything else, stay as they are.
func TestOtherRoots(t *testing.T) {
	g := spectrum(4, false, false)
	g.Ops[2].Attr = graph.AddAttr{Activation: graph.ActRelu}
	got, role := Graph(g, []string{"x", "y", "x2", "y2", "sum", "size"})
	if len(got.Ops) != len(g.Ops) || len(role) != len(got.Tensors) {
		t.Errorf("%d operators with %d roles, expected %d as before", len(got.Ops), len(role), len(g.Ops))
	}
}

// The directions are exact in 8 bits with a scale of their own.
func TestCircle(t *testing.T) {
	v := circle()
	for k := range directions {
		a, b := float64(v[2*k]), float64(v[2*k+1])
		q := 127 * min(a, b) / max(a, b)
		if math.Abs(q-math.Round(q)) > 1e-4 {
			t.Errorf("direction %d: %v of 127", k, q)
		}
	}
}
