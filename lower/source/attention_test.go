// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// TestAttention quantizes products of two computed values, as of attention of two heads:
// in 8 and in 16 bits the integers stay near the real numbers.
func TestAttention(t *testing.T) {
	b := empty(6, 1, 6, 8)
	b.number("root", 2)
	part := func(name string, perm ...int64) {
		b.weights("w"+name, 8, 8)
		b.node("MatMul", name, "x", "w"+name)
		b.ints("s"+name, 1, 6, 2, 4)
		b.node("Reshape", name+"h", name, "s"+name)
		b.node("Transpose", name+"t", name+"h").Attrs["perm"] = &onnx.Attr{Ints: perm}
	}
	part("q", 0, 2, 1, 3)
	part("k", 0, 2, 3, 1)
	part("v", 0, 2, 1, 3)
	b.node("MatMul", "scores", "qt", "kt")
	b.node("Div", "scaled", "scores", "root")
	b.node("Softmax", "weights", "scaled").Attrs["axis"] = &onnx.Attr{Int: -1}
	b.node("MatMul", "mixed", "weights", "vt")
	b.node("Transpose", "mt", "mixed").Attrs["perm"] = &onnx.Attr{Ints: []int64{0, 2, 1, 3}}
	b.ints("sm", 1, 6, 8)
	b.node("Reshape", "mr", "mt", "sm")
	b.node("Add", "y", "mr", "x")
	b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
	if err := b.prove(t); err != nil {
		t.Fatal(err)
	}
	r, err := onnx.Convert(b.m, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := Network{Graph: r.Graph, Role: r.Role}
	random, c := rand.New(rand.NewPCG(1, 9)), calls{}
	for range 32 {
		x := make([]float32, 48)
		for i := range x {
			x[i] = float32(random.NormFloat64())
		}
		c.rows = append(c.rows, x)
	}
	for _, w := range []struct {
		activations lower.Activations
		most        float64
	}{{lower.Int8, 0.05}, {lower.Int16, 0.01}} {
		low, err := lower.LowerGraph(context.Background(), n.Graph, n.Roles(), c, lower.Options{Activations: w.activations})
		if err != nil {
			t.Errorf("%v: %v", w.activations, err)
			continue
		}
		products := 0
		for _, op := range low.Int8.Ops {
			if op.Kind == graph.BatchMatMul {
				products++
			}
		}
		if low.Loss > w.most || products != 2 {
			t.Errorf("%v: it loses %.4f, expected at most %.3f, with %d products of computed values, expected 2", w.activations, low.Loss, w.most, products)
		}
		t.Logf("%v: it loses %.4f", w.activations, low.Loss)
	}
}

// TestFlatSoftmax quantizes a softmax of values that differ by next to nothing, as those of
// steps that have been normalized do when they are averaged.
func TestFlatSoftmax(t *testing.T) {
	for _, op := range []string{"Softmax", "LogSoftmax"} {
		b := empty(3, 1, 6)
		b.number("little", 3e-8)
		b.node("Mul", "scores", "x", "little")
		b.node(op, "weights", "scores").Attrs["axis"] = &onnx.Attr{Int: -1}
		b.node("Mul", "y", "x", "weights")
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		r, err := onnx.Convert(b.m, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		n := Network{Graph: r.Graph, Role: r.Role}
		random, c := rand.New(rand.NewPCG(1, 9)), calls{}
		for range 32 {
			x := make([]float32, 6)
			for i := range x {
				x[i] = float32(random.NormFloat64())
			}
			c.rows = append(c.rows, x)
		}
		for activations, most := range map[lower.Activations]float64{lower.Int8: 0.03, lower.Int16: 0.003} {
			low, err := lower.LowerGraph(context.Background(), n.Graph, n.Roles(), c, lower.Options{Activations: activations})
			if err != nil {
				t.Errorf("%s, %v: %v", op, activations, err)
			} else if low.Loss > most {
				t.Errorf("%s, %v: it loses %.4f, expected at most %.3f", op, activations, low.Loss, most)
			}
		}
	}
}
