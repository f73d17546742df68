// SPDX-License-Identifier: Apache-2.0

package tfeval

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// from fills the first output with elements of the first input, at the index that source
// gives.
func from(r *run, op *graph.Op, source func(index []int) []int) error {
	return r.fill(op, func(index []int) float64 { return r.at(op.Inputs[0], source(index)) })
}

func init() {
	register(func(r *run, op *graph.Op) error { // the same elements in the same order
		r.v[op.Outputs[0]] = slices.Clone(r.v[op.Inputs[0]])
		if im, ok := r.imaginary[op.Inputs[0]]; ok {
			r.imaginary[op.Outputs[0]] = im
		}
		return nil
	}, graph.Reshape, graph.Squeeze, graph.ExpandDims)
	register(func(r *run, op *graph.Op) error {
		perm, err := r.g.Permutation(op)
		if err != nil {
			return err
		}
		return from(r, op, func(index []int) []int {
			src := make([]int, len(index))
			for d, p := range perm {
				src[p] = index[d]
			}
			return src
		})
	}, graph.Transpose)
	register(func(r *run, op *graph.Op) error {
		spans, err := r.g.Spans(op)
		if err != nil {
			return err
		}
		return from(r, op, func(index []int) []int {
			var src []int
			d := 0
			for _, s := range spans {
				i := 0
				if !s.Drop {
					i = index[d]
					d++
				}
				src = append(src, s.Begin+s.Step*i)
			}
			return src
		})
	}, graph.Slice, graph.StridedSlice)
	register(func(r *run, op *graph.Op) error {
		axis, err := r.g.Axis(op)
		if err != nil {
			return err
		}
		return r.fill(op, func(index []int) float64 {
			i := index[axis]
			if op.Kind == graph.Pack {
				return r.at(op.Inputs[i], slices.Delete(slices.Clone(index), axis, axis+1))
			}
			src := slices.Clone(index)
			for _, id := range op.Inputs {
				n := r.shape(id)[axis]
				if i < n {
					src[axis] = i
					return fused(op.Fused(), r.at(id, src))
				}
				i -= n
			}
			panic("BUG: parts that are joined are fewer than the result")
		})
	}, graph.Concatenation, graph.Pack)
	register(func(r *run, op *graph.Op) error {
		axis, err := r.g.Axis(op)
		if err != nil {
			return err
		}
		in := op.Inputs[0]
		if op.Kind == graph.Split {
			in = op.Inputs[1]
		}
		begin := 0
		for _, out := range op.Outputs {
			shape := r.shape(out)
			r.v[out] = filled(shape, func(index []int) float64 {
				if op.Kind == graph.Unpack {
					return r.at(in, slices.Insert(slices.Clone(index), axis, begin))
				}
				src := slices.Clone(index)
				src[axis] += begin
				return r.at(in, src)
			})
			if op.Kind == graph.Unpack {
				begin++
			} else {
				begin += shape[axis]
			}
		}
		return nil
	}, graph.Split, graph.SplitV, graph.Unpack)
	register(pad, graph.Pad, graph.PadV2, graph.MirrorPad)
	register(gather, graph.Gather)
	register(func(r *run, op *graph.Op) error {
		in := r.shape(op.Inputs[0])
		return from(r, op, func(index []int) []int {
			src := slices.Clone(index[len(index)-len(in):])
			for d, n := range in {
				src[d] %= n
			}
			return src
		})
	}, graph.Tile, graph.BroadcastTo)
	register(func(r *run, op *graph.Op) error {
		axes, err := r.ints(op, 1)
		if err != nil {
			return err
		}
		in := r.shape(op.Inputs[0])
		return from(r, op, func(index []int) []int {
			src := slices.Clone(index)
			for _, a := range axes {
				a = (a + len(in)) % len(in)
				src[a] = in[a] - 1 - src[a]
			}
			return src
		})
	}, graph.ReverseV2)
	register(func(r *run, op *graph.Op) error {
		return r.fill(op, func([]int) float64 { return r.v[op.Inputs[1]][0] })
	}, graph.Fill)
	register(blocks, graph.SpaceToDepth, graph.DepthToSpace)
	register(batches, graph.SpaceToBatchND, graph.BatchToSpaceND)
}

func pad(r *run, op *graph.Op) error {
	pads, err := r.ints(op, 1)
	if err != nil {
		return err
	}
	in, value := r.shape(op.Inputs[0]), 0.0
	if op.Kind == graph.PadV2 {
		value = r.v[op.Inputs[2]][0]
	}
	return r.fill(op, func(index []int) float64 {
		src := make([]int, len(index))
		for d, i := range index {
			i -= pads[2*d]
			if a, ok := op.Attr.(graph.MirrorPadAttr); ok {
				again := 0 // REFLECT leaves the edge out
				if a.Symmetric {
					again = 1
				}
				if i < 0 {
					i = -i - again
				}
				if i >= in[d] {
					i = 2*in[d] - 2 - i + again
				}
			} else if i < 0 || i >= in[d] {
				return value
			}
			src[d] = i
		}
		return r.at(op.Inputs[0], src)
	})
}

func gather(r *run, op *graph.Op) error {
	a := op.Attr.(graph.GatherAttr)
	axis, err := r.g.Axis(op)
	if err != nil {
		return err
	}
	picks, err := r.ints(op, 1)
	if err != nil {
		return err
	}
	idx, in := r.shape(op.Inputs[1]), r.shape(op.Inputs[0])
	extra := len(idx) - a.BatchDims
	return r.fill(op, func(index []int) float64 {
		place := 0
		for d, n := range idx {
			i := index[d]
			if d >= a.BatchDims {
				i = index[axis+d-a.BatchDims]
			}
			place = place*n + i
		}
		src := append(slices.Clone(index[:axis]), picks[place])
		src = append(src, index[axis+extra:]...)
		if len(src) != len(in) || picks[place] < 0 || picks[place] >= in[axis] {
			panic(fmt.Sprintf("BUG: index %v of shape %v", src, in))
		}
		return r.at(op.Inputs[0], src)
	})
}

// blocks moves between the pixels of a block and its channels.
func blocks(r *run, op *graph.Op) error {
	n := op.Attr.(graph.BlockAttr).Size
	space, toDepth := r.shape(op.Outputs[0]), op.Kind == graph.SpaceToDepth
	channels := space[3]
	if toDepth {
		channels = r.shape(op.Inputs[0])[3]
	}
	return from(r, op, func(i []int) []int {
		if toDepth {
			block, c := i[3]/channels, i[3]%channels
			return []int{i[0], i[1]*n + block/n, i[2]*n + block%n, c}
		}
		return []int{i[0], i[1] / n, i[2] / n, (i[1]%n*n+i[2]%n)*channels + i[3]}
	})
}

// batches moves between the pixels of a block and images: images whose number is the
// place in the block come before others.
func batches(r *run, op *graph.Op) error {
	block, err := r.ints(op, 1)
	if err != nil {
		return err
	}
	edge, err := r.ints(op, 2) // paddings or crops
	if err != nil {
		return err
	}
	in, out := r.shape(op.Inputs[0]), r.shape(op.Outputs[0])
	return r.fill(op, func(index []int) float64 {
		src := slices.Clone(index)
		if op.Kind == graph.BatchToSpaceND {
			place := 0
			for d, n := range block {
				at := index[d+1] + edge[2*d]
				place = place*n + at%n
				src[d+1] = at / n
			}
			src[0] = place*out[0] + index[0]
			return r.at(op.Inputs[0], src)
		}
		place := index[0] / in[0]
		src[0] = index[0] % in[0]
		for d := len(block) - 1; d >= 0; d-- {
			src[d+1] = index[d+1]*block[d] + place%block[d] - edge[2*d]
			place /= block[d]
			if src[d+1] < 0 || src[d+1] >= in[d+1] {
				return 0
			}
		}
		return r.at(op.Inputs[0], src)
	})
}
