// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/lowering"
	"github.com/unroll-npu/unroll/lower/graph"
)

// inputPart is what a step computes from its inputs alone, no state among them, such as
// the product of the input with the input weights. It runs once for all steps.
type inputPart struct {
	g    *graph.Graph // of all steps: the steps are along the first axis
	body *graph.Graph // the rest of the step; the results of g are inputs that move
}

// cutInput takes out of the body what depends on nothing but inputs that move, as far
// as weights are read once instead of once for each step. It leaves b.input nil when
// there is no such product, or when more tensors would go from one part to the other
// than there are regions.
func (b *sequence) cutInput() {
	g := b.body
	if b.seq.Steps == 1 {
		return
	}
	moves := map[graph.TensorID]bool{} // known for all steps before the first
	for _, id := range b.moved(g) {
		moves[id] = slices.Index(g.Inputs, id) >= 0
	}
	product := map[graph.TensorID]bool{} // comes from a product with weights
	early := make([]bool, len(g.Ops))
	for i, op := range g.Ops {
		if !b.batches(op, moves) {
			continue
		}
		early[i] = true
		for _, id := range op.Outputs {
			moves[id] = true
			product[id] = op.Kind == graph.FullyConnected
			for _, in := range op.Inputs {
				product[id] = product[id] || product[in]
			}
		}
	}
	needed := map[graph.TensorID]bool{} // by operators that stay early
	found := false
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		if !early[i] {
			continue
		}
		use := false
		for _, id := range op.Outputs {
			use = use || needed[id] || product[id] && !op.Kind.Moves()
		}
		early[i] = use
		found = found || use
		for _, id := range op.Inputs {
			needed[id] = needed[id] || use
		}
	}
	if found {
		b.separate(early)
	}
}

// separate makes the two graphs, if there are regions enough.
func (b *sequence) separate(early []bool) {
	g := b.body
	made, read := map[graph.TensorID]bool{}, map[graph.TensorID]bool{} // early, late
	var ops, rest []*graph.Op
	for i, op := range g.Ops {
		if early[i] {
			ops = append(ops, op)
			for _, id := range op.Outputs {
				made[id] = true
			}
		} else {
			rest = append(rest, op)
		}
	}
	var results []graph.TensorID
	for _, op := range rest {
		for _, id := range op.Inputs {
			if made[id] && !read[id] {
				results = append(results, id)
			}
			read[id] = true
		}
	}
	var from, ins []graph.TensorID
	for _, id := range g.Inputs {
		early := false
		for _, op := range ops {
			early = early || slices.Index(op.Inputs, id) >= 0
		}
		if early {
			from = append(from, id)
		}
		if !early || read[id] {
			ins = append(ins, id)
		}
	}
	ins = append(ins, results...)
	for _, id := range ins { // an input of this part alone needs no rows
		if (made[id] || slices.Index(from, id) >= 0) && !rowwise(g.Tensors[id]) {
			return
		}
	}
	body := subgraph(g, rest, ins, g.Outputs, g.States)
	if len(from)+len(results) > maxOwn || len(b.moved(body)) > maxOwn {
		return
	}
	b.input = &inputPart{g: b.allSteps(ops, from, results), body: body}
}

// batches reports whether an operator does the same to several steps, when they follow
// each other along the first axis, as to each alone. Its values must move, or be
// constants that are the same for all steps.
func (b *sequence) batches(op *graph.Op, moves map[graph.TensorID]bool) bool {
	g := b.body
	for _, id := range op.Outputs {
		t := g.Tensors[id]
		if slices.Index(g.Outputs, id) >= 0 || t.Variable || len(t.Shape) == 0 {
			return false
		}
	}
	data := op.Inputs
	switch op.Kind {
	case graph.FullyConnected:
		data = op.Inputs[:1]
	case graph.Reshape, graph.Unpack, graph.Transpose, graph.Slice, graph.StridedSlice:
		data = source(op)
		if !lowering.OnlyReshapes(g, op) {
			return false
		}
	case graph.Logistic, graph.Tanh, graph.Relu, graph.Relu6, graph.Quantize, graph.Cast:
	case graph.Add, graph.Sub, graph.Mul:
		out := g.Tensors[op.Outputs[0]]
		for _, id := range op.Inputs {
			t := g.Tensors[id]
			if t.IsConst() {
				if len(t.Shape) < len(out.Shape) || t.Shape[0] == 1 {
					continue
				}
			} else if moves[id] && slices.Equal(t.Shape, out.Shape) {
				continue
			}
			return false
		}
		return moves[op.Inputs[0]] || moves[op.Inputs[1]]
	case graph.Split, graph.SplitV:
		data = source(op)
		if along, err := g.Axis(op); err != nil || along == 0 {
			return false
		}
	default:
		return false
	}
	for _, id := range data {
		if !moves[id] || len(g.Tensors[id].Shape) == 0 {
			return false
		}
	}
	return len(data) > 0
}

// source returns the operand whose values a data movement moves. The axis of SPLIT comes
// before it.
func source(op *graph.Op) []graph.TensorID {
	if op.Kind == graph.Split {
		return op.Inputs[1:2]
	}
	return op.Inputs[:1]
}

// rowwise reports whether the values of all steps, each a row at a multiple of 16 bytes,
// are a tensor with the steps along the first axis.
func rowwise(t *graph.Tensor) bool {
	return (t.Shape[0] == 1 || t.Bytes()%16 == 0) && t.Bytes() > 0
}

// allSteps returns the graph of early operators for all steps.
func (b *sequence) allSteps(ops []*graph.Op, ins, outs []graph.TensorID) *graph.Graph {
	g := subgraph(b.g, nil, ins, outs, nil)
	stretched := map[graph.TensorID]bool{}
	stretch := func(id graph.TensorID) {
		if stretched[id] || id == graph.None || g.Tensors[id].IsConst() {
			return
		}
		stretched[id] = true
		t := *g.Tensors[id]
		t.Shape = append([]int{t.Shape[0] * b.seq.Steps}, t.Shape[1:]...)
		g.Tensors[id] = &t
	}
	for _, op := range ops {
		for _, id := range op.Inputs {
			stretch(id)
		}
		c := *op
		for _, id := range op.Outputs {
			stretch(id)
			if op.Kind.Moves() && len(op.Outputs) == 1 {
				c.Kind, c.Attr, c.Inputs = graph.Reshape, graph.ReshapeAttr{NewShape: g.Tensors[id].Shape}, source(op)
			}
		}
		g.Ops = append(g.Ops, &c)
	}
	return g
}

// addInput compiles the early part and puts its stage first. Its scratch memory, at the
// given ends, is free again before the constants of the step are copied there.
func (b *sequence) addInput(l *layout, rows map[graph.TensorID]ethosu.Binding, tail [3]int, grow func(region, n int)) error {
	p, g := l.p, b.input.g
	at := ownPlaces()
	at.Apart = map[graph.TensorID]int{}
	ids := append(append([]graph.TensorID(nil), g.Inputs...), g.Outputs...)
	for i, id := range ids {
		at.Own[id] = firstOwn + i
		if rows[id].Region != ethosu.RegionArena {
			at.memory[firstOwn+i] = rows[id].Region
		}
		if rows[id].Rows > 0 {
			at.Apart[id] = rows[id].Stride
		}
	}
	all, err := b.compileInput(at, sramOf(p), p.FastSize)
	if err != nil {
		return err
	}
	s := stageOf("input", 1, all)
	s.window(ethosu.RegionConstants, ethosu.RegionConstants, len(p.Constants), len(all.Constants), 0)
	s.window(ethosu.RegionArena, ethosu.RegionArena, tail[ethosu.RegionArena], all.ArenaSize, 0)
	s.window(ethosu.RegionFast, ethosu.RegionFast, tail[ethosu.RegionFast], all.FastSize, 0)
	for i, id := range ids {
		r := rows[id]
		size := kernel.Align(r.Size)
		if r.Rows > 0 {
			size = r.Rows * r.Stride
		}
		s.window(firstOwn+i, r.Region, r.Offset, size, 0)
	}
	p.Constants = append(p.Constants, all.Constants...)
	grow(ethosu.RegionArena, all.ArenaSize)
	grow(ethosu.RegionFast, all.FastSize)
	p.Stages = append(p.Stages, s.Stage)
	return nil
}

// compileInput compiles the early part for the SRAM that the others leave, or for all
// there is when it takes more: the step may then do with less.
func (b *sequence) compileInput(at places, sram, fast int) (*ethosu.Program, error) {
	opt := b.opt
	left := 0
	if opt.SRAMBudget > 0 {
		left = max(opt.SRAMBudget-sram, 16)
	}
	if n := b.opt.Mode.CacheSize; b.opt.Mode.Spills() && n > 0 && (left == 0 || n-fast < left) {
		left = max(n-fast, 16)
	}
	if left > 0 {
		opt.SRAMBudget = left
		if p, err := compileWith(b.input.g, opt, at); err == nil {
			return p, nil
		}
	}
	return compileWith(b.input.g, b.opt, at)
}
