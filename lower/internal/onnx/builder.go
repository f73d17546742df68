// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// maxOps bounds the operators that are written, above what any unrolled network
// for a microcontroller has.
const maxOps = 1 << 17

// maxWork bounds the multiplications of a call and of what is folded, together.
const maxWork = 1 << 32

// builder appends operators to the graph. What depends on constants alone is
// computed at once and becomes a constant.
type builder struct {
	g       *graph.Graph
	bytes   int
	work    float64                           // multiplications with weights so far
	used    map[string]int                    // times a name was asked for
	from    map[graph.TensorID]graph.TensorID // input of the RESHAPE that made a tensor
	indices map[string]graph.TensorID
	role    map[graph.TensorID]string // where it is not the tensor's name

	// What is made within a step has a role without the step: step0 is cut off its
	// name and role0 put in front.
	step0, role0 string

	sums, carried map[string]bool
	bounds        map[string][2]float32
}

// enter begins a step of a recurrent node, or ends it.
func (b *builder) enter(step, role string) { b.step0, b.role0 = step, role }

func newBuilder(name string) *builder {
	return &builder{
		g: &graph.Graph{Name: name}, used: map[string]int{}, from: map[graph.TensorID]graph.TensorID{},
		indices: map[string]graph.TensorID{}, role: map[graph.TensorID]string{},
		sums: map[string]bool{}, carried: map[string]bool{}, bounds: map[string][2]float32{},
	}
}

func (b *builder) fail(format string, args ...any) { panic(refusal{fmt.Errorf(format, args...)}) }

// unique returns the name, or the name with a number where it is taken.
func (b *builder) unique(name string) string {
	for {
		n := b.used[name]
		b.used[name]++
		if n == 0 {
			return name
		}
		name = fmt.Sprintf("%s_%d", name, n)
	}
}

func (b *builder) add(t *graph.Tensor) graph.TensorID {
	n, err := Elems(t.Shape)
	if err != nil {
		b.fail("%v", err)
	}
	if b.bytes += n * 4; b.bytes > graph.MaxGraphBytes {
		b.fail("the tensors up to here take more than %d bytes, which is the limit", graph.MaxGraphBytes)
	}
	what, within := strings.CutPrefix(t.Name, b.step0)
	t.Name = b.unique(t.Name)
	id := b.g.Add(t)
	if within && b.step0 != "" {
		b.role[id] = b.role0 + what
	}
	return id
}

// fed adds a tensor that the caller or an operator fills.
func (b *builder) fed(name string, shape []int) graph.TensorID {
	return b.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: append([]int{}, shape...)})
}

// floats adds a float constant.
func (b *builder) floats(name string, v []float32, shape ...int) graph.TensorID {
	raw := make([]byte, 0, 4*len(v))
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return b.add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: append([]int{}, shape...), Data: raw})
}

// index adds an int32 constant, once for each content.
func (b *builder) index(name string, shape []int, values ...int) graph.TensorID {
	raw := []byte{}
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(v)))
	}
	key := fmt.Sprint(name, shape, raw)
	if id, ok := b.indices[key]; ok {
		return id
	}
	id := b.add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: shape, Data: raw})
	b.indices[key] = id
	return id
}

func (b *builder) numbers(name string, values ...int) graph.TensorID {
	return b.index(name, []int{len(values)}, values...)
}

func (b *builder) scalar(name string, v float32) graph.TensorID {
	return b.floats(name, []float32{v})
}

// op appends an operator of one output, or computes it.
func (b *builder) op(k graph.Kind, attr any, name string, in ...graph.TensorID) graph.TensorID {
	return b.shaped(k, attr, name, nil, in...)
}

// shaped is op for kinds whose output shape is not theirs to say; nil asks the kind.
func (b *builder) shaped(k graph.Kind, attr any, name string, shape []int, in ...graph.TensorID) graph.TensorID {
	out := b.fed(name, shape)
	op := &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}}
	shapes, err := b.g.InferShapes(op)
	if err != nil {
		b.fail("as %v: %v", k, err)
	}
	if shape == nil {
		t := b.g.Tensors[out]
		t.Shape = append([]int{}, shapes[0]...)
		n, err := Elems(t.Shape)
		if err != nil {
			b.fail("%v", err)
		}
		if b.bytes += n * 4; b.bytes > graph.MaxGraphBytes {
			b.fail("the tensors up to here take more than %d bytes, which is the limit", graph.MaxGraphBytes)
		}
	}
	b.spend(op)
	b.append(op)
	return out
}

// spend counts the multiplications of an operator.
func (b *builder) spend(op *graph.Op) {
	inner := 0
	switch op.Kind {
	case graph.FullyConnected, graph.Conv2D, graph.DepthwiseConv2D, graph.TransposeConv:
		w := b.g.Tensors[op.Inputs[1]]
		inner = w.Elems() / max(1, w.Shape[0])
	case graph.BatchMatMul:
		inner = b.g.Tensors[op.Inputs[0]].Shape[len(b.g.Tensors[op.Inputs[0]].Shape)-1]
	case graph.AveragePool2D, graph.MaxPool2D:
		if a, ok := op.Attr.(graph.Pool2DAttr); ok {
			inner = a.FilterH * a.FilterW
		}
	}
	b.work += float64(float64(inner) * float64(b.g.Tensors[op.Outputs[0]].Elems()))
	if b.work > maxWork {
		b.fail("the network takes more than %.0e multiplications up to here; that is no network for a microcontroller", float64(maxWork))
	}
}

// append adds an operator, or computes it where all that it reads is constant.
func (b *builder) append(op *graph.Op) {
	constant := true
	for _, id := range op.Inputs {
		constant = constant && (id == graph.None || b.g.Tensors[id].IsConst())
	}
	if constant {
		b.compute(op)
		return
	}
	if len(b.g.Ops) >= maxOps {
		b.fail("the network has more than %d operators; unroll fewer steps", maxOps)
	}
	b.g.Ops = append(b.g.Ops, op)
}

// compute runs an operator on constants.
func (b *builder) compute(op *graph.Op) {
	small := &graph.Graph{Name: "constants"}
	next := &graph.Op{Kind: op.Kind, Attr: op.Attr}
	for _, id := range op.Inputs {
		if id == graph.None {
			next.Inputs = append(next.Inputs, id)
			continue
		}
		next.Inputs = append(next.Inputs, small.Add(b.g.Tensors[id]))
	}
	for _, id := range op.Outputs {
		t := *b.g.Tensors[id]
		next.Outputs = append(next.Outputs, small.Add(&t))
	}
	small.Ops, small.Outputs = []*graph.Op{next}, next.Outputs
	exec, err := floatexec.New(small)
	if err != nil {
		b.fail("constants: %v", err)
	}
	views, err := exec.Runner().Run(1, nil)
	if err != nil {
		b.fail("constants: %v", err)
	}
	for i, id := range op.Outputs {
		raw := []byte{}
		for _, x := range views[i].Row(0) {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
		}
		b.g.Tensors[id].Data = raw
	}
}

func (b *builder) shapeOf(id graph.TensorID) []int { return b.g.Tensors[id].Shape }

// reshape gives a tensor another shape; one that was reshaped before is taken from
// its source.
func (b *builder) reshape(id graph.TensorID, name string, shape ...int) graph.TensorID {
	if src, ok := b.from[id]; ok {
		id = src
	}
	t := b.g.Tensors[id]
	if sameShape(t.Shape, shape) {
		return id
	}
	if graph.Elems(shape) != t.Elems() {
		b.fail("%d elements do not fill shape %v", t.Elems(), shape)
	}
	if t.IsConst() {
		return b.add(&graph.Tensor{Name: name, Type: t.Type, Shape: append([]int{}, shape...), Data: t.Data})
	}
	out := b.shaped(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, name, append([]int{}, shape...), id, b.numbers("shape", shape...))
	b.from[out] = id
	if r := b.role[id]; r != "" {
		b.role[out] = r
	}
	return out
}

// copy gives the tensor once more, by an operator that changes nothing.
func (b *builder) copy(id graph.TensorID) graph.TensorID {
	shape := append([]int{}, b.shapeOf(id)...)
	return b.shaped(graph.Reshape, graph.ReshapeAttr{NewShape: shape}, b.g.Tensors[id].Name, shape, id, b.numbers("shape", shape...))
}

// transpose permutes dimensions; where only those of 1 change place it is a reshape.
func (b *builder) transpose(id graph.TensorID, perm []int) graph.TensorID {
	old := b.shapeOf(id)
	shape, last, moved := make([]int, len(perm)), -1, false
	for i, p := range perm {
		shape[i] = old[p]
		if old[p] != 1 {
			moved = moved || p < last
			last = p
		}
	}
	name := b.g.Tensors[id].Name + "/turned"
	if !moved {
		return b.reshape(id, name, shape...)
	}
	out := b.op(graph.Transpose, nil, name, id, b.numbers("perm", perm...))
	if r := b.role[id]; r != "" {
		b.role[out] = r
	}
	return out
}

// split cuts a tensor along a dimension.
func (b *builder) split(id graph.TensorID, axis int, sizes []int, names ...string) []graph.TensorID {
	if len(sizes) == 1 {
		return []graph.TensorID{id}
	}
	op := &graph.Op{Kind: graph.SplitV, Attr: graph.SplitVAttr{NumSplits: len(sizes)},
		Inputs: []graph.TensorID{id, b.numbers("sizes", sizes...), b.index("axis", []int{}, axis)}}
	for i, n := range sizes {
		shape := append([]int{}, b.shapeOf(id)...)
		shape[axis] = n
		op.Outputs = append(op.Outputs, b.fed(names[i], shape))
	}
	b.append(op)
	return op.Outputs
}

// rename gives a tensor a name that another one may have.
func (b *builder) rename(id graph.TensorID, name string) {
	if b.g.Tensors[id].Name == name {
		return
	}
	if other := b.g.Find(name); other != graph.None {
		b.g.Tensors[other].Name = b.unique(name + "/inner")
	}
	b.g.Tensors[id].Name = name
}

func sameShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
