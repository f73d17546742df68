// SPDX-License-Identifier: Apache-2.0

package causal

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// name of a tensor of the windowed graph.
func (s *stepper) name(id graph.TensorID) string {
	if s.names != nil && s.names[id] != "" {
		return s.names[id]
	}
	return s.g.Tensors[id].Name
}

func sortedKeys(m map[graph.TensorID]graph.TensorID) iter.Seq[graph.TensorID] {
	return slices.Values(slices.Sorted(maps.Keys(m)))
}

func sortedPlaces(m map[place]graph.TensorID) iter.Seq[place] {
	return slices.Values(slices.SortedFunc(maps.Keys(m), func(x, y place) int {
		return cmp.Or(cmp.Compare(x.id, y.id), cmp.Compare(x.back, y.back))
	}))
}

// unique returns a name that no tensor has.
func (b *builder) unique(name string) string {
	name = strings.NewReplacer(":", "_").Replace(name)
	for n, try := 1, name; ; n++ {
		if !b.names[try] {
			b.names[try] = true
			return try
		}
		try = fmt.Sprintf("%s_%d", name, n)
	}
}

func (b *builder) append(t *graph.Tensor, from graph.TensorID) graph.TensorID {
	b.from = append(b.from, from)
	return b.g.Add(t)
}

// fed adds a tensor that an operator or the caller fills.
func (b *builder) fed(name string, from graph.TensorID, shape []int) graph.TensorID {
	return b.append(&graph.Tensor{Name: b.unique(name), Type: graph.Float32, Shape: append([]int(nil), shape...)}, from)
}

// one appends an operator of one output.
func (b *builder) one(k graph.Kind, attr any, name string, from graph.TensorID, shape []int, in ...graph.TensorID) graph.TensorID {
	out := b.fed(name, from, shape)
	b.g.Ops = append(b.g.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
	return out
}

// give appends the step of an operator of the windowed graph on sequences, whose
// outputs it makes.
func (b *builder) give(op, next *graph.Op, m moment) {
	for _, out := range op.Outputs {
		b.seq[out] = b.fed(b.s.name(out), out, b.resized(out, b.s.of[out]))
		next.Outputs = append(next.Outputs, b.seq[out])
	}
	b.g.Ops = append(b.g.Ops, next)
}

// ints adds an int32 constant.
func (b *builder) ints(v []int) graph.TensorID { return b.shaped(v, len(v)) }

func (b *builder) matrix(pads []int) graph.TensorID { return b.shaped(pads, len(pads)/2, 2) }

func (b *builder) shaped(v []int, shape ...int) graph.TensorID {
	t := &graph.Tensor{Name: b.unique("places"), Type: graph.Int32, Shape: shape}
	t.SetInts(v)
	return b.append(t, graph.None)
}

// pad puts zeros around; pads has two numbers for each dimension.
func (b *builder) pad(id graph.TensorID, pads []int) graph.TensorID {
	t := b.g.Tensors[id]
	shape := append([]int(nil), t.Shape...)
	for d := range shape {
		shape[d] += pads[2*d] + pads[2*d+1]
	}
	return b.one(graph.Pad, nil, t.Name+"_padded", b.from[id], shape, id, b.matrix(pads))
}

// cut takes a range of one dimension.
func (b *builder) cut(id graph.TensorID, axis, first, n int, name string) graph.TensorID {
	t := b.g.Tensors[id]
	if first == 0 && n == t.Shape[axis] {
		return id
	}
	begin, size := make([]int, len(t.Shape)), append([]int(nil), t.Shape...)
	begin[axis], size[axis] = first, n
	return b.one(graph.Slice, nil, name, b.from[id], size, id, b.ints(begin), b.ints(size))
}

// strided takes spans of all dimensions.
func (b *builder) strided(id graph.TensorID, spans []graph.Span, name string) graph.TensorID {
	var begin, end, step, shape []int
	var a graph.StridedSliceAttr
	for d, s := range spans {
		begin, step = append(begin, s.Begin), append(step, s.Step)
		stop := s.Begin + s.Step*(s.Count-1) + 1
		if s.Step < 0 {
			if stop -= 2; stop < 0 {
				a.EndMask |= 1 << d
				stop = 0
			}
		}
		end = append(end, stop)
		if s.Drop {
			a.ShrinkAxisMask |= 1 << d
		} else {
			shape = append(shape, s.Count)
		}
	}
	return b.one(graph.StridedSlice, a, name, b.from[id], shape, id, b.ints(begin), b.ints(end), b.ints(step))
}

// mask returns a number for each new frame of a call: 0 for those before the first
// frame of m, 1 from there on. A state counts them.
func (b *builder) mask(m moment) graph.TensorID {
	lead := m.at / m.rate
	return b.started(m.rate, lead, lead)
}

// started returns a number for each new frame of a call: 0 for the first of the stream,
// before frames of them, and 1 from there on. The state has room for lead frames.
func (b *builder) started(rate, lead, before int) graph.TensorID {
	n := b.s.steps / rate
	key := [2]int{rate, lead}
	all, ok := b.warm[key]
	if !ok {
		state := b.fed("state_started", graph.None, []int{lead})
		ones := &graph.Tensor{Name: b.unique("started"), Type: graph.Float32, Shape: []int{n}}
		for range n {
			ones.Data = binary.LittleEndian.AppendUint32(ones.Data, math.Float32bits(1))
		}
		all = b.one(graph.Concatenation, graph.ConcatenationAttr{}, "started", graph.None, []int{lead + n}, state, b.append(ones, graph.None))
		b.warm[key] = all
	}
	return b.cut(all, 0, lead-before, n, "started")
}

// masked ends the state of a mask.
func (b *builder) masked(key [2]int) {
	all := b.warm[key]
	for _, op := range b.g.Ops {
		if op.Outputs[0] == all {
			b.state(op.Inputs[0], b.cut(all, 0, b.s.steps/key[0], key[1], "started"))
			return
		}
	}
}
