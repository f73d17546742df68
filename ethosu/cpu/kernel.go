// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Kernel is an operator of which all but the values is known.
type Kernel struct {
	Calls []Call // in C, in order
	run   func(in, out [][]byte)
}

// Run computes the outputs of the operator's graph from its inputs: raw little-endian
// values, which must not overlap.
func (k *Kernel) Run(in, out [][]byte) { k.run(in, out) }

// Call is a call of a function of templates/cpu.
type Call struct {
	Function string
	Args     []Arg
}

// Arg is an argument of a call, of one of these types.
type Arg any

// Arguments of calls.
type (
	Input    int      // address of a value of Graph.Inputs
	Output   int      // address of a value of Graph.Outputs
	Constant []byte   // address of these bytes
	Integer  int64    // of 32 bits, signed or not
	Real     float32  // finite
	Table    []uint32 // address of these words
	List     []Arg    // address of these addresses
)

// planner prepares the kernel of an operator.
type planner func(o *operator) (*Kernel, error)

// planners is the table of kernels.
var planners = graph.NewStage[planner]("the CPU", func(d *graph.Descriptor) (planner, bool) {
	return planMoves, d.Moves != nil
})

func init() {
	planners.Otherwise("no C computes it; let the NPU do it, quantized to int8, or compute it outside of the network")
}

// New returns the kernel of a graph of one operator, as graph.Alone gives it.
func New(g *graph.Graph) (*Kernel, error) {
	if len(g.Ops) != 1 {
		return nil, fmt.Errorf("BUG: %d operators, expected one", len(g.Ops))
	}
	o := &operator{Graph: g, op: g.Ops[0]}
	plan, err := planners.Get(o.op.Kind)
	if err != nil {
		return nil, err
	}
	for _, id := range o.op.Inputs {
		if id != graph.None && g.Tensors[id].Variable {
			return nil, fmt.Errorf("the CPU does not do %v with a variable %q of its own; make the state an input and an output", o.op.Kind, g.Tensors[id].Name)
		}
	}
	return plan(o)
}

// operator is what a kernel is planned for.
type operator struct {
	*graph.Graph
	op *graph.Op
}

func (o *operator) in(i int) *graph.Tensor  { return o.Tensors[o.op.Inputs[i]] }
func (o *operator) out(i int) *graph.Tensor { return o.Tensors[o.op.Outputs[i]] }

// operand is where the values of an input come from.
type operand struct {
	data []byte // of a constant
	at   int    // else: which input of the graph
}

func (o *operator) operand(i int) operand {
	id := o.op.Inputs[i]
	if t := o.Tensors[id]; t.IsConst() {
		return operand{data: t.Data}
	}
	return operand{at: slices.Index(o.Inputs, id)}
}

func (p operand) of(in [][]byte) []byte {
	if p.data != nil {
		return p.data
	}
	return in[p.at]
}

func (p operand) arg() Arg {
	if p.data != nil {
		return Constant(p.data)
	}
	return Input(p.at)
}

// refuse is the error for types that a kernel does not have.
func (o *operator) refuse(i int, want string) error {
	t := o.in(i)
	return fmt.Errorf("the CPU does not do %v of %v (tensor %q): expected %s", o.op.Kind, t.Type, t.Name, want)
}

// one returns a kernel of one call.
func one(function string, run func(in, out [][]byte), args ...Arg) *Kernel {
	return &Kernel{Calls: []Call{{function, args}}, run: run}
}

// ints makes integer arguments.
func ints(values ...int) []Arg {
	list := make([]Arg, len(values))
	for i, v := range values {
		list[i] = Integer(v)
	}
	return list
}

// args joins lists of arguments and single ones.
func args(list ...any) []Arg {
	var all []Arg
	for _, a := range list {
		if l, ok := a.([]Arg); ok {
			all = append(all, l...)
		} else {
			all = append(all, a)
		}
	}
	return all
}
