// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Operators that copy values to other places.
func init() {
	moved := func(k Kind, name string, attr any, in, out Count, shapes func(*Graph, *Op) ([][]int, error), moves func(*Graph, *Op) ([]Move, error), file File) Descriptor {
		if file.Fields == nil {
			file.Fields = NoFields
		}
		return Descriptor{Kind: k, Name: name, Class: Movement, Attr: attr, Inputs: in, Outputs: out, Types: TypesMoved, Shapes: shapes, Moves: moves, File: file}
	}
	joins := func(d Descriptor) Descriptor { d.Data = all; return d }
	second := func(d Descriptor) Descriptor { d.Data = Positions{1, 1}; return d }
	Register(
		moved(Reshape, "RESHAPE", ReshapeAttr{}, Count{1, 2}, one, shapesReshape, movesWhole, File{Union: 17, Fields: func(f Fields, attr any) any {
			a, _ := attr.(ReshapeAttr)
			f.Ints(0, &a.NewShape)
			return a
		}, Releases: since("1.5")}),
		moved(Squeeze, "SQUEEZE", SqueezeAttr{}, one, one, shapesSqueeze, movesWhole, File{Union: 30, Fields: func(f Fields, attr any) any {
			a, _ := attr.(SqueezeAttr)
			f.Ints(0, &a.Dims)
			return a
		}, Releases: since("1.6 2.5")}),
		moved(ExpandDims, "EXPAND_DIMS", nil, two, one, shapesExpandDims, movesWhole, File{Union: 52, Releases: since("1.10")}),
		joins(moved(Concatenation, "CONCATENATION", ConcatenationAttr{}, Count{1, many}, one, shapesConcatenation, movesJoin, File{Union: 10, Fields: func(f Fields, attr any) any {
			a, _ := attr.(ConcatenationAttr)
			f.Int(0, &a.Axis, 0)
			f.Byte(1, (*uint8)(&a.Activation), 0)
			return a
		}, Versions: [3]int{1, 2, 3}, Releases: since("1.5 1.14 2.3")})),
		joins(moved(Pack, "PACK", PackAttr{}, Count{1, many}, one, shapesPack, movesJoin, File{Union: 59, Fields: func(f Fields, attr any) any {
			a, _ := attr.(PackAttr)
			f.Int(0, &a.ValuesCount, 0)
			f.Int(1, &a.Axis, 0)
			return a
		}, Versions: [3]int{1, 2, 3}, Releases: since("1.11 1.14 2.3")})),
		moved(Unpack, "UNPACK", UnpackAttr{}, one, Count{1, many}, shapesUnpack, movesParts, File{Union: 64, Fields: func(f Fields, attr any) any {
			a, _ := attr.(UnpackAttr)
			f.Int(0, &a.Num, 0)
			f.Int(1, &a.Axis, 0)
			return a
		}, Versions: [3]int{1, 2, 4}, Releases: since("1.11 1.14 2.2 2.3")}),
		second(moved(Split, "SPLIT", SplitAttr{}, two, Count{1, many}, shapesSplit, movesParts, File{Union: 35, Fields: func(f Fields, attr any) any {
			a, _ := attr.(SplitAttr)
			f.Int(0, &a.NumSplits, 0)
			return a
		}, Versions: [3]int{1, 2, 4}, Releases: since("1.5 1.14 1.14 2.3")})),
		moved(SplitV, "SPLIT_V", SplitVAttr{}, three, Count{1, many}, shapesSplitV, movesParts, File{Union: 79, Fields: func(f Fields, attr any) any {
			a, _ := attr.(SplitVAttr)
			f.Int(0, &a.NumSplits, 0)
			return a
		}, Versions: [3]int{1, 2, 1}, Releases: since("1.13 2.3")}),
		moved(Slice, "SLICE", nil, three, one, shapesSlice, movesSlice, File{Union: 48, Versions: [3]int{1, 2, 4},
			Version: func(g *Graph, op *Op, v int) int { return aboveRank(g, op, v, 4, 5) }, Releases: since("1.14 1.14 1.14 2.4 2.5")}),
		moved(StridedSlice, "STRIDED_SLICE", StridedSliceAttr{}, Count{4, 4}, one, shapesSlice, movesSlice, File{Union: 32, Fields: func(f Fields, attr any) any {
			a, _ := attr.(StridedSliceAttr)
			for slot, v := range []*int{&a.BeginMask, &a.EndMask, &a.EllipsisMask, &a.NewAxisMask, &a.ShrinkAxisMask} {
				f.Int(slot, v, 0)
			}
			return a
		}, Versions: [3]int{1, 2, 1}, Version: func(g *Graph, op *Op, v int) int { return aboveRank(g, op, v, 4, 4) }, Releases: since("1.6 1.14 2.1 2.2 2.5 2.6")}),
		moved(Transpose, "TRANSPOSE", nil, two, one, shapesTranspose, movesTranspose, File{Union: 26, Versions: [3]int{1, 2, 5},
			Version: transposeVersion, Releases: since("1.6 1.14 1.15 2.3 2.4 2.12")}),
		moved(Pad, "PAD", nil, two, one, shapesPad, movesPad, File{Union: 22, Versions: [3]int{1, 2, 3},
			Version: func(g *Graph, op *Op, v int) int { return aboveRank(g, op, v, 4, 4) }, Releases: since("1.5 1.14 2.4 2.6")}),
		moved(PadV2, "PADV2", nil, three, one, shapesPad, movesPad, File{Union: 43, Versions: [3]int{1, 2, 3},
			Version: func(g *Graph, op *Op, v int) int { return aboveRank(g, op, v, 4, 4) }, Releases: since("1.9 1.14 2.4 2.6")}),
		moved(MirrorPad, "MIRROR_PAD", MirrorPadAttr{}, two, one, shapesPad, movesMirrorPad, File{Union: 77, Fields: func(f Fields, attr any) any {
			a, _ := attr.(MirrorPadAttr)
			var mode uint8
			if a.Symmetric {
				mode = 1
			}
			f.Byte(0, &mode, 0)
			a.Symmetric = mode == 1
			return a
		}, Versions: [3]int{1, 2, 3}, Releases: since("1.13 2.3 2.12")}),
		moved(Gather, "GATHER", GatherAttr{}, two, one, shapesGather, movesGather, File{Union: 23, Fields: func(f Fields, attr any) any {
			a, _ := attr.(GatherAttr)
			f.Int(0, &a.Axis, 0)
			f.Int(1, &a.BatchDims, 0)
			return a
		}, Versions: [3]int{1, 2, 4}, Releases: since("1.6 1.14 1.15 2.4 2.5")}),
		moved(ReverseV2, "REVERSE_V2", nil, two, one, ShapesSame, movesReverse, File{Union: 81, Versions: [3]int{1, 3, 1}, Releases: since("1.14 2.2 2.5")}),
		moved(Tile, "TILE", nil, two, one, shapesTile, movesTile, File{Union: 51, Versions: [3]int{1, 3, 1}, Releases: since("1.10 2.2 2.8")}),
		moved(BroadcastTo, "BROADCAST_TO", nil, two, one, shapesBroadcastTo, movesBroadcastTo, File{Union: 104, Versions: [3]int{2, 3, 3}, Releases: since("2.5 2.5 2.5")}),
		second(moved(Fill, "FILL", nil, two, one, shapesFill, movesFill, File{Union: 68, Versions: [3]int{1, 3, 3}, Releases: since("1.13 2.3 2.5")})),
		moved(SpaceToDepth, "SPACE_TO_DEPTH", BlockAttr{}, one, one, shapesSpaceToDepth, movesSpaceToDepth, File{Union: 19, Fields: visitBlock, Versions: [3]int{1, 2, 1}, Releases: since("1.5 1.14")}),
		moved(DepthToSpace, "DEPTH_TO_SPACE", BlockAttr{}, one, one, shapesDepthToSpace, movesDepthToSpace, File{Union: 94, Fields: visitBlock, Versions: [3]int{1, 2, 1}, Releases: since("2.1 2.5")}),
		moved(SpaceToBatchND, "SPACE_TO_BATCH_ND", nil, three, one, shapesSpaceToBatch, movesSpaceToBatch, File{Union: 25, Versions: [3]int{1, 2, 4}, Releases: since("1.6 1.14 2.3 2.12")}),
		moved(BatchToSpaceND, "BATCH_TO_SPACE_ND", nil, three, one, shapesBatchToSpace, movesBatchToSpace, File{Union: 24, Versions: [3]int{1, 2, 4}, Releases: since("1.6 1.14 2.3 2.12")}),
	)
}

func visitBlock(f Fields, attr any) any {
	a, _ := attr.(BlockAttr)
	f.Int(0, &a.Size, 0)
	return a
}

func aboveRank(g *Graph, op *Op, v, rank, then int) int {
	if len(g.Tensors[op.Inputs[0]].Shape) > rank {
		return then
	}
	return v
}

func transposeVersion(g *Graph, op *Op, v int) int {
	in := g.Tensors[op.Inputs[0]]
	switch rank := len(in.Shape); {
	case rank > 5:
		return 6
	case rank == 5 && in.Type != Int16:
		return 4
	}
	return v
}

func shapesSqueeze(g *Graph, op *Op) ([][]int, error) {
	in, dims := g.Tensors[op.Inputs[0]].Shape, op.Attr.(SqueezeAttr).Dims
	gone := make([]bool, len(in))
	for d, n := range in {
		gone[d] = len(dims) == 0 && n == 1
	}
	for _, d := range dims {
		d, err := NormalAxis(d, len(in))
		if err != nil {
			return nil, err
		}
		if in[d] != 1 {
			return nil, fmt.Errorf("dimension %d of shape %v is not 1", d, in)
		}
		gone[d] = true
	}
	out := []int{}
	for d, n := range in {
		if !gone[d] {
			out = append(out, n)
		}
	}
	return [][]int{out}, nil
}

func shapesExpandDims(g *Graph, op *Op) ([][]int, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	in := g.Tensors[op.Inputs[0]].Shape
	out := append(append([]int{}, in[:axis]...), 1)
	return [][]int{append(out, in[axis:]...)}, nil
}
