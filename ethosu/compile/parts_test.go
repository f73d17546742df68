// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"

	"github.com/google/go-cmp/cmp"
)

// mixedGraph draws a graph of vectors of 24 values with operators that the NPU does and
// such that it does not, and with a state where the seed is even.
type mixedGraph struct {
	*rand.Rand
	g    *graph.Graph
	pool []graph.TensorID
}

const mixedWidth = 24

func newMixedGraph(seed uint64) *graph.Graph {
	m := &mixedGraph{Rand: rand.New(rand.NewPCG(seed, 77)), g: &graph.Graph{Name: fmt.Sprintf("mixed %d", seed)}}
	for range 1 + m.IntN(2) {
		m.g.Inputs = append(m.g.Inputs, m.vector())
	}
	for range 3 + m.IntN(9) {
		m.step()
	}
	used := map[graph.TensorID]bool{}
	for _, op := range m.g.Ops {
		for _, id := range op.Inputs {
			used[id] = true
		}
	}
	for _, id := range m.pool {
		if !used[id] {
			m.g.Outputs = append(m.g.Outputs, id)
		}
	}
	if seed%2 == 0 {
		in, out := m.g.Inputs[0], m.pool[len(m.pool)-1]
		for i, id := range m.g.Outputs {
			if id == out && out != in {
				m.g.States = []graph.State{{In: in, Out: m.g.Outputs[i]}}
			}
		}
	}
	return m.g
}

// quant is the one quantization of all vectors.
var mixedQuant = graph.PerTensor(1.0/128, 0)

func (m *mixedGraph) add(dt graph.DType, shape []int, q *graph.Quant) graph.TensorID {
	return m.g.Add(&graph.Tensor{Name: fmt.Sprintf("t%d", len(m.g.Tensors)), Type: dt, Shape: shape, Quant: q})
}

func (m *mixedGraph) vector() graph.TensorID {
	id := m.add(graph.Int8, []int{1, mixedWidth}, mixedQuant)
	m.pool = append(m.pool, id)
	return id
}

func (m *mixedGraph) constant(dt graph.DType, shape []int, q *graph.Quant) graph.TensorID {
	id := m.add(dt, shape, q)
	t := m.g.Tensors[id]
	t.Data = make([]byte, t.Bytes())
	if dt == graph.Int8 {
		for i := range t.Data {
			t.Data[i] = byte(m.Uint32())
		}
	}
	return id
}

func (m *mixedGraph) op(kind graph.Kind, attr any, out graph.TensorID, in ...graph.TensorID) graph.TensorID {
	m.g.Ops = append(m.g.Ops, &graph.Op{Kind: kind, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
	return out
}

// realStep is an operator, or a few, on real numbers.
func (m *mixedGraph) realStep(x graph.TensorID) graph.TensorID {
	real := func(shape ...int) graph.TensorID { return m.add(graph.Float32, shape, nil) }
	weights := func(rows, columns int) graph.TensorID {
		w := m.constant(graph.Float32, []int{rows, columns}, nil)
		for i := range rows * columns {
			binary.LittleEndian.PutUint32(m.g.Tensors[w].Data[4*i:], math.Float32bits(float32(m.NormFloat64()/5)))
		}
		return w
	}
	kinds := []graph.Kind{graph.Exp, graph.Sin, graph.Cos, graph.Tanh, graph.Logistic, graph.Softmax, graph.FullyConnected, graph.RFFT2D}
	switch k := kinds[m.IntN(len(kinds))]; k {
	case graph.Softmax:
		return m.op(k, graph.SoftmaxAttr{Beta: 1}, real(1, mixedWidth), x)
	case graph.FullyConnected:
		return m.op(k, graph.FullyConnectedAttr{Activation: graph.ActRelu}, real(1, mixedWidth), x, weights(mixedWidth, mixedWidth), graph.None)
	case graph.RFFT2D:
		length := m.constant(graph.Int32, []int{2}, nil)
		m.g.Tensors[length].SetInts([]int{1, 32})
		row := m.op(graph.Reshape, graph.ReshapeAttr{NewShape: []int{1, 1, mixedWidth}}, real(1, 1, mixedWidth), x)
		z := m.op(k, nil, m.add(graph.Complex64, []int{1, 1, 17}, nil), row, length)
		z = m.op(graph.Reshape, graph.ReshapeAttr{NewShape: []int{1, 17}}, m.add(graph.Complex64, []int{1, 17}, nil), z)
		z = m.op(graph.ComplexAbs, nil, real(1, 17), z)
		return m.op(graph.FullyConnected, graph.FullyConnectedAttr{}, real(1, mixedWidth), z, weights(mixedWidth, 17), graph.None)
	default:
		return m.op(k, nil, real(1, mixedWidth), x)
	}
}

func (m *mixedGraph) step() {
	pick := func() graph.TensorID { return m.pool[m.IntN(len(m.pool))] }
	shape := []int{1, mixedWidth}
	a, b := pick(), pick()
	switch m.IntN(12) {
	case 0, 1:
		w := m.constant(graph.Int8, []int{mixedWidth, mixedWidth}, graph.PerTensor(1.0/512, 0))
		m.op(graph.FullyConnected, graph.FullyConnectedAttr{}, m.vector(), a, w, graph.None)
	case 2:
		m.op(graph.Add, graph.AddAttr{}, m.vector(), a, b)
	case 3:
		m.op(graph.Tanh, nil, m.vector(), a)
	case 4:
		c, d := pick(), pick()
		less := m.op(graph.Less, nil, m.add(graph.Bool, shape, nil), a, b)
		m.op(graph.SelectV2, nil, m.vector(), less, c, d)
	case 5:
		m.op(graph.Cumsum, graph.CumsumAttr{Reverse: m.IntN(2) == 0}, m.vector(), a, m.constant(graph.Int32, nil, nil))
		m.g.Tensors[m.g.Ops[len(m.g.Ops)-1].Inputs[1]].SetInts([]int{1})
	case 6:
		m.op(graph.L2Normalization, graph.L2NormAttr{}, m.vector(), a)
	case 7:
		r := m.op(graph.Dequantize, nil, m.add(graph.Float32, shape, nil), a)
		if m.IntN(2) == 0 { // an island of real numbers
			r = m.op(graph.Square, nil, m.add(graph.Float32, shape, nil), r)
			r = m.op(graph.Add, graph.AddAttr{}, m.add(graph.Float32, shape, nil), r, m.op(graph.Dequantize, nil, m.add(graph.Float32, shape, nil), b))
			r = m.op(graph.Sqrt, nil, m.add(graph.Float32, shape, nil), r)
			for range m.IntN(3) {
				r = m.realStep(r)
			}
		}
		m.op(graph.Quantize, nil, m.vector(), r)
	case 8:
		best := m.op(graph.ArgMax, graph.ArgAttr{Output: graph.Int32}, m.add(graph.Int32, []int{1}, nil), a, m.constant(graph.Int32, nil, nil))
		m.g.Tensors[m.g.Ops[len(m.g.Ops)-1].Inputs[1]].SetInts([]int{1})
		w := m.constant(graph.Int8, []int{mixedWidth, mixedWidth}, mixedQuant)
		m.op(graph.Gather, graph.GatherAttr{}, m.vector(), w, best)
	case 9:
		flat := m.op(graph.Reshape, graph.ReshapeAttr{NewShape: []int{mixedWidth}}, m.add(graph.Int8, []int{mixedWidth}, mixedQuant), a)
		m.op(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, m.vector(), flat)
	case 10:
		l := m.op(graph.LogSoftmax, nil, m.add(graph.Int8, shape, graph.PerTensor(1.0/16, 127)), a)
		m.op(graph.Quantize, nil, m.vector(), l)
	default:
		m.op(graph.Div, graph.DivAttr{}, m.vector(), a, b)
	}
}

// TestMixedGraphs leaves to the CPU what the NPU does not do: the program gives the bytes
// of the interpreter, with its state carried, and comes back whole from its file.
func TestMixedGraphs(t *testing.T) {
	n := uint64(60)
	if testing.Short() {
		n = 12
	}
	mixed := 0
	for seed := range n {
		g := newMixedGraph(seed)
		if err := g.Validate(); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		o := compile.Options{}
		o.Accel, _ = ethosu.ParseAccelerator([]string{"ethos-u55-128", "ethos-u65-256", "ethos-u55-32"}[seed%3])
		if seed%6 == 1 {
			o.Mode, _ = ethosu.ParseMemoryMode("Dedicated_Sram")
		}
		p, err := compile.Compile(g, o)
		if err != nil {
			if !strings.Contains(err.Error(), "no operator is left for the NPU") {
				t.Errorf("seed %d: %v", seed, err)
			}
			continue
		}
		if len(p.CPUOps()) > 0 {
			mixed++
		}
		if r := verify.Program(p); len(r.Findings) > 0 {
			t.Errorf("seed %d: %v", seed, r.Findings[0])
		}
		proof, err := runner.Prove(g, p, runner.RandomFeed(g, seed), runner.ProofOptions{Single: 6, Chain: 6})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if proof.Mismatches > 0 {
			t.Errorf("seed %d: %v", seed, proof.First[0])
		}
		b, err := vela.Write(p)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		q, err := vela.Read("mixed", b)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if d := cmp.Diff(p, q); d != "" {
			t.Fatalf("seed %d: program (-written +read):\n%s", seed, d)
		}
	}
	if mixed < int(n)/2 {
		t.Errorf("%d of %d graphs have operators for the CPU", mixed, n)
	}
}
