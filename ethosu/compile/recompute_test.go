// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
)

// cellSteps are steps with a state of an LSTM: c becomes a sum, which is kept, and its tanh
// goes into h, of which a layer makes the operands of the next step. Every c and h is a
// result for the caller.
func cellSteps(steps, units int) *graph.Graph {
	g := &graph.Graph{Name: "cell"}
	add := func(name string, scale float32, shape ...int) graph.TensorID {
		zero := int32(0)
		if name[0] == 'c' || name[0] == 'a' {
			zero = -11
		}
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(scale, zero)})
	}
	op := func(kind graph.Kind, attr any, out graph.TensorID, in ...graph.TensorID) graph.TensorID {
		g.Ops = append(g.Ops, &graph.Op{Kind: kind, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
		return out
	}
	w := add("w", 0.01, units, units)
	for i := range units * units {
		g.Tensors[w].Data = append(g.Tensors[w].Data, byte(i*i*37+i))
	}
	c, h := add("c", 0.03, 1, units), add("h", 1.0/128, 1, units)
	g.Inputs = []graph.TensorID{c, h}
	for i := range steps {
		of := func(name string, scale float32) graph.TensorID {
			return add(fmt.Sprintf("%s%d", name, i), scale, 1, units)
		}
		a := op(graph.FullyConnected, graph.FullyConnectedAttr{}, of("a", 0.05), h, w, graph.None)
		s := op(graph.Logistic, nil, of("s", 1.0/256), a)
		g.Tensors[s].Quant = graph.PerTensor(1.0/256, -128)
		c = op(graph.Add, graph.AddAttr{}, of("c", 0.03), c, s)
		h = op(graph.Mul, graph.MulAttr{}, of("h", 1.0/128), s, op(graph.Tanh, nil, of("t", 1.0/128), c))
		g.Outputs = append(g.Outputs, c, h)
	}
	return g
}

// TestRecompute: with a value computed twice the program has fewer cycles and the same
// results.
func TestRecompute(t *testing.T) {
	for _, units := range []int{20, 128} {
		g := cellSteps(4, units)
		for _, c := range configs {
			o := c.options(t)
			if err := agree(t, g, o, 2); err != nil {
				t.Errorf("%d units, %s %s: %v", units, c.accel, c.mode, err)
			}
			with := figuresOf(t, g, o).Cycles
			o.Skip = []string{"recompute"}
			without := figuresOf(t, g, o).Cycles
			far := o.Accel.Generation == ethosu.U65 && o.Mode.Spills()
			if with > without || with == without && !o.Accel.OwnMemories && (units < 64 || far) {
				t.Errorf("%d units, %s %s: %d cycles, %d where nothing is computed twice", units, c.accel, c.mode, with, without)
			}
		}
	}
}

// TestTablesFromSRAM: where every other kernel destroys the tables, they are loaded again
// from SRAM, and read from the slower memory once.
func TestTablesFromSRAM(t *testing.T) {
	g := cellSteps(6, 20)
	o := config{"ethos-u55-32", "", "Shared_Sram"}.options(t)
	if err := agree(t, g, o, 2); err != nil {
		t.Fatal(err)
	}
	p, err := compile.Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	from := map[int]int{}
	err = o.Accel.Product.Walk(p.Stages[0].Commands, func(op *isa.Operation) error {
		if op.IsDMA() && op.DMA().DstInternal {
			from[op.DMA().SrcRegion]++
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if from[ethosu.RegionConstants] > 0 || from[ethosu.RegionArena] < 6 {
		t.Errorf("loads of tables by region: %v, expected all from SRAM", from)
	}
}
