// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Options are what lowering has to know of what comes after it.
type Options struct {
	// NoTableBesideMAC says that a table does not survive the accumulators of MAC
	// kernels, so that none is fused into one.
	NoTableBesideMAC bool

	// Tight prefers small feature maps to few kernels.
	Tight bool

	// U85 says that kernels are for the data path of the Ethos-U85.
	U85 bool

	Places Places

	Memo *Memo // of the graph, or nil
}

// Places are wishes for where tensors lie: of a sequence for its step, of a call of
// several parts for each of them.
type Places struct {
	Own   map[graph.TensorID]int // inputs and outputs with a region for themselves
	Apart map[graph.TensorID]int // bytes from one to the next along the first axis, where those are not all its own
	Carry map[int]bool           // states whose output is copied to the place of the input

	At   map[graph.TensorID]int  // inputs and outputs with a fixed place in the arena
	Keep map[graph.TensorID]bool // of them, inputs that must have their value at the end, too
}

func (p *Places) at(id graph.TensorID) (offset int, placed bool) {
	offset, placed = p.At[id]
	return
}

// lowering is the state of the pass that turns graph operators into kernels: which
// view every tensor has so far, and who uses it.
type lowering struct {
	g   *graph.Graph
	opt Options
	m   *kernel.Module

	views     []view
	slots     map[graph.TensorID]view // places inside a concatenation
	outputs   map[graph.TensorID]view // of the graph, once they have their place
	tables    []*kernel.Table
	consumers [][]int
	producer  []int
	output    []bool
	fused     []bool // operators that became part of another
	cur       int
}

// lowerer emits the operations of operator l.g.Ops[i].
type lowerer func(l *lowering, op *graph.Op) error

// lowerers is the table of operators. A row is set beside the operator's lowerer; a
// movement needs none, nor does a function of one int8 value.
var lowerers = graph.NewStage[lowerer]("the NPU compiler", func(d *graph.Descriptor) (lowerer, bool) {
	switch {
	case d.Moves != nil:
		return moveBlocks, true
	case d.Real != nil:
		return lowerActivation, true
	}
	return nil, false
})

func init() { // a plain initializer would be a cycle through the copy operation
	lowerers.Set(lowerFullyConnected, graph.FullyConnected)
	lowerers.Set(lowerConv2D, graph.Conv2D)
	lowerers.Set(lowerDepthwise, graph.DepthwiseConv2D)
	lowerers.Set(lowerMaxPool, graph.MaxPool2D)
	lowerers.Set(lowerAddSub, graph.Add, graph.Sub)
	lowerers.Set(lowerMul, graph.Mul)
	lowerers.Set(lowerMinMax, graph.Minimum, graph.Maximum)
	lowerers.Set(lowerRequant, graph.Relu, graph.Relu6, graph.Quantize)
	lowerers.Set(lowerCast, graph.Cast)
	lowerers.Set(lowerSoftmax, graph.Softmax)
	lowerers.Set(lowerLSTM, graph.UnidirectionalSequenceLSTM)

	lowerers.Set(moveReshape, graph.Reshape, graph.Squeeze, graph.ExpandDims)
	lowerers.Set(moveTranspose, graph.Transpose)
	lowerers.Set(moveParts, graph.Split, graph.SplitV, graph.Unpack)
	lowerers.Set(moveSlice, graph.Slice, graph.StridedSlice)
	lowerers.Set((*lowering).gather, graph.Concatenation, graph.Pack)
}

// Lower gives every tensor a view and returns the kernels in graph order. The graph has
// passed Check; errors name the operator.
func Lower(g *graph.Graph, opt Options) (*kernel.Module, error) {
	l := newLowering(g, opt)
	for i := len(l.g.Ops) - 1; i >= 0; i-- {
		if err := l.reserve(i); err != nil {
			return nil, err
		}
	}
	for i, op := range l.g.Ops {
		if l.fused[i] {
			continue
		}
		l.cur = i
		f, err := lowerers.Get(op.Kind)
		if err != nil {
			return nil, opError(g, i, "%v", err)
		}
		first := len(l.m.Kernels)
		err = f(l, op)
		if err == nil {
			err = l.adapt(first)
		}
		if err != nil {
			return nil, opError(g, i, "%v", err)
		}
	}
	return l.m, l.bindOutputs()
}

func newLowering(g *graph.Graph, opt Options) *lowering {
	m := kernel.NewModule()
	l := &lowering{g: g, opt: opt, m: m, views: make([]view, len(g.Tensors)), slots: map[graph.TensorID]view{}, outputs: map[graph.TensorID]view{},
		consumers: make([][]int, len(g.Tensors)), producer: make([]int, len(g.Tensors)),
		output: make([]bool, len(g.Tensors)), fused: make([]bool, len(g.Ops))}
	for i := range l.producer {
		l.producer[i] = -1
	}
	for i, op := range g.Ops {
		for _, id := range op.Inputs {
			if id != graph.None {
				l.consumers[id] = append(l.consumers[id], i)
			}
		}
		for _, id := range op.Outputs {
			l.producer[id] = i
		}
	}
	for _, id := range g.Outputs {
		l.output[id] = true
	}
	for _, id := range g.Inputs {
		l.views[id] = l.place(id)
		l.views[id].buf.Bound, l.views[id].buf.FromCall = true, true
		m.Inputs = append(m.Inputs, l.views[id].bind(id))
	}
	for _, id := range g.Outputs {
		if l.opt.Places.Apart[id] > 0 {
			l.slots[id] = l.place(id)
		}
	}
	for i, t := range g.Tensors {
		if t.Variable && l.views[i].buf == nil {
			b := &kernel.Buffer{Name: t.Name, Size: kernel.Align(t.Bytes()), Bound: true, FromCall: true, ToCaller: true}
			b.At, b.Placed = l.opt.Places.at(graph.TensorID(i))
			l.views[i] = denseView(b, 0, t.Type, t.Shape, t.Name)
			m.Variables = append(m.Variables, l.views[i].bind(graph.TensorID(i)))
		}
	}
	return l
}

// place returns a new feature map for an input or output, as a sequence wishes it.
func (l *lowering) place(id graph.TensorID) view {
	t := l.g.Tensors[id]
	v := l.fresh(t.Name, t.Type, t.Shape)
	v.buf.Own = l.opt.Places.Own[id]
	v.buf.At, v.buf.Placed = l.opt.Places.at(id)
	v.buf.ToCaller = l.opt.Places.Keep[id]
	if n := l.opt.Places.Apart[id]; n > 0 {
		v.buf.Size, v.strides[0] = t.Shape[0]*n, n
	}
	return v
}

// in returns the view of an operator input, making constants on first use.
func (l *lowering) in(id graph.TensorID) (view, error) {
	v := l.views[id]
	if v.buf != nil {
		return v, nil
	}
	t := l.g.Tensors[id]
	if !t.IsConst() {
		return view{}, fmt.Errorf("input tensor %q has no value yet: operators are not in execution order", t.Name)
	}
	if len(t.Data) != t.Bytes() {
		return view{}, fmt.Errorf("constant tensor %q has %d bytes of data, its shape %v needs %d", t.Name, len(t.Data), t.Shape, t.Bytes())
	}
	v = denseView(l.m.Constants.Intern(t.Name, t.Data, 16), 0, t.Type, t.Shape, t.Name)
	l.views[id] = v
	return v, nil
}

// out returns the place where an operation writes tensor id.
func (l *lowering) out(id graph.TensorID) view {
	t := l.g.Tensors[id]
	if v, ok := l.slots[id]; ok {
		v.name = t.Name
		l.views[id] = v
		return v
	}
	v := l.fresh(t.Name, t.Type, t.Shape)
	l.views[id] = v
	return v
}

// fresh returns a new dense feature map.
func (l *lowering) fresh(name string, dt graph.DType, shape []int) view {
	b := &kernel.Buffer{Name: name, Size: kernel.Align(graph.Elems(shape) * dt.Size())}
	return denseView(b, 0, dt, shape, name)
}

// emit appends an operation on behalf of the current operator.
func (l *lowering) emit(o *kernel.Kernel) {
	op := l.g.Ops[l.cur]
	if o.Source == "" && len(op.Outputs) > 0 {
		o.Source = l.g.Tensors[op.Outputs[0]].Name
	}
	if o.Name == "" {
		o.Name = op.Kind.String()
	}
	o.Step = -1
	if o.KH == 0 {
		o.KH, o.KW, o.StrideH, o.StrideW, o.DilH, o.DilW = 1, 1, 1, 1, 1, 1
	}
	l.m.Kernels = append(l.m.Kernels, o)
}

// reserve gives the inputs of a concatenation their places in its result, for
// those that an operation of their own will write.
func (l *lowering) reserve(i int) error {
	op := l.g.Ops[i]
	if op.Kind != graph.Concatenation && op.Kind != graph.Pack {
		return nil
	}
	out := l.out(op.Outputs[0])
	l.slots[op.Outputs[0]] = out
	parts, err := concatParts(l.g, op, out)
	if err != nil {
		return opError(l.g, i, "%v", err)
	}
	for k, id := range op.Inputs {
		l.claim(id, parts[k])
	}
	return nil
}

// claim reserves a place for tensor id if the operation that makes it may write there.
func (l *lowering) claim(id graph.TensorID, place view) {
	p := l.producer[id]
	if _, taken := l.slots[id]; taken || p < 0 || l.views[id].buf != nil {
		return
	}
	op := l.g.Ops[p]
	switch {
	case !op.Kind.Moves() || op.Kind == graph.Concatenation || op.Kind == graph.Pack:
		l.slots[id] = place
	case op.Kind == graph.Reshape:
		src := op.Inputs[0]
		if len(l.consumers[src]) == 1 && !l.output[src] {
			if v, ok := place.reshape(l.g.Tensors[src].Shape); ok {
				l.claim(src, v)
			}
		}
	}
}

// bindOutputs fixes the places of the graph outputs; a value that lies in an
// input, in a constant or scattered is copied first.
func (l *lowering) bindOutputs() error {
	for _, id := range l.g.Outputs {
		t := l.g.Tensors[id]
		v, err := l.in(id)
		if err != nil {
			return fmt.Errorf("output tensor %q: %v", t.Name, err)
		}
		own := l.opt.Places.Own[id]
		at, placed := l.opt.Places.at(id)
		apart := l.opt.Places.Apart[id] > 0
		if apart && v.buf != l.slots[id].buf || !apart && (v.buf.Constant() || v.buf.FromCall || !v.contiguous() || v.off%16 != 0 || (own != 0 || placed) && (v.buf.Bound || v.buf.Size != kernel.Align(t.Bytes()))) {
			w := l.fresh(t.Name, t.Type, t.Shape)
			if apart {
				w = l.slots[id]
			}
			l.cur = max(l.producer[id], 0)
			if err := l.copyView("COPY to output", v, w); err != nil {
				return fmt.Errorf("output tensor %q: %v", t.Name, err)
			}
			v = w
		}
		v.buf.Bound, v.buf.ToCaller = true, true
		if own != 0 {
			v.buf.Own = own
		}
		if placed {
			v.buf.At, v.buf.Placed = at, true
		}
		l.outputs[id] = v
		l.m.Outputs = append(l.m.Outputs, v.bind(id))
	}
	for i, s := range l.g.States {
		in, out := l.views[s.In], l.views[s.Out]
		if l.opt.Places.Carry[i] {
			if err := l.carry(s); err != nil {
				return err
			}
			continue
		}
		if in.buf != nil && out.buf != nil && out.off == 0 && out.buf.Size == in.buf.Size {
			l.m.States = append(l.m.States, [2]*kernel.Buffer{in.buf, out.buf})
		}
	}
	return nil
}

// carry copies the output of a state to the place of its input, behind all that
// reads it.
func (l *lowering) carry(s graph.State) error {
	in := l.views[s.In]
	in.buf.ToCaller = true
	l.cur = max(l.producer[s.Out], 0)
	if err := l.copyView("COPY state", l.outputs[s.Out], in); err != nil {
		return fmt.Errorf("state %q: %v", l.g.Tensors[s.In].Name, err)
	}
	return nil
}

// OpError is the error for an operator that the NPU does not do.
type OpError struct {
	Op     string // as graph.OpString has it
	Reason string // why not, and what to do about it
}

func (e *OpError) Error() string { return e.Op + ": " + e.Reason }

// opError is a failure that names operator i.
func opError(g *graph.Graph, i int, format string, args ...any) error {
	return &OpError{Op: g.OpString(i), Reason: fmt.Sprintf(format, args...)}
}
