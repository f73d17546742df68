// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// TestChains composes nodes at random, so that values pass from one layout to
// another, are sliced, joined, broadcast and reduced in whatever order they are in.
func TestChains(t *testing.T) {
	for seed := range uint64(250) {
		b := newModel(seed, "chain", 17)
		b.m.Graph.Nodes = nil
		shape := []int{1 + b.IntN(2), 2 + b.IntN(3), 3 + b.IntN(4), 2 + b.IntN(4)}[:3+b.IntN(2)]
		b.n = &onnx.Node{Attrs: map[string]*onnx.Attr{}}
		b.input("v0", shape...)
		type val struct {
			name  string
			shape []int
		}
		all := []val{{"v0", slices.Clone(shape)}}
		cur := all[0]
		count := 0
		add := func(op string, shape []int, prepare func()) {
			b.n = &onnx.Node{Op: op, Attrs: map[string]*onnx.Attr{}, Inputs: []string{cur.name}}
			if prepare != nil {
				prepare()
			}
			count++
			cur = val{fmt.Sprintf("v%d", count), shape}
			b.n.Outputs = []string{cur.name}
			b.m.Graph.Nodes = append(b.m.Graph.Nodes, b.n)
			all = append(all, cur)
		}
		w := func(what string) string { return fmt.Sprintf("%s%d", what, count) }
		for range 3 + b.IntN(8) {
			s := slices.Clone(cur.shape)
			rank := len(s)
			a := 0
			if rank > 0 {
				a = b.IntN(rank)
			}
			switch b.IntN(17) {
			case 0:
				if rank == 3 || rank == 4 {
					out := 1 + b.IntN(4)
					k := []int{out, s[1]}
					for range rank - 2 {
						k = append(k, 1)
					}
					s[1] = out
					add("Conv", s, func() { b.weights(w("cw"), k...); b.weights(w("cb"), out) })
				}
			case 1:
				perm, p := b.Perm(rank), make([]int, rank)
				for i := range p {
					p[i] = cur.shape[perm[i]]
				}
				add("Transpose", p, func() { b.set("perm", perm) })
			case 2:
				add([]string{"Relu", "Sigmoid", "Tanh", "Abs", "Identity"}[b.IntN(5)], s, nil)
			case 3:
				k := slices.Clone(s)
				for i := range k {
					if b.coin() {
						k[i] = 1
					}
				}
				if rank > 1 && b.coin() {
					k = k[1:]
				}
				add([]string{"Add", "Mul", "Sub"}[b.IntN(3)], s, func() { b.weights(w("k"), k...) })
			case 4: // with an earlier value of the same shape
				for _, o := range all {
					if slices.Equal(o.shape, s) {
						add([]string{"Add", "Mul", "Max"}[b.IntN(3)], s, func() { b.n.Inputs = append(b.n.Inputs, o.name) })
						break
					}
				}
			case 5:
				if rank > 0 && s[a] > 1 {
					s[a]--
					add("Slice", s, func() { b.ints(w("st"), 1); b.ints(w("en"), 1<<40); b.ints(w("ax"), int64(a)) })
				}
			case 6:
				if rank > 0 {
					add("Slice", s, func() {
						b.ints(w("st"), -1)
						b.ints(w("en"), -1<<40)
						b.ints(w("ax"), int64(a))
						b.ints(w("by"), -1)
					})
				}
			case 7:
				if rank > 0 && s[a] < 12 {
					s[a] *= 2
					add("Concat", s, func() { b.set("axis", a-rank); b.n.Inputs = append(b.n.Inputs, cur.name) })
				}
			case 8:
				if rank > 0 {
					keep := b.coin()
					s[a] = 1
					if !keep {
						s = slices.Delete(s, a, a+1)
					}
					add([]string{"ReduceMean", "ReduceMax", "ReduceSum", "ReduceL2"}[b.IntN(4)], s, func() {
						if b.n.Op == "ReduceSum" {
							b.ints(w("ax"), int64(a))
						} else {
							b.set("axes", []int{a})
						}
						if !keep {
							b.set("keepdims", 0)
						}
					})
					if n := b.m.Graph.Nodes[len(b.m.Graph.Nodes)-1]; n.Op == "ReduceSum" && n.Attrs["axes"] != nil {
						axes := n.Attrs["axes"].Ints
						delete(n.Attrs, "axes")
						b.ints(w("ax"), axes...)
					}
				}
			case 9:
				if rank > 0 {
					add("Softmax", s, func() { b.set("axis", a) })
				}
			case 10:
				if rank < 5 {
					s = slices.Insert(s, a, 1)
					add("Unsqueeze", s, func() { b.ints(w("ax"), int64(a)) })
				}
			case 11:
				if rank > 0 && s[a] == 1 {
					s = slices.Delete(s, a, a+1)
					add("Squeeze", s, func() { b.ints(w("ax"), int64(a)) })
				}
			case 12:
				if rank > 0 {
					n := s[a]
					s[a] = 3
					add("Gather", s, func() { b.set("axis", a); b.ints(w("ix"), int64(b.IntN(n)), 0, -1) })
				}
			case 13:
				if rank > 1 {
					n := s[rank-1]
					s[rank-1] = 3
					add("MatMul", s, func() { b.weights(w("m"), n, 3) })
				}
			case 14:
				if rank > 0 {
					pads := make([]int64, 2*rank)
					pads[a], pads[rank+a] = int64(b.IntN(2)), 1
					s[a] += int(pads[a]) + 1
					add("Pad", s, func() { b.ints(w("p"), pads...); b.set("mode", []string{"constant", "edge"}[b.IntN(2)]) })
				}
			case 15:
				flat := 1
				for _, n := range s[a:] {
					flat *= n
				}
				s = append(s[:a:a], flat)
				add("Reshape", s, func() {
					var to []int64
					for range a {
						to = append(to, 0)
					}
					b.ints(w("sh"), append(to, -1)...)
				})
			case 16:
				if rank > 1 {
					add("LayerNormalization", s, func() { b.weights(w("g"), s[rank-1]); b.weights(w("h"), s[rank-1]) })
				}
			}
		}
		b.n = &onnx.Node{Attrs: map[string]*onnx.Attr{}}
		b.m.Graph.Outputs = []*onnx.Declared{{Name: cur.name, Kind: "tensor"}}
		if err := b.prove(t); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, n := range b.m.Graph.Nodes {
				t.Logf("%s %v -> %v %v", n.Op, strings.Join(n.Inputs, " "), n.Outputs, n.Ints("axes"))
			}
			break
		}
	}
}

// TestProofFinds alters one weight of a converted graph by a hundredth: the proof has
// to see it and name the first value that differs.
func TestProofFinds(t *testing.T) {
	b := newModel(1, "MatMul", 17)
	b.input("x", 2, 4)
	b.weights("w", 4, 3)
	b.outputs("y")
	r, err := onnx.Convert(b.m, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, tensor := range r.Graph.Tensors {
		if len(tensor.Data) == 48 {
			tensor.Data[2] ^= 0x10
		}
	}
	n := &Network{Format: "ONNX", Graph: r.Graph}
	if err := n.prove(b.m, r); err == nil || !strings.Contains(err.Error(), `first value that differs is "y"`) {
		t.Errorf("error %v, want one that names y", err)
	}
}
