// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestNarrowRows: 8-bit values that are scattered are gathered once, by the CAST, and a
// product without weights is an error of its own.
func TestNarrowRows(t *testing.T) {
	g := &graph.Graph{Name: "scattered"}
	add := func(name string, dt graph.DType, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: dt, Shape: shape, Quant: graph.PerTensor(0.02, 0)})
	}
	ints := func(v uint32) graph.TensorID {
		return g.Add(&graph.Tensor{Name: "ints", Type: graph.Int32, Shape: []int{2}, Data: binary.LittleEndian.AppendUint32([]byte{byte(v >> 8), 0, 0, 0}, v&255)})
	}
	x, half, wide := add("x", graph.Int8, 1, 128), add("half", graph.Int8, 1, 64), add("wide", graph.Int16, 1, 64)
	g.Ops = []*graph.Op{
		{Kind: graph.StridedSlice, Attr: graph.StridedSliceAttr{}, Inputs: []graph.TensorID{x, ints(0), ints(1<<8 | 128), ints(1<<8 | 2)}, Outputs: []graph.TensorID{half}},
		{Kind: graph.Cast, Attr: graph.CastAttr{}, Inputs: []graph.TensorID{half}, Outputs: []graph.TensorID{wide}},
	}
	g.Inputs = []graph.TensorID{x}
	for i := range 3 {
		w := add("w", graph.Int8, 8, 64)
		for k := range 8 * 64 {
			g.Tensors[w].Data = append(g.Tensors[w].Data, byte(k*37+i))
		}
		y := add("y", graph.Int16, 1, 8)
		g.Ops = append(g.Ops, &graph.Op{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{wide, w, graph.None}, Outputs: []graph.TensorID{y}})
		g.Outputs = append(g.Outputs, y)
	}
	o := config{"ethos-u55-128", "", ""}.options(t)
	if err := agree(t, g, o, 3); err != nil {
		t.Error(err)
	}
	if f := figuresOf(t, g, o); f.NPUOps != 4 {
		t.Errorf("%d operations, expected a CAST and three products", f.NPUOps)
	}
	g.Ops[2].Inputs = []graph.TensorID{wide, graph.None, graph.None}
	if _, err := compile.Compile(g, o); err == nil || !strings.Contains(err.Error(), "input 1 is absent, expected a tensor") {
		t.Errorf("error %v, expected one of missing weights", err)
	}
}

// TestNarrowProducts: a FULLY_CONNECTED of values that a CAST has widened reads the
// 8-bit ones, unless its bias is too large for 32-bit sums, and the CAST stays for
// others that read its result.
func TestNarrowProducts(t *testing.T) {
	for seed := range uint64(24) {
		rng := rand.New(rand.NewPCG(seed, 77))
		in, out, rows := 1+rng.IntN(70), 1+rng.IntN(40), 1+rng.IntN(3)
		large, other, result := seed%4 == 1, seed%4 == 2, seed%4 == 3
		g := &graph.Graph{Name: fmt.Sprintf("narrow %d", seed)}
		add := func(name string, dt graph.DType, shape []int, scale float32, zero int32) graph.TensorID {
			return g.Add(&graph.Tensor{Name: name, Type: dt, Shape: shape, Quant: graph.PerTensor(scale, zero)})
		}
		x := add("x", graph.Int8, []int{rows, in}, 0.02, int32(rng.IntN(256)-128)) // CAST takes no notice of the zero point
		wide := add("wide", graph.Int16, []int{rows, in}, 0.02, 0)
		w := add("w", graph.Int8, []int{out, in}, 0.01, 0)
		b := add("b", graph.Int64, []int{out}, 0.0002, 0)
		y := add("y", graph.Int16, []int{rows, out}, 0.001, 0)
		for range out * in {
			g.Tensors[w].Data = append(g.Tensors[w].Data, byte(rng.Uint32()))
		}
		for i := range out {
			v := rng.Int64N(1<<16) - 1<<15
			if large && i == out-1 {
				v = 1<<30 + 1
			}
			g.Tensors[b].Data = binary.LittleEndian.AppendUint64(g.Tensors[b].Data, uint64(v))
		}
		g.Ops = []*graph.Op{
			{Kind: graph.Cast, Attr: graph.CastAttr{}, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{wide}},
			{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{}, Inputs: []graph.TensorID{wide, w, b}, Outputs: []graph.TensorID{y}},
		}
		g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
		if other {
			twice := add("twice", graph.Int16, []int{rows, in}, 0.04, 0)
			g.Ops = append(g.Ops, &graph.Op{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: []graph.TensorID{wide, wide}, Outputs: []graph.TensorID{twice}})
			g.Outputs = append(g.Outputs, twice)
		}
		if result {
			g.Outputs = append(g.Outputs, wide)
		}
		o := configs[seed%uint64(len(configs))].options(t)
		if err := agree(t, g, o, seed); err != nil {
			t.Errorf("seed %d: %v\n%s", seed, err, listing(g))
			continue
		}
		p, err := compile.Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		bits, casts := 0, 0
		for _, op := range p.Stages[0].Ops {
			if op.Name == "CAST" {
				casts++
			}
		}
		if err := isa.Walk(p.Stages[0].Commands, func(o *isa.Operation) error {
			if o.Op == isa.OpConv {
				bits = o.IFM().Type.Bits
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		if wantBits, wantCasts := map[bool]int{false: 8, true: 16}[large], map[bool]int{true: 1}[large || other || result]; bits != wantBits || casts != wantCasts {
			t.Errorf("seed %d: the product reads %d bits behind %d CAST, expected %d and %d\n%s", seed, bits, casts, wantBits, wantCasts, listing(g))
		}
	}
}
