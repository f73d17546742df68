// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// refusal is what a rule panics with; run returns it as an error.
type refusal struct{ error }

// block is a graph whose operators are written: the main graph, or one round of a subgraph.
type block struct {
	*writer
	src  *graph.Graph
	ids  map[graph.TensorID]graph.TensorID // of the subgraph in the new graph; nil is the main graph
	pre  string                            // in front of names
	role string                            // in front of roles, which all rounds of a loop share
	op   *graph.Op
	made []graph.TensorID // the operator's outputs in the new graph
}

// rules write the operators that are not taken as they are.
var rules = map[graph.Kind]func(b *block){}

func register(f func(b *block), kinds ...graph.Kind) {
	for _, k := range kinds {
		rules[k] = f
	}
}

// run writes all operators that matter and reports whether all could be.
func (b *block) run() bool {
	before := len(b.errs)
	live := b.live()
	for i, op := range b.src.Ops {
		if !live[i] {
			continue
		}
		if err := b.one(op); err != nil {
			if len(b.errs) < maxErrors {
				b.errs = append(b.errs, fmt.Errorf("%s%s: %w", b.pre, b.src.OpString(i), err))
			}
			if b.ids != nil {
				return false
			}
		}
		if len(b.out.Ops) > maxOps {
			b.errs = append(b.errs, fmt.Errorf("%s%s: more than %d operators up to here; convert fewer steps", b.pre, b.src.OpString(i), maxOps))
			return false
		}
	}
	return len(b.errs) == before
}

// live says which operators something of the outputs depends on.
func (b *block) live() []bool {
	need, live := map[graph.TensorID]bool{}, make([]bool, len(b.src.Ops))
	for _, id := range b.src.Outputs {
		need[id] = true
	}
	for i := len(b.src.Ops) - 1; i >= 0; i-- {
		op := b.src.Ops[i]
		live[i] = op.WritesAny()
		for _, id := range op.Outputs {
			live[i] = live[i] || need[id]
		}
		if live[i] {
			for _, id := range op.Inputs {
				need[id] = true
			}
		}
	}
	return live
}

// one writes one operator.
func (b *block) one(op *graph.Op) (err error) {
	b.op, b.made = op, nil
	defer func() {
		if r := recover(); r != nil {
			refused, ok := r.(refusal)
			if !ok {
				panic(r)
			}
			err = refused.error
		}
	}()
	d := graph.Describe(op.Kind)
	if n := len(op.Inputs); d == nil || n < d.Inputs.Min || n > d.Inputs.Max || len(op.Outputs) < d.Outputs.Min || len(op.Outputs) > d.Outputs.Max {
		return fmt.Errorf("has %d inputs and %d outputs", len(op.Inputs), len(op.Outputs))
	}
	if d.Class == graph.Structural && op.Kind != graph.Shape {
		return fmt.Errorf("%v has no place here", op.Kind)
	}
	for pos, id := range op.Inputs {
		if id == graph.None && (d.Optional == nil || !d.Optional(pos)) {
			return fmt.Errorf("input %d is absent, expected a tensor", pos)
		}
	}
	for _, id := range op.Outputs {
		if id == graph.None {
			return errors.New("has an output that is no tensor")
		}
		b.made = append(b.made, b.make(id))
	}
	if b.complexMoved() || b.folded() {
		return nil
	}
	for i, id := range op.Outputs {
		if t := b.src.Tensors[id]; t.Type != graph.Float32 && t.Type != graph.Bool && t.Type != graph.Complex64 && op.Kind != graph.While && op.Kind != graph.If {
			b.refuseType(t, i)
		}
	}
	if f := rules[op.Kind]; f != nil {
		f(b)
		return nil
	}
	b.asIs()
	return nil
}

func (b *block) refuse(format string, args ...any) { panic(refusal{fmt.Errorf(format, args...)}) }

// refuseType is for values that are no real numbers and depend on the inputs.
func (b *block) refuseType(t *graph.Tensor, i int) {
	switch {
	case b.op.Kind == graph.ArgMax || b.op.Kind == graph.ArgMin:
		b.refuse("its result is a place and no real number: end the network with the values that it compares (leave it out before converting), and choose in the application")
	case t.Quant != nil:
		b.refuse("output %d %q is %v with a scale: a network in part quantized; convert it without quantization for unroll lower, or with full integer quantization for unroll compile", i, t.Name, t.Type)
	}
	b.refuse("output %d %q is %v and depends on the inputs, and there are no whole numbers at run time: keep it float32 (a tf.cast to it and back does nothing but round), or feed it as an input of float32", i, t.Name, t.Type)
}

// asIs takes the operator as it is, with truth values as numbers and its activation apart
// where the kernels of real numbers do not have it.
func (b *block) asIs() {
	op := &graph.Op{Kind: b.op.Kind, Attr: b.op.Attr, Outputs: b.made, Intermediates: b.op.Intermediates, Version: b.op.Version}
	data := map[graph.TensorID]bool{}
	for _, id := range b.op.DataInputs() {
		data[id] = true
	}
	for pos, id := range b.op.Inputs {
		switch to := b.at(id); {
		case id == graph.None:
			op.Inputs = append(op.Inputs, id)
		case data[id] && op.Kind == graph.Concatenation && b.out.Tensors[to].Elems() == 0: // adds nothing
		case data[id]:
			op.Inputs = append(op.Inputs, b.real(pos))
		case !b.out.Tensors[to].IsConst() && b.out.Tensors[to].Type != graph.Float32:
			b.refuse("input %d %q is %v and depends on the inputs: shapes, places and sizes have to be known; convert with fixed shapes", pos, b.out.Tensors[to].Name, b.out.Tensors[to].Type)
		default:
			op.Inputs = append(op.Inputs, to)
		}
	}
	if len(op.Inputs) == 0 {
		b.refuse("it joins nothing")
	}
	for i, id := range op.Outputs {
		t := b.out.Tensors[id]
		if t.Type == graph.Bool {
			t.Type = graph.Float32
			b.ranges[t.Name] = [2]float32{0, 1}
			if i == 0 && !op.Kind.Moves() && op.Kind != graph.Maximum && op.Kind != graph.Minimum {
				b.refuse("it makes truth values of what are none")
			}
		}
	}
	b.apart(op)
}

// activations are the operators that do what another one may end with.
var activations = map[graph.Activation]graph.Kind{
	graph.ActRelu: graph.Relu, graph.ActRelu6: graph.Relu6, graph.ActReluN1To1: graph.ReluN1To1, graph.ActTanh: graph.Tanh,
}

// activation is the operator that does what an activation does.
func (b *block) activation(act graph.Activation) graph.Kind {
	kind, ok := activations[act]
	if !ok {
		b.refuse("its activation is %v, which no kernel has", act)
	}
	return kind
}

// fuses tells whether the kernel of real numbers of a kind ends with an activation.
func fuses(k graph.Kind, act graph.Activation) bool {
	switch act {
	case graph.ActNone:
		return true
	case graph.ActRelu, graph.ActRelu6, graph.ActReluN1To1:
		return k != graph.Concatenation && k != graph.L2Normalization
	}
	return false
}

// apart ends an operator with its activation as one of its own, where its kernel does not
// end with it.
func (b *block) apart(op *graph.Op) {
	act := op.Fused()
	if fuses(op.Kind, act) {
		b.shaped(op)
		b.emit(op)
		return
	}
	kind := b.activation(act)
	attr, _ := op.WithFused(graph.ActNone)
	final := b.out.Tensors[op.Outputs[0]]
	plain := b.add(&graph.Tensor{Name: final.Name + "/plain", Type: graph.Float32, Shape: append([]int{}, final.Shape...)})
	op.Attr, op.Outputs = attr, []graph.TensorID{plain}
	b.shaped(op)
	b.emit(op)
	b.end(kind, nil, plain)
}
