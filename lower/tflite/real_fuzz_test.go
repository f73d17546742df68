// SPDX-License-Identifier: Apache-2.0

package tflite_test

import (
	"math/rand/v2"
	"os"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/tfreal"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// FuzzReal reads and writes files of float32 values: what is written can be executed.
func FuzzReal(f *testing.F) {
	for _, c := range realCases {
		n := newNet(c.name)
		n.Outputs = []graph.TensorID{c.build(n)}
		f.Add(tflite.Encode(n.Graph))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := tflite.ReadReal("f.tflite", data)
		if err != nil {
			return
		}
		w, err := tfreal.Write(m.Graph, m.Subgraphs)
		if err != nil {
			return
		}
		if err := w.Graph.Validate(); err != nil {
			t.Error(err)
		}
	})
}

// TestDamaged changes graphs at random: what is written of them is valid, or they are
// refused.
func TestDamaged(t *testing.T) {
	rounds, refused, written := 20, 0, 0
	if os.Getenv("UNROLL_DAMAGED") != "" { // a long search
		rounds = 3000
	}
	for at, c := range realCases {
		for seed := range rounds {
			n := newNet(c.name)
			n.Outputs = []graph.TensorID{c.build(n)}
			for _, op := range n.Ops {
				op.Version = 1 // the writer would look at tensors to choose one
			}
			damage(n, rand.New(rand.NewPCG(uint64(seed), uint64(at))))
			m, err := tflite.ReadReal("d.tflite", tflite.Encode(n.Graph))
			if err != nil {
				refused++
				continue
			}
			w, err := tfreal.Write(m.Graph, m.Subgraphs)
			if err != nil {
				refused++
				continue
			}
			written++
			if err := w.Graph.Validate(); err != nil {
				t.Errorf("%s %d: %v", c.name, seed, err)
			}
		}
	}
	if refused < rounds || written < rounds {
		t.Errorf("%d refused, %d written", refused, written)
	}
}

// damage changes one or two facts of a graph.
func damage(n *net, r *rand.Rand) {
	for range 1 + r.IntN(2) {
		op := n.Ops[r.IntN(len(n.Ops))]
		x := n.Tensors[r.IntN(len(n.Tensors))]
		switch r.IntN(7) {
		case 0:
			if len(op.Inputs) > 0 {
				op.Inputs[r.IntN(len(op.Inputs))] = graph.TensorID(r.IntN(len(n.Tensors)+1) - 1)
			}
		case 1:
			if len(x.Shape) > 0 {
				x.Shape = append([]int{}, x.Shape...)
				x.Shape[r.IntN(len(x.Shape))] = r.IntN(6) - 1
			}
		case 2:
			x.Shape = append([]int{1 + r.IntN(2)}, x.Shape...)
		case 3:
			if len(x.Shape) > 0 {
				x.Shape = x.Shape[1:]
			}
		case 4:
			if v, err := x.Ints(); err == nil && len(v) > 0 {
				v[r.IntN(len(v))] = r.IntN(12) - 4
				x.SetInts(v)
			}
		case 5:
			x.Type = []graph.DType{graph.Float32, graph.Int32, graph.Bool, graph.Int64, graph.Int8}[r.IntN(5)]
		case 6:
			op.Inputs = op.Inputs[:r.IntN(len(op.Inputs)+1)]
		}
	}
}
