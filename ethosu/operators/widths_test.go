// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"context"
	"encoding/binary"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// TestFunctionsInBothWidths lowers every function of one value from float, and compiles it:
// what the NPU has in 8 bits alone is computed in 8 also in a network of 16.
func TestFunctionsInBothWidths(t *testing.T) {
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range graph.Kinds() {
		d := graph.Describe(k)
		if d.Real == nil {
			continue
		}
		for _, width := range []lower.Activations{lower.Int8, lower.Int16} {
			g := &graph.Graph{Name: "function"}
			x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: []int{1, 16}})
			in := g.Add(&graph.Tensor{Name: "in", Type: graph.Float32, Shape: []int{1, 16}})
			y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: []int{1, 16}})
			g.Ops = []*graph.Op{
				{Kind: graph.Logistic, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{in}},
				{Kind: d.Kind, Attr: d.Attr, Inputs: []graph.TensorID{in}, Outputs: []graph.TensorID{y}},
			}
			g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
			r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, waves{40}, lower.Options{Activations: width, PerChannelWeights: true})
			if err != nil {
				t.Errorf("%v in %v: %v", d.Kind, width, err)
				continue
			}
			limit := 0.03
			switch k {
			case graph.Floor, graph.Ceil, graph.Round, graph.Sign: // a step may be met or not
				limit = 1
			}
			if width == lower.Int16 {
				limit /= 6
			}
			if r.Loss > limit {
				t.Errorf("%v in %v loses %.3g", k, width, r.Loss)
			}
			if _, err := compile.Compile(r.Int8, compile.Options{Accel: accel}); err != nil {
				t.Errorf("%v in %v: %v", d.Kind, width, err)
			}
		}
	}
}

// TestPrescribedZeroPoints reads an output of 8 bits whose zero point a kernel prescribes in
// 16 bits, which have none.
func TestPrescribedZeroPoints(t *testing.T) {
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	shape := []int{1, 1, 8, 2}
	for name, reader := range map[string]func(g *graph.Graph, in graph.TensorID) *graph.Op{
		"NEG":    func(*graph.Graph, graph.TensorID) *graph.Op { return &graph.Op{Kind: graph.Neg} },
		"SQUARE": func(*graph.Graph, graph.TensorID) *graph.Op { return &graph.Op{Kind: graph.Square} },
		"MUL": func(_ *graph.Graph, in graph.TensorID) *graph.Op {
			return &graph.Op{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{in}}
		},
		"PRELU": func(g *graph.Graph, _ graph.TensorID) *graph.Op {
			return &graph.Op{Kind: graph.PRelu, Inputs: []graph.TensorID{constant(g, []int{2}, 0.5, 0.25)}}
		},
		"CONV_2D": func(g *graph.Graph, _ graph.TensorID) *graph.Op {
			w := constant(g, []int{1, 1, 3, 2}, 0.5, -0.5, 1, 0.3, 0.2, -1)
			return &graph.Op{Kind: graph.Conv2D, Attr: graph.Conv2DAttr{Padding: graph.PadSame, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}, Inputs: []graph.TensorID{w, graph.None}}
		},
		"CONCATENATION": func(g *graph.Graph, _ graph.TensorID) *graph.Op {
			four := g.Add(&graph.Tensor{Name: "four", Type: graph.Float32, Shape: shape})
			g.Ops = append(g.Ops, &graph.Op{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{g.Inputs[0], constant(g, []int{1}, 4)}, Outputs: []graph.TensorID{four}})
			return &graph.Op{Kind: graph.Concatenation, Attr: graph.ConcatenationAttr{Axis: 3}, Inputs: []graph.TensorID{four}}
		},
	} {
		g := &graph.Graph{Name: "zero"}
		x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: shape})
		y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: shape})
		g.Inputs = []graph.TensorID{x}
		g.Ops = []*graph.Op{{Kind: graph.Logistic, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{y}}}
		op := reader(g, y)
		op.Inputs = append([]graph.TensorID{y}, op.Inputs...)
		wide := []int{1, 1, 8, map[string]int{"CONV_2D": 1, "CONCATENATION": 4}[name]}
		if wide[3] == 0 {
			wide[3] = 2
		}
		between := g.Add(&graph.Tensor{Name: "between", Type: graph.Float32, Shape: wide})
		z := g.Add(&graph.Tensor{Name: "z", Type: graph.Float32, Shape: wide})
		op.Outputs = []graph.TensorID{between}
		g.Ops = append(g.Ops, op, &graph.Op{Kind: graph.Tanh, Inputs: []graph.TensorID{between}, Outputs: []graph.TensorID{z}})
		g.Outputs = []graph.TensorID{y, z}
		r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, waves{40}, lower.Options{Activations: lower.Mixed, PerChannelWeights: true})
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if r.Loss > 0.005 {
			t.Errorf("%s loses %.3g", name, r.Loss)
		}
		if _, err := compile.Compile(r.Int8, compile.Options{Accel: accel, NPUOnly: true}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// constant adds known numbers to a graph.
func constant(g *graph.Graph, shape []int, values ...float32) graph.TensorID {
	c := &graph.Tensor{Name: "constant", Type: graph.Float32, Shape: shape}
	for _, v := range values {
		c.Data = binary.LittleEndian.AppendUint32(c.Data, math.Float32bits(v))
	}
	return g.Add(c)
}
