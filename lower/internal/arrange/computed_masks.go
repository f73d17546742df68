// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// computedMasks does what masks does where which elements are taken out is known at run time
// alone: (1-m)·c, with c far below what scores are, is added to them, or takes the place of
// those that a product with m has made 0, as a choice is written. The scores stay then, and
// what is added is -32 times 1-m in both forms.
func (a *arranger) computedMasks() {
	by, readers := a.producers(), map[graph.TensorID][]int{}
	for i, op := range a.g.Ops {
		for _, id := range op.Inputs {
			readers[id] = append(readers[id], i)
		}
	}
	for i, op := range a.g.Ops {
		at, ok := a.farFactor(op)
		if !ok {
			continue
		}
		terms := a.sumsOf(op.Outputs[0], readers)
		factor := op.Inputs[1-at]
		for _, t := range terms {
			if s, chosen := a.product(t.other, by); chosen {
				for k, q := range s.Inputs {
					if a.complement(factor, q, by) || a.complement(q, factor, by) {
						t.scores, t.ok = s.Inputs[1-k], true
					}
				}
			} else if q, one := a.fromOne(factor, by); one && q != graph.None {
				t.scores, t.ok = t.other, true
			}
			if t.ok {
				sum := a.g.Ops[t.sum]
				shape, err := graph.Broadcast(a.g.Tensors[t.scores].Shape, a.g.Tensors[sum.Inputs[t.at]].Shape)
				t.ok = err == nil && slices.Equal(shape, a.g.Tensors[sum.Outputs[0]].Shape)
			}
		}
		if len(terms) == 0 || slices.ContainsFunc(terms, func(t *maskTerm) bool { return !t.ok }) {
			continue
		}
		next := *op
		next.Inputs = slices.Clone(op.Inputs)
		c := a.g.Tensors[op.Inputs[at]]
		next.Inputs[at] = a.floats(c.Name+"/mask", slices.Repeat([]float32{masked}, c.Elems()), c.Shape...)
		a.g.Ops[i] = &next
		for _, t := range terms {
			sum := *a.g.Ops[t.sum]
			sum.Inputs = slices.Clone(sum.Inputs)
			sum.Inputs[1-t.at] = t.scores
			a.g.Ops[t.sum] = &sum
		}
	}
}

// maskTerm is a sum in front of a softmax, one operand of which is a mask.
type maskTerm struct {
	sum, at int            // the operator, and which of its inputs is the mask
	other   graph.TensorID // its other input
	scores  graph.TensorID // what is added to the mask instead, if ok
	ok      bool
}

// farFactor reports whether an operator is a product with numbers that are all far below
// what scores are, and which of its inputs they are.
func (a *arranger) farFactor(op *graph.Op) (at int, ok bool) {
	if m, isMul := op.Attr.(graph.MulAttr); op.Kind != graph.Mul || !isMul || m.Activation != graph.ActNone {
		return 0, false
	}
	for at, id := range op.Inputs {
		if !a.isFloatConstant(id) || a.g.Tensors[id].Elems() == 0 || a.isFloatConstant(op.Inputs[1-at]) {
			continue
		}
		if !slices.ContainsFunc(a.values(id), func(x float32) bool { return !(x < 10*masked) }) {
			return at, true
		}
	}
	return 0, false
}

// sumsOf returns the sums that a value goes to, perhaps moved, where each is read by a softmax
// alone and the value by nothing else; nil else.
func (a *arranger) sumsOf(id graph.TensorID, readers map[graph.TensorID][]int) []*maskTerm {
	var terms []*maskTerm
	if slices.Contains(a.g.Outputs, id) {
		return nil
	}
	for _, i := range readers[id] {
		op := a.g.Ops[i]
		if op.Kind == graph.Reshape && op.Inputs[0] == id {
			more := a.sumsOf(op.Outputs[0], readers)
			if more == nil {
				return nil
			}
			terms = append(terms, more...)
			continue
		}
		if op.Kind != graph.Add || op.Inputs[0] == op.Inputs[1] {
			return nil
		}
		out := op.Outputs[0]
		if attr, ok := op.Attr.(graph.AddAttr); !ok || attr.Activation != graph.ActNone || slices.Contains(a.g.Outputs, out) || len(readers[out]) != 1 || a.g.Ops[readers[out][0]].Kind != graph.Softmax {
			return nil
		}
		at := slices.Index(op.Inputs, id)
		terms = append(terms, &maskTerm{sum: i, at: at, other: op.Inputs[1-at]})
	}
	return terms
}

// product returns the operator that makes a value, if it is a product of two computed ones.
func (a *arranger) product(id graph.TensorID, by map[graph.TensorID]int) (*graph.Op, bool) {
	i, ok := by[id]
	if !ok || a.g.Ops[i].Kind != graph.Mul {
		return nil, false
	}
	op := a.g.Ops[i]
	return op, !a.isFloatConstant(op.Inputs[0]) && !a.isFloatConstant(op.Inputs[1])
}

// complement reports whether a value is 1 less another.
func (a *arranger) complement(id, of graph.TensorID, by map[graph.TensorID]int) bool {
	q, ok := a.fromOne(id, by)
	return ok && q == of
}

// fromOne returns what a value is 1 less, looking through a change of its shape.
func (a *arranger) fromOne(id graph.TensorID, by map[graph.TensorID]int) (graph.TensorID, bool) {
	i, ok := by[id]
	if !ok {
		return graph.None, false
	}
	op := a.g.Ops[i]
	if op.Kind == graph.Reshape {
		return a.fromOne(op.Inputs[0], by)
	}
	if op.Kind != graph.Sub || !a.isFloatConstant(op.Inputs[0]) || slices.ContainsFunc(a.values(op.Inputs[0]), func(x float32) bool { return x != 1 }) {
		return graph.None, false
	}
	return op.Inputs[1], true
}
