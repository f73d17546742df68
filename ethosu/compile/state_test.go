// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower/graph"
)

// smallNetwork is a layer with a table and the sum of its result with an input.
func smallNetwork() *graph.Graph {
	g := &graph.Graph{Name: "small"}
	add := func(name string, t graph.DType, scale float32, zero int32, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: t, Shape: shape, Quant: graph.PerTensor(scale, zero)})
	}
	x, w := add("x", graph.Int8, 0.05, 3, 1, 16), add("w", graph.Int8, 0.01, 0, 32, 16)
	for i := range 32 * 16 {
		g.Tensors[w].Data = append(g.Tensors[w].Data, byte(i*37))
	}
	h, y, s := add("h", graph.Int8, 0.1, 0, 1, 32), add("y", graph.Int8, 1.0/128, 0, 1, 32), add("s", graph.Int8, 1.0/128, 0, 1, 32)
	z := add("z", graph.Int8, 1.0/64, 0, 1, 32)
	g.Ops = []*graph.Op{
		{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{x, w, graph.None}, Outputs: []graph.TensorID{h}},
		{Kind: graph.Tanh, Inputs: []graph.TensorID{h}, Outputs: []graph.TensorID{y}},
		{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{y, s}, Outputs: []graph.TensorID{z}},
	}
	g.Inputs, g.Outputs, g.States = []graph.TensorID{x, s}, []graph.TensorID{z}, nil
	return g
}

// TestPrintAfter: the program can be looked at after any pass, as it then is.
func TestPrintAfter(t *testing.T) {
	var b strings.Builder
	for _, pass := range []string{"check", "lower", "sums", "blocks", "tables", "transfers", "constants", "emit"} {
		o := config{"ethos-u55-128", "", ""}.options(t)
		var err error
		if o.After, err = compile.PrintAfter(pass, &b); err != nil {
			t.Fatal(err)
		}
		if _, err := compile.Compile(smallNetwork(), o); err != nil {
			t.Fatal(err)
		}
	}
	testdata.Recorded(t, "passes.txt", b.String(), *update)
	_, err := compile.PrintAfter("nonsense", &b)
	if err == nil || !strings.Contains(err.Error(), `unknown pass "nonsense": expected one of check, lower, `) {
		t.Errorf("a pass that is none: %v", err)
	}
}

// TestPasses leaves out every optional pass in turn: the program must be right without.
// It is checked after every pass that is left.
func TestPasses(t *testing.T) {
	for _, p := range compile.Passes {
		if !p.Optional {
			continue
		}
		for seed := range uint64(4) {
			o := configs[(seed*5+1)%uint64(len(configs))].options(t)
			o.Skip = []string{p.Name}
			g := newRandomGraph(seed)
			if seed == 0 {
				g = smallNetwork()
			}
			if len(g.Ops) == 0 {
				continue
			}
			if err := agree(t, g, o, seed); err != nil {
				t.Errorf("without %s, seed %d: %v", p.Name, seed, err)
			}
		}
	}
}

// TestAfter: what looks at the program sees every pass of every variant, and can end it.
func TestAfter(t *testing.T) {
	o := config{"ethos-u55-128", "", ""}.options(t)
	n := 0
	o.After = func(s compile.State) error {
		if s.Pass != compile.Passes[n].Name || s.Room != -1 || s.Rows != 0 {
			t.Errorf("after pass %d: %q, %v", n, s.Pass, s.Variant)
		}
		if n++; n == 5 {
			return fmt.Errorf("that is enough")
		}
		return nil
	}
	if _, err := compile.Compile(smallNetwork(), o); err == nil || !strings.Contains(err.Error(), "that is enough") || n != 5 {
		t.Errorf("after %d passes: %v", n, err)
	}
}
