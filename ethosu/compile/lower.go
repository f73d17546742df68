package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// lowering is the state of the pass that turns graph operators into NPU
// operations: which view every tensor has so far, and who uses it.
type lowering struct {
	m         *module
	g         *graph.Graph
	views     []view
	slots     map[graph.TensorID]view // places inside a concatenation
	consumers [][]int
	producer  []int
	output    []bool
	fused     []bool // operators that became part of another
	cur       int
}

// lowerer emits the operations of operator l.g.Ops[i].
type lowerer func(l *lowering, op *graph.Op) error

// lowerers has one row for each operator. To add an operator: write its lowerer
// in a file lower_*.go and add the row; data movement goes to move.go.
var lowerers map[graph.Kind]lowerer

func init() { // a plain initializer would be a cycle through the copy operation
	lowerers = map[graph.Kind]lowerer{
		graph.FullyConnected:             lowerFullyConnected,
		graph.Conv2D:                     lowerConv2D,
		graph.DepthwiseConv2D:            lowerDepthwise,
		graph.MaxPool2D:                  lowerMaxPool,
		graph.Add:                        lowerAddSub,
		graph.Sub:                        lowerAddSub,
		graph.Mul:                        lowerMul,
		graph.Minimum:                    lowerMinMax,
		graph.Maximum:                    lowerMinMax,
		graph.Logistic:                   lowerActivation,
		graph.Tanh:                       lowerActivation,
		graph.Relu:                       lowerRequant,
		graph.Relu6:                      lowerRequant,
		graph.Quantize:                   lowerRequant,
		graph.Cast:                       lowerCast,
		graph.Softmax:                    lowerSoftmax,
		graph.UnidirectionalSequenceLSTM: lowerLSTM,

		graph.Reshape:       moveReshape,
		graph.Transpose:     moveTranspose,
		graph.Split:         moveSplit,
		graph.SplitV:        moveSplitV,
		graph.Unpack:        moveUnpack,
		graph.Slice:         moveSlice,
		graph.StridedSlice:  moveStridedSlice,
		graph.Concatenation: moveConcatenation,
		graph.Pack:          movePack,
	}
}

// movement reports the operators that change addresses and no values.
func movement(k graph.Kind) bool {
	switch k {
	case graph.Reshape, graph.Transpose, graph.Split, graph.SplitV, graph.Unpack, graph.Slice,
		graph.StridedSlice, graph.Concatenation, graph.Pack:
		return true
	}
	return false
}

// lowerGraph gives every tensor a view and emits the operations in graph order.
func lowerGraph(m *module) error {
	l := newLowering(m)
	for i := len(l.g.Ops) - 1; i >= 0; i-- {
		if err := l.reserve(i); err != nil {
			return err
		}
	}
	for i, op := range l.g.Ops {
		if l.fused[i] {
			continue
		}
		l.cur = i
		f := lowerers[op.Kind]
		if f == nil {
			return m.opError(i, "the NPU compiler has no lowering for this operator; run it on the CPU or replace it")
		}
		if err := f(l, op); err != nil {
			return m.opError(i, "%v", err)
		}
	}
	return l.bindOutputs()
}

func newLowering(m *module) *lowering {
	g := m.g
	l := &lowering{m: m, g: g, views: make([]view, len(g.Tensors)), slots: map[graph.TensorID]view{},
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
		l.views[id].buf.bound, l.views[id].buf.fromCall = true, true
		m.inputs = append(m.inputs, boundView{id, l.views[id]})
	}
	for _, id := range g.Outputs {
		if m.places.apart[id] > 0 {
			l.slots[id] = l.place(id)
		}
	}
	for i, t := range g.Tensors {
		if t.Variable && l.views[i].buf == nil {
			b := &buffer{name: t.Name, size: align16(t.Bytes()), bound: true, fromCall: true, toCaller: true}
			l.views[i] = denseView(b, 0, t.Type, t.Shape, t.Name)
			m.variables = append(m.variables, boundView{graph.TensorID(i), l.views[i]})
		}
	}
	return l
}

// place returns a new feature map for an input or output, as a sequence wishes it.
func (l *lowering) place(id graph.TensorID) view {
	t := l.g.Tensors[id]
	v := l.fresh(t.Name, t.Type, t.Shape)
	v.buf.own = l.m.places.own[id]
	if n := l.m.places.apart[id]; n > 0 {
		v.buf.size, v.strides[0] = t.Shape[0]*n, n
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
	v = denseView(l.m.consts.intern(t.Name, t.Data, 16), 0, t.Type, t.Shape, t.Name)
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
	b := &buffer{name: name, size: align16(graph.Elems(shape) * dt.Size())}
	return denseView(b, 0, dt, shape, name)
}

// emit appends an operation on behalf of the current operator.
func (l *lowering) emit(o *op) {
	op := l.g.Ops[l.cur]
	if o.source == "" && len(op.Outputs) > 0 {
		o.source = l.g.Tensors[op.Outputs[0]].Name
	}
	if o.name == "" {
		o.name = op.Kind.String()
	}
	o.step = -1
	o.kernelWait, o.dmaWait = -1, -1
	if o.kh == 0 {
		o.kh, o.kw, o.strideH, o.strideW, o.dilH, o.dilW = 1, 1, 1, 1, 1, 1
	}
	l.m.ops = append(l.m.ops, o)
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
		return l.m.opError(i, "%v", err)
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
	case !movement(op.Kind) || op.Kind == graph.Concatenation || op.Kind == graph.Pack:
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
	m := l.m
	for _, id := range l.g.Outputs {
		t := l.g.Tensors[id]
		v, err := l.in(id)
		if err != nil {
			return fmt.Errorf("output tensor %q: %v", t.Name, err)
		}
		own := m.places.own[id]
		apart := m.places.apart[id] > 0
		if apart && v.buf != l.slots[id].buf || !apart && (v.buf.constant() || v.buf.fromCall || !v.contiguous() || v.off%16 != 0 || own != 0 && (v.buf.bound || v.buf.size != align16(t.Bytes()))) {
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
		v.buf.bound, v.buf.toCaller = true, true
		if own != 0 {
			v.buf.own = own
		}
		l.m.outputs = append(l.m.outputs, boundView{id, v})
	}
	for i, s := range l.g.States {
		in, out := l.views[s.In], l.views[s.Out]
		if m.places.carry[i] {
			if err := l.carry(s); err != nil {
				return err
			}
			continue
		}
		if in.buf != nil && out.buf != nil && out.off == 0 && out.buf.size == in.buf.size {
			l.m.statePairs = append(l.m.statePairs, [2]*buffer{in.buf, out.buf})
		}
	}
	return nil
}

func align16(n int) int { return (n + 15) &^ 15 }
