// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// unfuse writes recurrent operators of float32 values out, step by step: calibration has
// to see what is inside. Their variables become states.
func (r *reader) unfuse() error {
	g := r.m.Graph
	old := g.Ops
	g.Ops = nil
	for i, op := range old {
		if len(op.Inputs) == 0 || op.Inputs[0] == graph.None || g.Tensors[op.Inputs[0]].Type != graph.Float32 ||
			op.Kind != graph.UnidirectionalSequenceLSTM && op.Kind != graph.UnidirectionalSequenceRNN {
			g.Ops = append(g.Ops, op)
			continue
		}
		u := &unfuser{r: r, g: g, op: op}
		var err error
		if op.Kind == graph.UnidirectionalSequenceLSTM {
			err = u.lstm()
		} else {
			err = u.rnn()
		}
		if err != nil {
			return fmt.Errorf("operator %d (%v): %w", i, op.Kind, err)
		}
	}
	return nil
}

// unfuser writes one operator out.
type unfuser struct {
	r    *reader
	g    *graph.Graph
	op   *graph.Op
	name string // of the layer

	step                string
	steps, batch, width int // width of the inputs
	consts              map[string]graph.TensorID
}

// maxUnfused bounds the operators that a file can be blown up to.
const maxUnfused = 1 << 17

func (u *unfuser) value(what string, shape ...int) graph.TensorID {
	id := u.g.Add(&graph.Tensor{Name: u.name + "/" + u.step + what, Type: graph.Float32, Shape: shape})
	if u.r.m.Roles == nil {
		u.r.m.Roles = map[graph.TensorID]string{}
	}
	if u.step != "" {
		u.r.m.Roles[id] = u.name + "/" + what
	}
	return id
}

func (u *unfuser) one(k graph.Kind, attr any, what string, shape []int, in ...graph.TensorID) graph.TensorID {
	id := u.value(what, shape...)
	u.g.Ops = append(u.g.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{id}})
	return id
}

func (u *unfuser) floats(what string, v []float32, shape ...int) graph.TensorID {
	if id, ok := u.consts[what]; ok {
		return id
	}
	t := &graph.Tensor{Name: u.name + "/" + what, Type: graph.Float32, Shape: shape, Data: []byte{}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(x))
	}
	u.consts[what] = u.g.Add(t)
	return u.consts[what]
}

func (u *unfuser) ints(v ...int) graph.TensorID {
	t := &graph.Tensor{Name: u.name + "/places", Type: graph.Int32, Shape: []int{len(v)}}
	t.SetInts(v)
	return u.g.Add(t)
}

// input returns the constant at a position, in float32; nil where it is absent.
func (u *unfuser) input(pos int, what string, shape ...int) ([]float32, error) {
	if pos >= len(u.op.Inputs) || u.op.Inputs[pos] == graph.None {
		return nil, nil
	}
	t := u.g.Tensors[u.op.Inputs[pos]]
	switch {
	case t.Type == graph.Int8 || t.Type == graph.Uint8:
		return nil, fmt.Errorf("%s %q are %v and the values float32: a dynamic-range (hybrid) model; unroll lower takes it, and the file that was converted without quantization better; or convert it with full integer quantization", what, t.Name, t.Type)
	case t.Type != graph.Float32 || !t.IsConst() || len(t.Data) != 4*graph.Elems(shape) || t.Elems() != graph.Elems(shape):
		return nil, fmt.Errorf("%s %q are %v of shape %v, expected constant float32 of shape %v", what, t.Name, t.Type, t.Shape, shape)
	}
	v := make([]float32, t.Elems())
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return v, nil
}

// open checks input and output and returns the number of units.
func (u *unfuser) open(timeMajor bool, recurrent int) (units int, err error) {
	u.consts = map[string]graph.TensorID{}
	if len(u.op.Outputs) != 1 || u.op.Outputs[0] == graph.None || recurrent >= len(u.op.Inputs) || u.op.Inputs[recurrent] == graph.None {
		return 0, fmt.Errorf("has too few inputs, or not one output")
	}
	x, out := u.g.Tensors[u.op.Inputs[0]], u.g.Tensors[u.op.Outputs[0]]
	u.name = out.Name
	if len(x.Shape) != 3 || len(out.Shape) != 3 {
		return 0, fmt.Errorf("input has shape %v and output %v, expected three dimensions", x.Shape, out.Shape)
	}
	u.batch, u.steps, u.width = x.Shape[0], x.Shape[1], x.Shape[2]
	if timeMajor {
		u.batch, u.steps = u.steps, u.batch
	}
	r := u.g.Tensors[u.op.Inputs[recurrent]]
	if len(r.Shape) != 2 || min(u.batch, u.steps, u.width) < 1 || r.Shape[0] < 1 || u.steps > maxUnfused/32 || len(u.g.Ops) > maxUnfused {
		return 0, fmt.Errorf("input has shape %v and recurrent weights %v, expected a batch, at most %d steps and features", x.Shape, r.Shape, maxUnfused/32)
	}
	return r.Shape[0], nil
}

// project multiplies the inputs of all steps and returns those of every step, [batch, rows].
func (u *unfuser) project(timeMajor bool, w, bias []float32, rows int) []graph.TensorID {
	x := u.op.Inputs[0]
	if !timeMajor && u.batch > 1 {
		x = u.one(graph.Transpose, nil, "turned", []int{u.steps, u.batch, u.width}, x, u.ints(1, 0, 2))
	}
	x = u.one(graph.Reshape, graph.ReshapeAttr{}, "rows", []int{u.steps * u.batch, u.width}, x)
	xp := u.one(graph.FullyConnected, graph.FullyConnectedAttr{}, "xp", []int{u.steps * u.batch, rows}, x, u.floats("W", w, rows, u.width), u.floats("B", bias, rows))
	return u.parts(xp, 0, []int{u.steps * u.batch, rows}, repeated(u.batch, u.steps), "x")
}

func repeated(n, times int) []int {
	out := make([]int, times)
	for i := range out {
		out[i] = n
	}
	return out
}

// parts splits a value.
func (u *unfuser) parts(id graph.TensorID, axis int, shape, sizes []int, names ...string) []graph.TensorID {
	if len(sizes) == 1 {
		return []graph.TensorID{id}
	}
	op := &graph.Op{Kind: graph.SplitV, Attr: graph.SplitVAttr{NumSplits: len(sizes)}, Inputs: []graph.TensorID{id, u.ints(sizes...), u.ints(axis)}}
	u.g.Tensors[op.Inputs[2]].Shape = []int{}
	for i, n := range sizes {
		s := append([]int(nil), shape...)
		s[axis] = n
		name := names[0]
		if len(names) > 1 {
			name = names[i]
		}
		if len(names) == 1 {
			step := u.step
			u.step = fmt.Sprintf("t%02d/", i)
			op.Outputs = append(op.Outputs, u.value(name, s...))
			u.step = step
			continue
		}
		op.Outputs = append(op.Outputs, u.value(name, s...))
	}
	u.g.Ops = append(u.g.Ops, op)
	return op.Outputs
}

func (u *unfuser) activated(a graph.Activation, what string, id graph.TensorID, shape []int) (graph.TensorID, error) {
	kind, ok := map[graph.Activation]graph.Kind{graph.ActTanh: graph.Tanh, graph.ActRelu: graph.Relu, graph.ActRelu6: graph.Relu6, graph.ActReluN1To1: graph.ReluN1To1}[a]
	switch {
	case ok:
		return u.one(kind, nil, what, shape, id), nil
	case a == graph.ActNone:
		return id, nil
	}
	return graph.None, fmt.Errorf("activation %v, expected TANH, RELU, RELU6, RELU_N1_TO_1 or NONE", a)
}

func (u *unfuser) clipped(limit float32, what string, id graph.TensorID, shape []int) graph.TensorID {
	if !(limit > 0) {
		return id
	}
	id = u.one(graph.Maximum, nil, what+"_low", shape, id, u.floats(what+"_least", []float32{-limit}))
	return u.one(graph.Minimum, nil, what+"_cut", shape, id, u.floats(what+"_most", []float32{limit}))
}

// state makes an input of the graph of a variable, and end its output.
func (u *unfuser) state(pos int, what string, width int) (graph.TensorID, error) {
	if pos >= len(u.op.Inputs) || u.op.Inputs[pos] == graph.None {
		return graph.None, fmt.Errorf("the state %s is missing", what)
	}
	id := u.op.Inputs[pos]
	t := u.g.Tensors[id]
	if t.Elems() != u.batch*width || len(t.Shape) != 2 || t.Type != graph.Float32 || !t.Variable {
		return graph.None, fmt.Errorf("state %q is %v of shape %v, variable %v; expected variable float32 of shape [%d %d]", t.Name, t.Type, t.Shape, t.Variable, u.batch, width)
	}
	t.Variable, t.Name = false, u.name+"/"+what
	u.r.m.role(id, u.name+"/"+what)
	u.g.Inputs = append(u.g.Inputs, id)
	return id, nil
}

func (m *Model) role(id graph.TensorID, role string) {
	if m.Roles == nil {
		m.Roles = map[graph.TensorID]string{}
	}
	m.Roles[id] = role
}

func (u *unfuser) end(in, out graph.TensorID, what string) {
	t := u.g.Tensors[out]
	id := u.one(graph.Reshape, graph.ReshapeAttr{}, what+"_out", t.Shape, out)
	u.r.m.role(id, u.name+"/"+what)
	u.g.Outputs = append(u.g.Outputs, id)
	u.g.States = append(u.g.States, graph.State{In: in, Out: id})
	u.r.m.Fused = append(u.r.m.Fused, graph.State{In: in, Out: id})
}

// joined gives the operator's output: the values of all steps.
func (u *unfuser) joined(timeMajor bool, hs []graph.TensorID, width int) {
	out := u.op.Outputs[0]
	all := hs[0]
	shape := []int{u.steps, u.batch, width}
	if u.steps > 1 {
		all = u.one(graph.Concatenation, graph.ConcatenationAttr{Axis: 0}, "states", []int{u.steps * u.batch, width}, hs...)
		u.r.m.role(all, u.name+"/h")
	}
	if !timeMajor && u.batch > 1 {
		all = u.one(graph.Reshape, graph.ReshapeAttr{}, "sequence", shape, all)
		u.g.Ops = append(u.g.Ops, &graph.Op{Kind: graph.Transpose, Inputs: []graph.TensorID{all, u.ints(1, 0, 2)}, Outputs: []graph.TensorID{out}})
		return
	}
	u.g.Ops = append(u.g.Ops, &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{}, Inputs: []graph.TensorID{all}, Outputs: []graph.TensorID{out}})
}

func (u *unfuser) rnn() error {
	a, ok := u.op.Attr.(graph.SequenceRNNAttr)
	if !ok || len(u.op.Inputs) != 5 {
		return fmt.Errorf("has %d inputs, expected 5", len(u.op.Inputs))
	}
	units, err := u.open(a.TimeMajor, 2)
	if err != nil {
		return err
	}
	var v [3][]float32
	for i, shape := range [][]int{{units, u.width}, {units, units}, {units}} {
		if v[i], err = u.input(1+i, []string{"weights", "recurrent weights", "biases"}[i], shape...); err != nil {
			return err
		}
		if v[i] == nil {
			return fmt.Errorf("input %d is missing", 1+i)
		}
	}
	first, err := u.state(4, "h", units)
	if err != nil {
		return err
	}
	h, shape := first, []int{u.batch, units}
	var hs []graph.TensorID
	for t, x := range u.project(a.TimeMajor, v[0], v[2], units) {
		u.step = fmt.Sprintf("t%02d/", t)
		rec := u.one(graph.FullyConnected, graph.FullyConnectedAttr{}, "rec", shape, h, u.floats("R", v[1], units, units), graph.None)
		if h, err = u.activated(a.Activation, "h", u.one(graph.Add, graph.AddAttr{}, "pre", shape, x, rec), shape); err != nil {
			return err
		}
		hs = append(hs, h)
	}
	u.step = ""
	u.r.m.carried(u.name+"/h", a.Activation == graph.ActTanh)
	u.joined(a.TimeMajor, hs, units)
	u.end(first, h, "h")
	return nil
}

func (m *Model) carried(role string, within bool) {
	if m.Carried == nil {
		m.Carried, m.Bounds = map[string]bool{}, map[string][2]float32{}
	}
	m.Carried[role] = true
	if within {
		m.Bounds[role] = [2]float32{-1, 1}
	}
}
