// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/graph"
)

// scaledSteps multiplies the rows of an input by the same weights and gives every product
// a scale and a zero point of its own, as a converter does that calibrates every step. A
// step has so many rows.
func scaledSteps(steps, each, n, o int) *graph.Graph {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(o)))
	g := &graph.Graph{Name: "scaled"}
	add := func(name string, scale float32, zero int32, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(scale, zero)})
	}
	x, w := add("x", 0.02, 3, steps*each, n), add("w", 0.01, 0, o, n)
	for range n * o {
		g.Tensors[w].Data = append(g.Tensors[w].Data, byte(rng.IntN(255)-127))
	}
	g.Tensors[w].Data[0] = 100
	b := g.Add(&graph.Tensor{Name: "b", Type: graph.Int32, Shape: []int{o}, Quant: graph.PerTensor(0.02*0.01, 0)})
	for range o {
		g.Tensors[b].Data = binary.LittleEndian.AppendUint32(g.Tensors[b].Data, uint32(rng.IntN(4000)-2000))
	}
	v := add("v", 0.01, 0, o, o)
	for range o * o {
		g.Tensors[v].Data = append(g.Tensors[v].Data, byte(rng.IntN(255)-127))
	}
	axis := g.Add(&graph.Tensor{Name: "axis", Type: graph.Int32, Data: make([]byte, 4)})
	var rows []graph.TensorID
	for i := range steps {
		rows = append(rows, add(fmt.Sprintf("x%d", i), 0.02, 3, each, n))
	}
	g.Ops = append(g.Ops, &graph.Op{Kind: graph.Split, Attr: graph.SplitAttr{NumSplits: steps}, Inputs: []graph.TensorID{axis, x}, Outputs: rows})
	s := add("s", 0.05, 0, each, o)
	g.Inputs = []graph.TensorID{x, s}
	for i, row := range rows {
		y := add(fmt.Sprintf("y%d", i), 0.02+0.001*float32(rng.IntN(30)), int32(rng.IntN(9)-4), each, o)
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{row, w, b}, Outputs: []graph.TensorID{y}})
		if i%2 == 1 { // a further layer reads it
			z := add(fmt.Sprintf("z%d", i), 0.05, 2, each, o)
			g.Ops = append(g.Ops, &graph.Op{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{y, v, graph.None}, Outputs: []graph.TensorID{z}})
			y = z
		}
		t := add(fmt.Sprintf("s%d", i), 0.05, 1, each, o)
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{s, y}, Outputs: []graph.TensorID{t}})
		s = t
	}
	g.Outputs = []graph.TensorID{s}
	return g
}

// TestRescale: steps that scale the same sums in their own way share one kernel, with the
// same results, in fewer cycles and fewer bytes where the array has room for several rows.
func TestRescale(t *testing.T) {
	for _, c := range slices.Concat(configs, configsU85) {
		for _, size := range [][3]int{{1, 28, 192}, {1, 40, 97}, {1, 9, 16}, {2, 28, 192}, {3, 20, 30}} {
			g := scaledSteps(6, size[0], size[1], size[2])
			o := c.options(t)
			if err := agree(t, g, o, 3); err != nil {
				t.Errorf("%v, %s %s: %v", size, c.accel, c.mode, err)
			}
			with := figuresOf(t, g, o)
			o.Skip = []string{"rescale"}
			without := figuresOf(t, g, o)
			if with.Cycles > without.Cycles {
				t.Errorf("%v, %s %s: %d cycles, %d with one kernel for each step", size, c.accel, c.mode, with.Cycles, without.Cycles)
			}
			if size[0] == 1 && size[2] == 192 && (o.Accel.Generation != ethosu.U55 || o.Accel.MACs >= 128) && (with.Cycles == without.Cycles || with.FlashBytes >= without.FlashBytes) {
				t.Errorf("%v, %s %s: %d cycles and %d bytes of flash, %d and %d with one kernel for each step", size, c.accel, c.mode, with.Cycles, with.FlashBytes, without.Cycles, without.FlashBytes)
			}
		}
	}
}
