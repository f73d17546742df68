// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func int64s(name string, v ...int64) *Tensor {
	t := &Tensor{Name: name, Type: Int64, Shape: []int{len(v)}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(x))
	}
	return t
}

func floatsOf(name string, shape ...int) *Tensor {
	n, _ := Elems(shape)
	return &Tensor{Name: name, Type: Float, Shape: shape, Data: make([]byte, 4*n)}
}

func declared(name string, dims ...int64) *Declared {
	d := &Declared{Name: name, Kind: "tensor", Type: Float, Ranked: true}
	for _, n := range dims {
		d.Dims = append(d.Dims, Dim{Size: n})
	}
	return d
}

func nodeOf(op, in, out string) *Node {
	return &Node{Op: op, Inputs: strings.Fields(in), Outputs: strings.Fields(out), Attrs: map[string]*Attr{}}
}

// TestHostileGraphs are models that ask for endless work, or for what is not there.
func TestHostileGraphs(t *testing.T) {
	// Branches within branches, each twice as wide as the one around it.
	doubling := &Graph{Weights: map[string]*Tensor{}, Nodes: []*Node{nodeOf("Identity", "x", "y")}, Outputs: []*Declared{declared("y")}}
	for range 12 {
		in := doubling
		n, m := nodeOf("If", "yes", "a"), nodeOf("If", "yes", "y")
		for _, node := range []*Node{n, m} {
			node.Attrs["then_branch"], node.Attrs["else_branch"] = &Attr{Graph: in}, &Attr{Graph: in}
		}
		doubling = &Graph{Weights: map[string]*Tensor{}, Nodes: []*Node{n, m}, Outputs: []*Declared{declared("y")}}
	}
	doubling.Inputs = []*Declared{declared("x", 1)}
	doubling.Weights["yes"] = &Tensor{Name: "yes", Type: Bool, Shape: []int{1}, Data: []byte{1}}

	grow := &Graph{Weights: map[string]*Tensor{}, Inputs: []*Declared{declared("v0", 1, 1024)}, Outputs: []*Declared{declared("v40")}}
	for i := range 40 {
		n := nodeOf("Concat", "", "")
		n.Inputs, n.Outputs = []string{fmt.Sprint("v", i), fmt.Sprint("v", i)}, []string{fmt.Sprint("v", i+1)}
		n.Attrs["axis"] = &Attr{Int: 1}
		grow.Nodes = append(grow.Nodes, n)
	}
	for _, c := range []struct {
		name  string
		graph *Graph
		want  string
	}{
		{"cycle", &Graph{Weights: map[string]*Tensor{}, Inputs: []*Declared{declared("x", 1)}, Outputs: []*Declared{declared("a")},
			Nodes: []*Node{nodeOf("Add", "x b", "a"), nodeOf("Add", "x a", "b")}}, "no input, weight or node before gives it"},
		{"missing tensor", &Graph{Weights: map[string]*Tensor{}, Inputs: []*Declared{declared("x", 1, 2)}, Outputs: []*Declared{declared("y")},
			Nodes: []*Node{nodeOf("MatMul", "x w", "y")}}, `value "w" is read, and no input`},
		{"2^40 elements", &Graph{Weights: map[string]*Tensor{"s": int64s("s", 1<<20, 1<<20)}, Inputs: []*Declared{declared("x", 1)}, Outputs: []*Declared{declared("y")},
			Nodes: []*Node{nodeOf("Expand", "x s", "y")}}, "more than"},
		{"a constant of 2^40", &Graph{Weights: map[string]*Tensor{"s": int64s("s", 1<<40)}, Outputs: []*Declared{declared("y")},
			Nodes: []*Node{nodeOf("ConstantOfShape", "s", "y")}}, "out of range"},
		{"an input of 2^40", &Graph{Weights: map[string]*Tensor{}, Inputs: []*Declared{declared("x", 1<<40)}, Outputs: []*Declared{declared("y")},
			Nodes: []*Node{nodeOf("Relu", "x", "y")}}, "at most"},
		{"a million steps", &Graph{Weights: map[string]*Tensor{"w": floatsOf("w", 1, 1, 1), "r": floatsOf("r", 1, 1, 1)}, Inputs: []*Declared{declared("x", 1_000_000, 1, 1)}, Outputs: []*Declared{declared("y")},
			Nodes: []*Node{nodeOf("RNN", "x w r", "y")}}, "more than can be unrolled"},
		{"doubling", grow, "limit"},
		{"no output", &Graph{Weights: map[string]*Tensor{}}, "no outputs"},
		{"branches", doubling, ""},
	} {
		start := time.Now()
		_, err := Convert(&Model{File: "m.onnx", Opset: 17, Graph: c.graph}, Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s took %v", c.name, d)
		}
	}
}

// TestRefusals are named together, each with its way out.
func TestRefusals(t *testing.T) {
	g := &Graph{Weights: map[string]*Tensor{}, Inputs: []*Declared{declared("x", 1, 2)}, Outputs: []*Declared{declared("c")},
		Nodes: []*Node{nodeOf("TopK", "x", "a"), nodeOf("Tanh", "a", "b"), nodeOf("Loop", "x", "d"), nodeOf("Add", "b d", "c"), nodeOf("Nonsense", "x", "e")}}
	_, err := Convert(&Model{File: "m.onnx", Opset: 17, Graph: g}, Options{})
	want := `m.onnx: 3 nodes cannot be converted:
  TopK (output "a"): it gives indices; take it out of the model and sort the outputs in the application
  Loop (output "d"): it has fewer than two inputs
  Nonsense (output "e"): there is no such operator here; replace it in the model by others, or compute it outside`
	if err == nil || err.Error() != want {
		t.Errorf("found:\n%v\nexpected:\n%s", err, want)
	}
}

// TestEinsumRefused are equations that have no meaning, or one that only one reader of
// them sees.
func TestEinsumRefused(t *testing.T) {
	for equation, want := range map[string]string{
		"i->ii":   "twice",
		"…i->i":   "expected letters",
		"é->é":    "expected letters",
		"i-j->ij": "expected letters",
		"i.->i":   "expected letters",
	} {
		n := nodeOf("Einsum", "x", "y")
		n.Attrs["equation"] = &Attr{String: equation}
		for _, x := range []*Declared{declared("x", 3), declared("x", 2, 2, 2, 3)} {
			g := &Graph{Weights: map[string]*Tensor{}, Inputs: []*Declared{x}, Outputs: []*Declared{declared("y")}, Nodes: []*Node{n}}
			if equation == "i->ii" && len(x.Dims) > 1 {
				continue
			}
			if _, err := Convert(&Model{File: "m.onnx", Opset: 17, Graph: g}, Options{}); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s of %d dimensions: error %v, expected one with %q", equation, len(x.Dims), err, want)
			}
		}
	}
}

// A fault of the converter's own is no refusal: it is not taken for success.
func TestCaught(t *testing.T) {
	try := func(with any) (err error) {
		defer caught(&err)
		panic(with)
	}
	if err := try(refusal{errors.New("no")}); err == nil || err.Error() != "no" {
		t.Errorf("a refusal gives error %v", err)
	}
	defer func() {
		if p := recover(); p != "BUG: index" {
			t.Errorf("the panic ends as %v", p)
		}
	}()
	t.Errorf("a fault gives error %v", try("BUG: index"))
}
