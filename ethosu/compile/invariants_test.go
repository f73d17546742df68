// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// twoLayers is a graph of two layers with tables.
func twoLayers() *graph.Graph {
	g := &graph.Graph{Name: "layers"}
	add := func(name string, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(1.0/128, 0)})
	}
	x := add("x", 1, 32)
	g.Inputs = []graph.TensorID{x}
	for l := range 2 {
		w := add(fmt.Sprint("w", l), 32, 32)
		for i := range 32 * 32 {
			g.Tensors[w].Data = append(g.Tensors[w].Data, byte(i*(37+2*l)))
		}
		h, y := add(fmt.Sprint("h", l), 1, 32), add(fmt.Sprint("y", l), 1, 32)
		g.Ops = append(g.Ops,
			&graph.Op{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{x, w, graph.None}, Outputs: []graph.TensorID{h}},
			&graph.Op{Kind: graph.Tanh, Inputs: []graph.TensorID{h}, Outputs: []graph.TensorID{y}})
		x = y
	}
	g.Outputs = []graph.TensorID{x}
	return g
}

// TestInvariants damages the program after a pass: the check there finds it.
func TestInvariants(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		pass   string
		damage func(*compilation)
		want   string
	}{
		{"lower", func(c *compilation) {}, ""},
		{"lower", func(c *compilation) {
			c.module.Kernels[0], c.module.Kernels[1] = c.module.Kernels[1], c.module.Kernels[0]
		}, "before anything is written"},
		{"lower", func(c *compilation) { c.plan.Ops[0].Lo = 128 }, "results from 128 to 127"},
		{"lower", func(c *compilation) { c.plan.Ops[0].IFM.C = 33 }, "ends at byte 33"},
		{"lower", func(c *compilation) { c.plan.Ops[0].Records = c.plan.Ops[0].Records[:31] }, "31 records"},
		{"lower", func(c *compilation) { c.plan.Ops[1].Table = nil }, "with a table: false"},
		{"project", func(c *compilation) { c.plan.Ops[1].IFM.Buf = &kernel.Buffer{Name: "new", Size: 64} }, `reads "new" before`},
		{"blocks", func(c *compilation) { c.plan.Ops[0].Block.D = 4096 }, "4096"},
		{"blocks", func(c *compilation) { c.plan.Ops[0].Layout.ABStart++ }, "has the layout"},
		{"tables", func(c *compilation) { c.plan.Ops[1].Slot = 8 }, "in slot 8"},
		{"encode", func(c *compilation) { o := c.plan.Ops; o[0].Stream = o[len(o)-1].Stream }, "the stream of weights"},
		{"encode", func(c *compilation) { c.plan.Ops[0].Stream.Len[0] += 1 << 20 }, "part 0 of"},
		{"transfers", func(c *compilation) { o := c.plan.Operations; o[0], o[len(o)-1] = o[len(o)-1], o[0] }, "is not kernel 0"},
		{"transfers", func(c *compilation) { c.plan.Operations = c.plan.Operations[1:] }, "is not loaded"},
		{"transfers", func(c *compilation) { o := c.plan.Operations; c.plan.Operations = append(o[:1:1], o[2:]...) }, "before anything is written"},
		{"transfers", func(c *compilation) { c.plan.Operations[0].Transfer.Length *= 2 }, "copies"},
		{"allocate", func(c *compilation) { c.layout.Arena -= 16 }, "of region 1, which has"},
		{"constants", func(c *compilation) { c.layout.Blob[0]++ }, "of the constants"},
		{"emit", func(c *compilation) { c.stream.Words = c.stream.Words[:8] }, "of 8"},
		{"emit", func(c *compilation) {}, ""},
	} {
		o := Options{Accel: a, After: func(s State) error {
			if s.Pass == c.pass {
				c.damage(s.c)
				return s.Check()
			}
			return nil
		}}
		_, err := Compile(twoLayers(), o)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("after %s, nothing damaged: %v", c.pass, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), fmt.Sprintf("BUG: after pass %q", c.pass))):
			t.Errorf("after %s, expected an error with %q, got %v", c.pass, c.want, err)
		}
	}
}
