// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Movements between blocks of an image and its channels or its batch.

// blockOf checks the input and the block of SPACE_TO_DEPTH and DEPTH_TO_SPACE.
func blockOf(g *Graph, op *Op) (in []int, n int, err error) {
	in, n = g.Tensors[op.Inputs[0]].Shape, op.Attr.(BlockAttr).Size
	if len(in) != 4 || n < 1 || n > 1<<15 {
		return nil, 0, fmt.Errorf("input of shape %v and block size %d, expected [batch, height, width, channels] and a size above 0", in, n)
	}
	return in, n, nil
}

func shapesSpaceToDepth(g *Graph, op *Op) ([][]int, error) {
	in, n, err := blockOf(g, op)
	if err != nil {
		return nil, err
	}
	if in[1]%n != 0 || in[2]%n != 0 {
		return nil, fmt.Errorf("input of shape %v, expected height and width in multiples of the block size %d", in, n)
	}
	return [][]int{{in[0], in[1] / n, in[2] / n, in[3] * n * n}}, nil
}

func shapesDepthToSpace(g *Graph, op *Op) ([][]int, error) {
	in, n, err := blockOf(g, op)
	if err != nil {
		return nil, err
	}
	if in[3]%(n*n) != 0 {
		return nil, fmt.Errorf("input of shape %v, expected channels in multiples of the block size squared, %d", in, n*n)
	}
	return [][]int{{in[0], in[1] * n, in[2] * n, in[3] / (n * n)}}, nil
}

// spaceDepth is the one move of both, from space to depth: image, row of blocks, row
// in the block, block in the row, column in the block, channel.
func spaceDepth(space, depth []int, n int) Move {
	s, d := Strides(space), Strides(depth)
	c := space[3]
	return Move{
		Shape:   []int{depth[0], depth[1], n, depth[2], n, c},
		SrcStep: []int{s[0], n * s[1], s[1], n * s[2], s[2], 1},
		DstStep: []int{d[0], d[1], n * c, d[2], c, 1},
	}
}

func movesSpaceToDepth(g *Graph, op *Op) ([]Move, error) {
	n := op.Attr.(BlockAttr).Size
	return []Move{spaceDepth(g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Outputs[0]].Shape, n)}, nil
}

func movesDepthToSpace(g *Graph, op *Op) ([]Move, error) {
	m := spaceDepth(g.Tensors[op.Outputs[0]].Shape, g.Tensors[op.Inputs[0]].Shape, op.Attr.(BlockAttr).Size)
	m.SrcStep, m.DstStep = m.DstStep, m.SrcStep
	return []Move{m}, nil
}

// batchBlocks returns the block of every spatial dimension and the padding or crop
// before and behind it.
func batchBlocks(g *Graph, op *Op) (block []int, edge [][2]int, err error) {
	in := g.Tensors[op.Inputs[0]].Shape
	if block, err = g.Tensors[op.Inputs[1]].Ints(); err != nil {
		return nil, nil, err
	}
	v, err := g.Tensors[op.Inputs[2]].Ints()
	if err != nil {
		return nil, nil, err
	}
	if len(block) == 0 || len(in) < len(block)+1 || len(v) != 2*len(block) {
		return nil, nil, fmt.Errorf("input of shape %v, block %v and %d paddings or crops do not fit", in, block, len(v))
	}
	for d, n := range block {
		if n < 1 || n > 1<<15 || min(v[2*d], v[2*d+1]) < 0 || max(v[2*d], v[2*d+1]) > MaxTensorBytes {
			return nil, nil, fmt.Errorf("block %v with paddings or crops %v, expected sizes above 0 and no negative number", block, v)
		}
		edge = append(edge, [2]int{v[2*d], v[2*d+1]})
	}
	return block, edge, nil
}

func shapesSpaceToBatch(g *Graph, op *Op) ([][]int, error) {
	block, pad, err := batchBlocks(g, op)
	if err != nil {
		return nil, err
	}
	out := append([]int(nil), g.Tensors[op.Inputs[0]].Shape...)
	for d, n := range block {
		size := out[d+1] + pad[d][0] + pad[d][1]
		if size%n != 0 {
			return nil, fmt.Errorf("dimension %d has %d elements with padding, expected a multiple of the block, %d", d+1, size, n)
		}
		if size != out[d+1] {
			return nil, fmt.Errorf("paddings %v: the reference kernel pads with whatever its memory held; use PAD before it", pad)
		}
		out[d+1] = size / n
		out[0] *= n
	}
	return [][]int{out}, nil
}

func shapesBatchToSpace(g *Graph, op *Op) ([][]int, error) {
	block, crop, err := batchBlocks(g, op)
	if err != nil {
		return nil, err
	}
	out := append([]int(nil), g.Tensors[op.Inputs[0]].Shape...)
	for d, n := range block {
		if out[0]%n != 0 {
			return nil, fmt.Errorf("batch of %d, expected a multiple of the blocks %v", out[0], block)
		}
		out[0] /= n
		out[d+1] = out[d+1]*n - crop[d][0] - crop[d][1]
		if out[d+1] < 0 {
			return nil, fmt.Errorf("crops %v of dimension %d leave nothing", crop[d], d+1)
		}
	}
	return [][]int{out}, nil
}

func movesSpaceToBatch(g *Graph, op *Op) ([]Move, error) {
	block, pad, err := batchBlocks(g, op)
	if err != nil {
		return nil, err
	}
	return batchSpace(g.Tensors[op.Outputs[0]].Shape, g.Tensors[op.Inputs[0]].Shape, block, pad, true), nil
}

func movesBatchToSpace(g *Graph, op *Op) ([]Move, error) {
	block, crop, err := batchBlocks(g, op)
	if err != nil {
		return nil, err
	}
	return batchSpace(g.Tensors[op.Inputs[0]].Shape, g.Tensors[op.Outputs[0]].Shape, block, crop, false), nil
}

// batchSpace has one move for every position inside a block: the batch entries
// whose index that position is the leading part of.
func batchSpace(batch, space, block []int, edge [][2]int, toBatch bool) []Move {
	b, s := Strides(batch), Strides(space)
	images := space[0]
	var list []Move
	for k := range Elems(block) {
		m := Move{Shape: []int{images}, SrcStep: []int{b[0]}, DstStep: []int{s[0]}, Src: k * images * b[0]}
		rest := k
		pos := make([]int, len(block))
		for d := len(block) - 1; d >= 0; d-- {
			pos[d] = rest % block[d]
			rest /= block[d]
		}
		for d, n := range block {
			// Element j of the batch entry is element j*n + pos - edge of the image.
			first := max(0, (edge[d][0]-pos[d]+n-1)/n)
			last := min(batch[d+1], (space[d+1]+edge[d][0]-pos[d]+n-1)/n)
			m.Shape = append(m.Shape, max(last-first, 0))
			m.Src += first * b[d+1]
			m.Dst += (first*n + pos[d] - edge[d][0]) * s[d+1]
			m.SrcStep, m.DstStep = append(m.SrcStep, b[d+1]), append(m.DstStep, n*s[d+1])
		}
		for d := len(block) + 1; d < len(space); d++ {
			m.Shape, m.SrcStep, m.DstStep = append(m.Shape, space[d]), append(m.SrcStep, b[d]), append(m.DstStep, s[d])
		}
		if Elems(m.Shape) == 0 {
			continue
		}
		if toBatch {
			m.Src, m.Dst, m.SrcStep, m.DstStep = m.Dst, m.Src, m.DstStep, m.SrcStep
		}
		list = append(list, m)
	}
	return list
}
