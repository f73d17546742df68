// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
)

// elementwiseChain multiplies and adds vectors, as a cell does behind its products.
func elementwiseChain(units, length int) *graph.Graph {
	g := &graph.Graph{Name: fmt.Sprintf("chain of %d", units)}
	vector := func(name string, scale float32) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{1, units}, Quant: graph.PerTensor(scale, 0)})
	}
	a, b := vector("a", 1.0/128), vector("b", 1.0/128)
	g.Inputs = []graph.TensorID{a, b}
	x := a
	for i := range length {
		product, sum := vector(fmt.Sprint("product", i), 1.0/128), vector(fmt.Sprint("sum", i), 0.0143)
		g.Ops = append(g.Ops,
			&graph.Op{Kind: graph.Mul, Attr: graph.MulAttr{}, Inputs: []graph.TensorID{x, b}, Outputs: []graph.TensorID{product}},
			&graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{product, a}, Outputs: []graph.TensorID{sum}})
		x = sum
	}
	g.Outputs = []graph.TensorID{x}
	return g
}

// TestShapes: where bricks save cycles all neighbours come to share that shape, which
// takes fewer commands; elsewhere nothing is lost.
func TestShapes(t *testing.T) {
	for _, c := range []struct {
		units  int
		accel  string
		bricks bool
	}{
		{256, "ethos-u55-128", true}, {48, "ethos-u55-128", true}, {256, "ethos-u65-512", true}, {256, "ethos-u55-32", false},
		{48, "ethos-u65-512", false}, {40, "ethos-u55-128", false}, {16, "ethos-u55-128", false},
	} {
		g := elementwiseChain(c.units, 6)
		o := config{c.accel, "", ""}.options(t)
		if err := agree(t, g, o, 5); err != nil {
			t.Errorf("%d units, %s: %v", c.units, c.accel, err)
		}
		p, err := compile.Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		kernels, bricks := 0, 0
		if err := isa.Walk(p.Stages[0].Commands, func(o *isa.Operation) error {
			if o.IsBlock() {
				if kernels++; o.OFM().Format == isa.NHCWB16 {
					bricks++
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		with := figuresOf(t, g, o)
		o.Skip = []string{"shapes"}
		without := figuresOf(t, g, o)
		fewer := with.StreamBytes < without.StreamBytes
		if c.bricks != (bricks == kernels) || fewer != c.bricks || with.StreamBytes > without.StreamBytes || with.Cycles > without.Cycles {
			t.Errorf("%d units, %s: %d of %d kernels write bricks; %d cycles and %d bytes, %d and %d without the pass",
				c.units, c.accel, bricks, kernels, with.Cycles, with.StreamBytes, without.Cycles, without.StreamBytes)
		}
	}
}
