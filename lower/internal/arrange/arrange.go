// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Graph returns a graph in which everything is arranged for integers, and the roles of
// its tensors, by TensorID; g is not changed. Tensors of g keep their ids.
func Graph(g *graph.Graph, role []string) (*graph.Graph, []string) {
	next := *g
	next.Tensors = append([]*graph.Tensor(nil), g.Tensors...)
	next.Ops = append([]*graph.Op(nil), g.Ops...)
	a := &arranger{g: &next}
	if role != nil {
		a.role = append([]string(nil), role...)
	}
	a.lone()
	a.strides()
	a.magnitudes()
	a.masks()
	a.computedMasks()
	a.rows()
	a.sums()
	a.dropDead()
	return a.g, a.role
}

type arranger struct {
	g    *graph.Graph
	role []string // nil where every tensor has its own
}

// producers returns the index of the operator that makes a tensor, for those that one
// makes.
func (a *arranger) producers() map[graph.TensorID]int {
	by := map[graph.TensorID]int{}
	for i, op := range a.g.Ops {
		for _, id := range op.Outputs {
			by[id] = i
		}
	}
	return by
}

func (a *arranger) add(t *graph.Tensor) graph.TensorID {
	if a.role != nil {
		role := t.Name
		if t.IsConst() {
			role = ""
		}
		a.role = append(a.role, role)
	}
	return a.g.Add(t)
}

func (a *arranger) value(name string, shape ...int) graph.TensorID {
	return a.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape})
}

func (a *arranger) floats(name string, v []float32, shape ...int) graph.TensorID {
	return a.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape, Data: encoded(v)})
}

// values are those of a float constant.
func (a *arranger) values(id graph.TensorID) []float32 {
	data := a.g.Tensors[id].Data
	out := make([]float32, len(data)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return out
}

// encoded is the data of a float tensor.
func encoded(v []float32) []byte {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return raw
}

func (a *arranger) ints(name string, v []int) graph.TensorID {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(x)))
	}
	return a.add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: []int{len(v)}, Data: raw})
}

// dropDead removes operators whose results nobody reads any more.
func (a *arranger) dropDead() {
	live := map[graph.TensorID]bool{}
	for _, id := range a.g.Outputs {
		live[id] = true
	}
	keep := make([]bool, len(a.g.Ops))
	for i := len(a.g.Ops) - 1; i >= 0; i-- {
		op := a.g.Ops[i]
		for _, id := range op.Outputs {
			keep[i] = keep[i] || live[id]
		}
		if keep[i] {
			for _, id := range op.Inputs {
				live[id] = true
			}
		}
	}
	var ops []*graph.Op
	for i, op := range a.g.Ops {
		if keep[i] {
			ops = append(ops, op)
		}
	}
	a.g.Ops = ops
}
