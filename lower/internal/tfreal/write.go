// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Result is the graph that is written.
type Result struct {
	Graph *graph.Graph

	// Ranges are what values cannot leave, by the name of their tensor, whatever
	// calibration sees: of truth values.
	Ranges map[string][2]float32

	// Roles name what the values of all rounds of a loop share a quantization with.
	Roles map[graph.TensorID]string
}

// resource is the type of handles, which readers leave nothing of.
const resource graph.DType = 13

// maxOps bounds the operators that are written, and maxErrors those that are named.
const (
	maxOps    = 1 << 17
	maxErrors = 100
)

// Write writes g, whose inputs and outputs are float32; subgraphs are those of the file,
// by number. All operators that cannot be had are named in one error. g is not changed.
func Write(g *graph.Graph, subgraphs []*graph.Graph) (*Result, error) {
	for i, one := range append([]*graph.Graph{g}, subgraphs...) {
		if one == nil {
			continue
		}
		for k, t := range one.Tensors {
			if i > 0 && !t.IsConst() { // shapes in subgraphs may be open
				continue
			}
			if _, err := t.CheckSize(); err != nil && t.Type != resource {
				return nil, fmt.Errorf("tensor %d %q: %w", k, t.Name, err)
			}
		}
	}
	out := *g
	out.Ops = nil
	out.Tensors = make([]*graph.Tensor, len(g.Tensors))
	for i, t := range g.Tensors {
		c := *t
		out.Tensors[i] = &c
	}
	w := &writer{out: &out, subs: subgraphs, ranges: map[string][2]float32{}, reals: map[graph.TensorID]graph.TensorID{}, lists: map[string]graph.TensorID{},
		roles: map[graph.TensorID]string{}, consts: map[*graph.Tensor]graph.TensorID{}, complex: map[graph.TensorID]pair{}}
	b := &block{writer: w, src: g}
	b.run()
	if w.errs != nil {
		return nil, errors.Join(w.errs...)
	}
	for _, id := range g.Outputs {
		if t := out.Tensors[id]; t.IsConst() && t.Type == graph.Float32 { // an output has to be computed
			w.copied(&out, id)
		}
	}
	for i, t := range out.Tensors {
		if i < len(g.Tensors) && g.Tensors[i].Type == graph.Bool && !t.IsConst() {
			t.Type = graph.Float32
		}
	}
	w.forget()
	if err := out.Validate(); err != nil {
		return nil, err
	}
	return &Result{Graph: &out, Ranges: w.ranges, Roles: w.roles}, nil
}

// forget takes the values of constants that nothing reads any more.
func (w *writer) forget() {
	read := map[graph.TensorID]bool{}
	for _, op := range w.out.Ops {
		for _, id := range op.Inputs {
			read[id] = true
		}
	}
	for i, t := range w.out.Tensors {
		if id := graph.TensorID(i); t.IsConst() && !read[id] && !slices.Contains(w.out.Outputs, id) {
			t.Data, t.Type, t.Quant = nil, graph.Float32, nil
		}
	}
}

// refusal is what a rule panics with; run returns it as an error.
type refusal struct{ error }

type writer struct {
	out     *graph.Graph
	subs    []*graph.Graph
	ranges  map[string][2]float32
	roles   map[graph.TensorID]string         // of what is made in a round of a loop
	reals   map[graph.TensorID]graph.TensorID // constants of other types as float32
	consts  map[*graph.Tensor]graph.TensorID  // of subgraphs
	complex map[graph.TensorID]pair
	lists   map[string]graph.TensorID // constants of whole numbers, by content
	errs    []error
	depth   int
	bytes   int
	work    int // elements of what was folded
}

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

// make returns the new graph's tensor of an output.
func (b *block) make(id graph.TensorID) graph.TensorID {
	if b.ids == nil {
		return id
	}
	t := *b.src.Tensors[id]
	t.Name = b.pre + t.Name
	t.Data = nil
	t.Shape = append([]int{}, t.Shape...)
	for i, d := range t.Shape { // open
		t.Shape[i] = max(d, 0)
	}
	b.ids[id] = b.add(&t)
	b.roles[b.ids[id]] = b.role + strings.TrimPrefix(t.Name, b.pre)
	return b.ids[id]
}

func (b *block) add(t *graph.Tensor) graph.TensorID {
	n := 4
	for _, d := range t.Shape {
		if d < 0 || d > 0 && n > graph.MaxTensorBytes/d {
			b.refuse("shape %v of %q is no shape, or too large", t.Shape, t.Name)
		}
		n *= d
	}
	if b.bytes += n; b.bytes > graph.MaxGraphBytes {
		b.refuse("the tensors up to here take more than %d bytes, which is the limit", graph.MaxGraphBytes)
	}
	return b.out.Add(t)
}

// at is the new graph's tensor of a source tensor.
func (b *block) at(id graph.TensorID) graph.TensorID {
	if id == graph.None || b.ids == nil {
		return id
	}
	if to, ok := b.ids[id]; ok {
		return to
	}
	t := b.src.Tensors[id]
	if !t.IsConst() {
		b.refuse("%q is read before anything computes it", t.Name)
	}
	to, ok := b.consts[t]
	if !ok {
		c := *t
		to = b.add(&c)
		b.consts[t] = to
	}
	b.ids[id] = to
	return to
}

func (b *block) in(pos int) graph.TensorID {
	if pos >= len(b.op.Inputs) || b.op.Inputs[pos] == graph.None {
		b.refuse("input %d is absent, expected a tensor", pos)
	}
	return b.at(b.op.Inputs[pos])
}

func (b *block) tensor(pos int) *graph.Tensor { return b.out.Tensors[b.in(pos)] }

func (b *block) shape(id graph.TensorID) []int { return b.out.Tensors[id].Shape }

// name is that of the operator's output.
func (b *block) name() string { return b.out.Tensors[b.made[0]].Name }

// real returns an input as real numbers.
func (b *block) real(pos int) graph.TensorID { return b.realOf(b.in(pos)) }

func (b *block) realOf(id graph.TensorID) graph.TensorID {
	t := b.out.Tensors[id]
	switch {
	case t.Type == graph.Float32:
		return id
	case !t.IsConst() && t.Type == graph.Bool:
		t.Type = graph.Float32
		return id
	case !t.IsConst() || t.Quant != nil:
		b.refuse("input %q is %v, and there are no whole numbers at run time: feed float32", t.Name, t.Type)
	}
	if to, ok := b.reals[id]; ok {
		return to
	}
	v, err := values(t)
	if err != nil {
		b.refuse("%v", err)
	}
	b.reals[id] = b.floats(t.Name+"/real", v, t.Shape...)
	return b.reals[id]
}

// truth returns an input of truth values as zeros and ones.
func (b *block) truth(pos int) graph.TensorID {
	if t := b.src.Tensors[b.op.Inputs[pos]]; t.Type != graph.Bool {
		b.refuse("input %q is %v, expected truth values", t.Name, t.Type)
	}
	return b.real(pos)
}

// constant returns the values of an input that is known, nil where it is not.
func (b *block) constant(id graph.TensorID) []float64 {
	t := b.out.Tensors[id]
	if !t.IsConst() {
		return nil
	}
	v, err := values(t)
	if err != nil {
		b.refuse("%v", err)
	}
	return v
}

// ints returns the whole numbers of a parameter.
func (b *block) ints(pos int) []int {
	t := b.tensor(pos)
	v, err := t.Ints()
	if err != nil {
		b.refuse("%v", err)
	}
	return v
}

// floats adds a constant.
func (b *block) floats(name string, v []float64, shape ...int) graph.TensorID {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(x)))
	}
	return b.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: append([]int{}, shape...), Data: raw})
}

func (b *block) scalar(name string, v float64) graph.TensorID {
	return b.floats(name, []float64{v})
}

// numbers adds a constant of whole numbers, once for each content.
func (b *block) numbers(shape []int, v ...int) graph.TensorID {
	key := fmt.Sprint(shape, v)
	if id, ok := b.lists[key]; ok {
		return id
	}
	t := &graph.Tensor{Name: "numbers", Type: graph.Int32, Shape: shape}
	t.SetInts(v)
	b.lists[key] = b.add(t)
	return b.lists[key]
}

func (b *block) list(v ...int) graph.TensorID { return b.numbers([]int{len(v)}, v...) }

// value adds an operator, or computes it where all that it reads is known. shape says what
// the kind does not; nil asks the kind.
func (b *block) value(k graph.Kind, attr any, name string, shape []int, in ...graph.TensorID) graph.TensorID {
	id := b.add(&graph.Tensor{Name: b.name() + name, Type: graph.Float32, Shape: append([]int{}, shape...)})
	if b.ids != nil {
		b.roles[id] = b.role + strings.TrimPrefix(b.name(), b.pre) + name
	}
	op := &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{id}}
	shapes, err := b.out.InferShapes(op)
	if err != nil {
		b.refuse("as %v: %w", k, err)
	}
	b.out.Tensors[op.Outputs[0]].Shape = append([]int{}, shapes[0]...)
	b.emit(op)
	return op.Outputs[0]
}

// end adds the operator that makes the output.
func (b *block) end(k graph.Kind, attr any, in ...graph.TensorID) {
	op := &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: b.made[:1]}
	b.shaped(op)
	b.emit(op)
}

// shaped gives the outputs of an operator of a subgraph their shapes, which files leave
// open there.
func (b *block) shaped(op *graph.Op) {
	if b.ids == nil {
		return
	}
	switch op.Kind {
	case graph.Reshape:
		b.reshaped(op)
	case graph.SplitV:
		b.splits(op)
	case graph.FullyConnected:
		x, w := b.shape(op.Inputs[0]), b.shape(op.Inputs[1])
		if a := op.Attr.(graph.FullyConnectedAttr); len(w) == 2 && len(x) > 0 {
			shape := append(append([]int{}, x[:len(x)-1]...), w[0])
			if !a.KeepNumDims && w[1] > 0 {
				shape = []int{graph.Elems(x) / w[1], w[0]}
			}
			b.out.Tensors[op.Outputs[0]].Shape = shape
		}
	}
	shapes, err := b.out.InferShapes(op)
	if err != nil {
		b.refuse("%v", err)
	}
	for i, id := range op.Outputs {
		b.out.Tensors[id].Shape = append([]int{}, shapes[i]...)
	}
}

// reshaped is the shape that a RESHAPE asks for.
func (b *block) reshaped(op *graph.Op) {
	want := append([]int{}, op.Attr.(graph.ReshapeAttr).NewShape...)
	if len(op.Inputs) > 1 {
		v, err := b.out.Tensors[op.Inputs[1]].Ints()
		if err != nil {
			b.refuse("%v", err)
		}
		want = append([]int{}, v...)
	}
	known, open := 1, -1
	for i, d := range want {
		if d < 0 {
			open = i
			continue
		}
		known *= d
	}
	if n := graph.Elems(b.shape(op.Inputs[0])); open >= 0 && known > 0 {
		want[open] = n / known
	}
	b.out.Tensors[op.Outputs[0]].Shape = want
}

// splits are the shapes that a SPLIT_V asks for.
func (b *block) splits(op *graph.Op) {
	sizes, err := b.out.Tensors[op.Inputs[1]].Ints()
	axis, err2 := b.out.Axis(op)
	if err != nil || err2 != nil || len(sizes) != len(op.Outputs) {
		b.refuse("%v", errors.Join(err, err2))
	}
	left := b.shape(op.Inputs[0])[axis]
	for _, n := range sizes {
		left -= max(n, 0)
	}
	for i, id := range op.Outputs {
		s := append([]int{}, b.shape(op.Inputs[0])...)
		if s[axis] = sizes[i]; sizes[i] < 0 {
			s[axis] = left
		}
		b.out.Tensors[id].Shape = s
	}
}

// emit appends an operator, or computes it where all that it reads is known.
func (b *block) emit(op *graph.Op) {
	known := true
	for _, id := range op.Inputs {
		known = known && (id == graph.None || b.out.Tensors[id].IsConst())
	}
	if !known {
		b.out.Ops = append(b.out.Ops, op)
		return
	}
	small := &graph.Graph{Name: "constants"}
	next := &graph.Op{Kind: op.Kind, Attr: op.Attr}
	for _, id := range op.Inputs {
		if id == graph.None {
			next.Inputs = append(next.Inputs, id)
			continue
		}
		next.Inputs = append(next.Inputs, small.Add(b.out.Tensors[id]))
	}
	for _, id := range op.Outputs {
		t := *b.out.Tensors[id]
		t.Type = graph.Float32
		if _, err := t.CheckSize(); err != nil {
			b.refuse("%v", err)
		}
		next.Outputs = append(next.Outputs, small.Add(&t))
	}
	small.Ops, small.Outputs = []*graph.Op{next}, next.Outputs
	if err := small.CheckOp(next); err != nil {
		b.refuse("%v", err)
	}
	exec, err := floatexec.New(small)
	if err != nil {
		b.refuse("%v", err)
	}
	views, err := exec.Runner().Run(1, nil)
	if err != nil {
		b.refuse("%v", err)
	}
	for i, id := range op.Outputs {
		raw := []byte{}
		for _, x := range views[i].Row(0) {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		t := b.out.Tensors[id]
		t.Type, t.Data = graph.Float32, raw
	}
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

// apart ends an operator with its activation as one of its own, where that is none of those
// that kernels of real numbers end with.
func (b *block) apart(op *graph.Op) {
	act := op.Fused()
	kind, own := map[graph.Activation]graph.Kind{graph.ActTanh: graph.Tanh}[act], false
	if act == graph.ActRelu || act == graph.ActRelu6 || act == graph.ActReluN1To1 {
		switch op.Kind {
		case graph.Concatenation, graph.L2Normalization:
			kind = map[graph.Activation]graph.Kind{graph.ActRelu: graph.Relu, graph.ActRelu6: graph.Relu6, graph.ActReluN1To1: graph.ReluN1To1}[act]
		default:
			own = true
		}
	}
	switch {
	case act == graph.ActNone || own:
		b.shaped(op)
		b.emit(op)
		return
	case kind == 0:
		b.refuse("its activation is %v, which no kernel has", act)
	}
	attr, _ := op.WithFused(graph.ActNone)
	final := b.out.Tensors[op.Outputs[0]]
	plain := b.add(&graph.Tensor{Name: final.Name + "/plain", Type: graph.Float32, Shape: append([]int{}, final.Shape...)})
	op.Attr, op.Outputs = attr, []graph.TensorID{plain}
	b.shaped(op)
	b.emit(op)
	b.end(kind, nil, plain)
}

// copied makes an output of a value that is known: a sum of it and nothing that an input
// is part of.
func (w *writer) copied(g *graph.Graph, id graph.TensorID) {
	t := g.Tensors[id]
	known := *t
	known.Name += "/known"
	from := g.Add(&known)
	t.Data = nil
	g.Ops = append(g.Ops, &graph.Op{Kind: graph.Reshape, Attr: graph.ReshapeAttr{NewShape: t.Shape}, Inputs: []graph.TensorID{from}, Outputs: []graph.TensorID{id}})
}

// values returns what a constant of any type without a scale holds.
func values(t *graph.Tensor) ([]float64, error) {
	if t.Data == nil || t.Quant != nil {
		return nil, fmt.Errorf("%q is %v and has a scale, or no value", t.Name, t.Type)
	}
	v := make([]float64, t.Elems())
	size := t.Type.Size()
	if len(t.Data) != size*len(v) {
		return nil, fmt.Errorf("%q has %d bytes of data for %v %v", t.Name, len(t.Data), t.Type, t.Shape)
	}
	for i := range v {
		switch t.Type {
		case graph.Float32:
			v[i] = float64(math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:])))
		case graph.Int8, graph.Uint8, graph.Bool, graph.Int16, graph.Int32, graph.Int64:
			v[i] = float64(t.Type.Int(t.Data[size*i:]))
		default:
			return nil, fmt.Errorf("%q is %v", t.Name, t.Type)
		}
	}
	return v, nil
}
