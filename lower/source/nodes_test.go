// SPDX-License-Identifier: Apache-2.0

package source

import (
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// TestEinsum compares equations of many kinds with their definition.
func TestEinsum(t *testing.T) {
	for i, c := range []struct {
		equation string
		shapes   [][]int // the first is fed, others are constants unless fed
		fed      int
	}{
		{"bi,io->bo", [][]int{{1, 4}, {4, 3}}, 1},
		{"bti,oi->bto", [][]int{{1, 5, 4}, {3, 4}}, 1},
		{"bhqd,bhkd->bhqk", [][]int{{1, 2, 3, 4}, {1, 2, 5, 4}}, 2},
		{"bhqk,bhkd->bqhd", [][]int{{1, 2, 3, 5}, {1, 2, 5, 4}}, 2},
		{"ij->ji", [][]int{{3, 4}}, 1},
		{"ij->i", [][]int{{3, 4}}, 1},
		{"ij", [][]int{{3, 4}}, 1},
		{"ba", [][]int{{3, 4}}, 1},
		{"ii->i", [][]int{{4, 4}}, 1},
		{"ii", [][]int{{4, 4}}, 1},
		{"i,j->ij", [][]int{{3}, {4}}, 2},
		{"bi,bj->bij", [][]int{{2, 3}, {2, 4}}, 2},
		{"ab,bc,cd->ad", [][]int{{2, 3}, {3, 4}, {4, 5}}, 1},
		{"abc,b->ac", [][]int{{2, 3, 4}, {3}}, 1},
		{"abc,abd->dc", [][]int{{2, 3, 4}, {2, 3, 5}}, 2},
		{"...i,oi->...o", [][]int{{2, 3, 4}, {5, 4}}, 1},
		{"...ij,...jk", [][]int{{2, 3, 4}, {2, 4, 5}}, 2},
		{"a,a->", [][]int{{4}, {4}}, 2},
		{"nct,ncp->ntp", [][]int{{1, 3, 4}, {1, 3, 5}}, 2},
	} {
		b := newModel(uint64(i), "Einsum", 17)
		for k, s := range c.shapes {
			if k < c.fed {
				b.input(string(rune('p'+k)), s...)
			} else {
				b.weights(string(rune('p'+k)), s...)
			}
		}
		b.set("equation", c.equation)
		b.outputs("y")
		if err := b.prove(t); err != nil {
			t.Errorf("%s: %v", c.equation, err)
		}
	}
	for _, bad := range []string{"ij->k", "i->i", "ij,jk->ik", "ijk->i"} {
		b := newModel(1, "Einsum", 17)
		b.input("x", 3, 4)
		b.set("equation", bad)
		b.outputs("y")
		if _, err := onnx.Convert(b.m, onnx.Options{}); err == nil {
			t.Errorf("%s of a matrix is taken", bad)
		}
	}
}

// chain writes nodes one by one.
func (b *modelBuilder) node(op, out string, in ...string) *onnx.Node {
	n := &onnx.Node{Op: op, Attrs: map[string]*onnx.Attr{}, Inputs: in, Outputs: strings.Fields(out)}
	b.m.Graph.Nodes = append(b.m.Graph.Nodes, n)
	return n
}

func (b *modelBuilder) number(name string, v float32) {
	b.weights(name)
	b.m.Graph.Weights[name] = &onnx.Tensor{Name: name, Type: onnx.Float, Shape: []int{}, Data: floatBytes(v)}
}

func floatBytes(v ...float32) []byte {
	var out []byte
	for _, x := range v {
		u := math.Float32bits(x)
		out = append(out, byte(u), byte(u>>8), byte(u>>16), byte(u>>24))
	}
	return out
}

// empty is a model without nodes, fed with x.
func empty(seed uint64, shape ...int) *modelBuilder {
	b := newModel(seed, "nodes", 17)
	b.m.Graph.Nodes = nil
	b.input("x", shape...)
	return b
}

// TestGelu finds the forms in which exporters write it, and computes the error function
// where nothing follows.
func TestGelu(t *testing.T) {
	for form, write := range map[string]func(b *modelBuilder){
		"erf alone": func(b *modelBuilder) { b.node("Erf", "y", "x") },
		"half last": func(b *modelBuilder) {
			b.node("Div", "s", "x", "root")
			b.node("Erf", "e", "s")
			b.node("Add", "p", "e", "one")
			b.node("Mul", "m", "x", "p")
			b.node("Mul", "y", "m", "half")
		},
		"half of x": func(b *modelBuilder) {
			b.node("Mul", "h", "half", "x")
			b.node("Div", "s", "x", "root")
			b.node("Erf", "e", "s")
			b.node("Add", "p", "one", "e")
			b.node("Mul", "y", "h", "p")
		},
		"half of the sum": func(b *modelBuilder) {
			b.node("Mul", "s", "x", "inverse")
			b.node("Erf", "e", "s")
			b.node("Add", "p", "e", "one")
			b.node("Mul", "q", "p", "half")
			b.node("Mul", "y", "x", "q")
		},
	} {
		b := empty(3, 2, 7)
		b.number("root", math.Sqrt2)
		b.number("inverse", 1/math.Sqrt2)
		b.number("one", 1)
		b.number("half", 0.5)
		write(b)
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		if err := b.prove(t); err != nil {
			t.Errorf("%s: %v", form, err)
		}
		r, err := onnx.Convert(b.m, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		if n := len(r.Graph.Ops); form != "erf alone" && (n != 1 || r.Graph.Ops[0].Kind != graph.Gelu) {
			t.Errorf("%s: %d operators, the last %v; expected one GELU", form, n, r.Graph.Ops[n-1].Kind)
		}
	}
}

// TestLoops unrolls Loop and Scan, with states, scans, conditions and nested recurrence.
func TestLoops(t *testing.T) {
	inner := func(b *modelBuilder, ins, outs string, nodes func(b *modelBuilder)) *onnx.Attr {
		before := b.m.Graph.Nodes
		b.m.Graph.Nodes = nil
		nodes(b)
		g := &onnx.Graph{Nodes: b.m.Graph.Nodes, Weights: map[string]*onnx.Tensor{}}
		b.m.Graph.Nodes = before
		for _, n := range strings.Fields(ins) {
			g.Inputs = append(g.Inputs, &onnx.Declared{Name: n, Kind: "tensor"})
		}
		for _, n := range strings.Fields(outs) {
			g.Outputs = append(g.Outputs, &onnx.Declared{Name: n, Kind: "tensor"})
		}
		return &onnx.Attr{Graph: g}
	}
	cell := func(b *modelBuilder) { // h' = tanh(x + h·w)
		b.node("MatMul", "hw", "h", "w")
		b.node("Add", "pre", "frame", "hw")
		b.node("Tanh", "h_next", "pre")
	}
	for name, write := range map[string]func(b *modelBuilder){
		"scan": func(b *modelBuilder) {
			n := b.node("Scan", "last all", "h0", "x")
			n.Attrs["num_scan_inputs"] = &onnx.Attr{Int: 1}
			n.Attrs["body"] = inner(b, "h frame", "h_next copy", func(b *modelBuilder) { cell(b); b.node("Identity", "copy", "h_next") })
		},
		"scan backward, to another axis": func(b *modelBuilder) {
			n := b.node("Scan", "last all", "h0", "x")
			n.Attrs["num_scan_inputs"] = &onnx.Attr{Int: 1}
			n.Attrs["scan_input_directions"] = &onnx.Attr{Ints: []int64{1}}
			n.Attrs["scan_output_directions"] = &onnx.Attr{Ints: []int64{1}}
			n.Attrs["scan_output_axes"] = &onnx.Attr{Ints: []int64{-1}}
			n.Attrs["body"] = inner(b, "h frame", "h_next copy", func(b *modelBuilder) { cell(b); b.node("Identity", "copy", "h_next") })
		},
		"loop": func(b *modelBuilder) {
			n := b.node("Loop", "last all", "trips", "", "h0")
			n.Attrs["body"] = inner(b, "i on h", "on h_next copy", func(b *modelBuilder) {
				b.node("Gather", "frame", "x", "i")
				cell(b)
				b.node("Identity", "copy", "h_next")
			})
		},
		"loop until": func(b *modelBuilder) {
			n := b.node("Loop", "last all", "", "true", "h0")
			n.Attrs["body"] = inner(b, "i on h", "more h_next copy", func(b *modelBuilder) {
				b.node("Gather", "frame", "x", "i")
				cell(b)
				b.node("Less", "more", "i", "two")
				b.node("Identity", "copy", "h_next")
			})
		},
	} {
		b := empty(5, 4, 2, 3)
		b.weights("w", 3, 3)
		b.weights("h0", 2, 3)
		b.ints("trips", 4)
		b.m.Graph.Weights["trips"].Shape = []int{}
		b.ints("two", 2)
		b.m.Graph.Weights["two"].Shape = []int{}
		b.m.Graph.Weights["true"] = &onnx.Tensor{Name: "true", Type: onnx.Bool, Shape: []int{}, Data: []byte{1}}
		write(b)
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "last", Kind: "tensor"}, {Name: "all", Kind: "tensor"}}
		if err := b.prove(t); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		r, err := onnx.Convert(b.m, onnx.Options{})
		if err != nil {
			t.Fatal(err)
		}
		roles := map[string]bool{}
		for id, role := range r.Role {
			if r.Graph.Tensors[id].Type == graph.Float32 && strings.HasSuffix(role, "/pre") {
				roles[role] = true
			}
		}
		if len(roles) != 1 {
			t.Errorf("%s: the same value of all rounds has the roles %v, expected one", name, roles)
		}
	}
	// What is not known before, and what never ends.
	for want, write := range map[string]func(b *modelBuilder){
		"computed at run time": func(b *modelBuilder) {
			n := b.node("Loop", "y", "trips", "", "x")
			n.Attrs["body"] = inner(b, "i on h", "on2 h2", func(b *modelBuilder) {
				b.node("ReduceSum", "sum", "h").Attrs["keepdims"] = &onnx.Attr{}
				b.node("Less", "on2", "sum", "one")
				b.node("Identity", "h2", "h")
			})
		},
		"more than 65536 rounds": func(b *modelBuilder) {
			n := b.node("Loop", "y", "", "true", "x")
			n.Attrs["body"] = inner(b, "i on h", "on h2", func(b *modelBuilder) { b.node("Identity", "h2", "h") })
		},
	} {
		b := empty(1, 2)
		b.ints("trips", 3)
		b.number("one", 1)
		b.m.Graph.Weights["true"] = &onnx.Tensor{Name: "true", Type: onnx.Bool, Shape: []int{}, Data: []byte{1}}
		write(b)
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		if _, err := onnx.Convert(b.m, onnx.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; expected %q", err, want)
		}
	}
}

// TestScatter puts updates at places that are a box and at others.
func TestScatter(t *testing.T) {
	for name, write := range map[string]func(b *modelBuilder){
		"a row": func(b *modelBuilder) {
			b.weights("u", 1, 3, 4)
			b.ints("i", 1)
			b.m.Graph.Weights["i"].Shape = []int{1, 1}
			b.node("ScatterND", "y", "x", "i", "u")
		},
		"elements": func(b *modelBuilder) {
			b.weights("u", 3)
			b.ints("i", 0, 0, 1, 1, 2, 3, 0, 1, 0)
			b.m.Graph.Weights["i"].Shape = []int{3, 3}
			b.node("ScatterND", "y", "x", "i", "u")
		},
		"of itself": func(b *modelBuilder) {
			b.ints("zero", 0)
			b.m.Graph.Weights["zero"].Shape = []int{1}
			b.node("Gather", "u", "x", "zero")
			b.ints("i", 1)
			b.m.Graph.Weights["i"].Shape = []int{1, 1}
			b.node("ScatterND", "y", "x", "i", "u")
		},
		"added": func(b *modelBuilder) {
			b.weights("u", 1, 3, 4)
			b.ints("i", 0)
			b.m.Graph.Weights["i"].Shape = []int{1, 1}
			b.node("ScatterND", "y", "x", "i", "u").Attrs["reduction"] = &onnx.Attr{String: "add"}
		},
		"along an axis": func(b *modelBuilder) {
			b.weights("u", 2, 2, 4)
			b.ints("i", 2, 2, 0, 0, 1, 1, 2, 2, 0, 2, 1, 0, 2, 1, 0, 1)
			b.m.Graph.Weights["i"].Shape = []int{2, 2, 4}
			b.node("ScatterElements", "y", "x", "i", "u").Attrs["axis"] = &onnx.Attr{Int: 1}
		},
	} {
		b := empty(2, 2, 3, 4)
		write(b)
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		err := b.prove(t)
		twice := name == "along an axis" && err != nil && strings.Contains(err.Error(), "twice")
		if err != nil && !twice {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := empty(2, 2, 3)
	b.weights("u", 2)
	b.ints("i", 0, 1, 0, 1)
	b.m.Graph.Weights["i"].Shape = []int{2, 2}
	b.node("ScatterND", "y", "x", "i", "u")
	b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
	if _, err := onnx.Convert(b.m, onnx.Options{}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("one place written twice: %v", err)
	}
}
