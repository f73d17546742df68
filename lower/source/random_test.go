// SPDX-License-Identifier: Apache-2.0

package source

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// modelBuilder writes models of one node with random weights.
type modelBuilder struct {
	*rand.Rand
	m *onnx.Model
	n *onnx.Node
}

func newModel(seed uint64, op string, opset int64) *modelBuilder {
	b := &modelBuilder{Rand: rand.New(rand.NewPCG(seed, 7)), n: &onnx.Node{Op: op, Attrs: map[string]*onnx.Attr{}}}
	b.m = &onnx.Model{File: fmt.Sprintf("%s-%d.onnx", op, seed), Opset: opset, Graph: &onnx.Graph{Weights: map[string]*onnx.Tensor{}, Nodes: []*onnx.Node{b.n}}}
	return b
}

func (b *modelBuilder) input(name string, shape ...int) {
	d := &onnx.Declared{Name: name, Kind: "tensor", Type: onnx.Float, Ranked: true}
	for _, s := range shape {
		d.Dims = append(d.Dims, onnx.Dim{Size: int64(s)})
	}
	b.m.Graph.Inputs = append(b.m.Graph.Inputs, d)
	b.n.Inputs = append(b.n.Inputs, name)
}

func (b *modelBuilder) weights(name string, shape ...int) {
	n, _ := onnx.Elems(shape)
	t := &onnx.Tensor{Name: name, Type: onnx.Float, Shape: shape}
	for range n {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(float32(b.NormFloat64()*0.5)))
	}
	b.m.Graph.Weights[name] = t
	b.n.Inputs = append(b.n.Inputs, name)
}

func (b *modelBuilder) ints(name string, v ...int64) {
	t := &onnx.Tensor{Name: name, Type: onnx.Int64, Shape: []int{len(v)}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(x))
	}
	b.m.Graph.Weights[name] = t
	b.n.Inputs = append(b.n.Inputs, name)
}

func (b *modelBuilder) absent() { b.n.Inputs = append(b.n.Inputs, "") }

func (b *modelBuilder) outputs(names ...string) {
	for _, n := range names {
		b.n.Outputs = append(b.n.Outputs, n)
		b.m.Graph.Outputs = append(b.m.Graph.Outputs, &onnx.Declared{Name: n, Kind: "tensor"})
	}
}

func (b *modelBuilder) set(name string, v any) {
	a := &onnx.Attr{}
	switch v := v.(type) {
	case int:
		a.Int = int64(v)
	case float64:
		a.Float = float32(v)
	case string:
		a.String = v
	case []string:
		a.Strings = v
	case []int:
		for _, x := range v {
			a.Ints = append(a.Ints, int64(x))
		}
	case []float32:
		a.Floats = v
	}
	b.n.Attrs[name] = a
}

func (b *modelBuilder) coin() bool { return b.IntN(2) == 0 }

// prove converts and compares; a refusal is returned.
func (b *modelBuilder) prove(t *testing.T) error {
	t.Helper()
	r, err := onnx.Convert(b.m, onnx.Options{})
	if err != nil {
		return err
	}
	n := &Network{Format: "ONNX", Graph: r.Graph}
	if err := n.prove(b.m, r); err != nil {
		text := ""
		for name, a := range b.n.Attrs {
			text += fmt.Sprintf(" %s=%v", name, *a)
		}
		t.Errorf("%s%s: %v", b.m.File, text, err)
	}
	if err := n.proveGraph(n.Graph, nil); err != nil {
		t.Errorf("%s as a graph: %v", b.m.File, err)
	}
	return nil
}

// TestRecurrentNodes tries the attributes of the recurrent nodes in random
// combinations, against the evaluation by their equations.
func TestRecurrentNodes(t *testing.T) {
	functions := []string{"Sigmoid", "Tanh", "Relu", "HardSigmoid", "Affine", "LeakyRelu", "ScaledTanh", "Elu", "Softsign", "Softplus"}
	for seed := range uint64(150) {
		op := []string{"RNN", "GRU", "LSTM"}[seed%3]
		b := newModel(seed, op, 17)
		gates := map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[op]
		steps, batch, features, units, dirs := 1+b.IntN(4), 1+b.IntN(3), 1+b.IntN(5), 1+b.IntN(6), 1
		b.set("hidden_size", units)
		if b.IntN(3) == 0 {
			b.set("direction", []string{"reverse", "bidirectional"}[b.IntN(2)])
			if b.n.Text("direction", "") == "bidirectional" {
				dirs = 2
			}
		}
		x, state := []int{steps, batch, features}, []int{dirs, batch, units}
		if b.IntN(3) == 0 {
			b.set("layout", 1)
			x, state = []int{batch, steps, features}, []int{batch, dirs, units}
		}
		if b.coin() {
			b.set("linear_before_reset", 1)
		}
		if op != "LSTM" && b.IntN(3) == 0 {
			b.set("clip", 0.3)
		}
		if op == "LSTM" && b.IntN(4) == 0 {
			b.set("input_forget", 1)
		}
		if b.IntN(3) == 0 {
			var names []string
			for range dirs * map[int]int{1: 1, 3: 2, 4: 3}[gates] {
				names = append(names, functions[b.IntN(len(functions))])
			}
			b.set("activations", names)
			if b.coin() || slices.Contains(names, "Affine") || slices.Contains(names, "ScaledTanh") {
				b.set("activation_alpha", []float32{0.3, 0.7, 0.2, 0.9, 0.4, 0.6})
				b.set("activation_beta", []float32{0.4, 0.5, 0.6, 0.3, 0.2, 0.1})
			}
		}
		b.input("X", x...)
		b.weights("W", dirs, gates*units, features)
		b.weights("R", dirs, gates*units, units)
		if b.coin() {
			b.weights("B", dirs, 2*gates*units)
		} else {
			b.absent()
		}
		if b.IntN(4) == 0 {
			var lens []int64
			for range batch {
				lens = append(lens, int64(b.IntN(steps+1)))
			}
			b.ints("lens", lens...)
		} else {
			b.absent()
		}
		initial := func(name string) {
			switch b.IntN(3) {
			case 0:
				b.input(name, state...)
			case 1:
				b.weights(name, state...)
			default:
				b.absent()
			}
		}
		initial("h0")
		if op == "LSTM" {
			initial("c0")
			if b.IntN(3) == 0 {
				b.weights("P", dirs, 3*units)
			}
			b.outputs("Y", "Yh", "Yc")
		} else {
			b.outputs("Y", "Yh")
		}
		if err := b.prove(t); err != nil {
			t.Error(err)
		}
	}
}

// TestWindows tries convolutions and poolings, which may be refused for one of the
// reasons given.
func TestWindows(t *testing.T) {
	refused := 0
	for seed := range uint64(400) {
		op := []string{"Conv", "ConvTranspose", "AveragePool", "MaxPool"}[seed%4]
		b := newModel(seed, op, 17)
		dims := 1 + b.IntN(2)
		group := []int{1, 1, 2, 4}[b.IntN(4)]
		in := group * (1 + b.IntN(2))
		if b.IntN(4) == 0 {
			group = in
		}
		var shape, kernel, strides, dilations, pads []int
		for range dims {
			shape = append(shape, 4+b.IntN(8))
			kernel = append(kernel, 1+b.IntN(3))
			strides = append(strides, 1+b.IntN(6))
			d := 1
			if b.IntN(3) == 0 && op != "AveragePool" {
				d = 2
			}
			dilations = append(dilations, d)
		}
		for i := range 2 * dims {
			pads = append(pads, b.IntN(1+min(2, kernel[i%dims]-1)))
		}
		b.set("kernel_shape", kernel)
		if b.coin() {
			b.set("strides", strides)
		}
		if b.coin() {
			b.set("dilations", dilations)
		}
		switch b.IntN(4) {
		case 0:
			b.set("pads", pads)
		case 1:
			b.set("auto_pad", []string{"SAME_UPPER", "SAME_LOWER", "VALID"}[b.IntN(3)])
		}
		b.input("x", append([]int{1 + b.IntN(2), in}, shape...)...)
		switch op {
		case "Conv":
			b.set("group", group)
			b.weights("w", append([]int{group * (1 + b.IntN(3)), in / group}, kernel...)...)
			if b.coin() {
				b.weights("b", b.m.Graph.Weights["w"].Shape[0])
			}
		case "ConvTranspose":
			b.set("group", group)
			b.weights("w", append([]int{in, 1 + b.IntN(3)}, kernel...)...)
			if b.coin() {
				b.weights("b", b.m.Graph.Weights["w"].Shape[1]*group)
			}
		default:
			if b.coin() {
				b.set("ceil_mode", 1)
			}
			if op == "AveragePool" && b.coin() {
				b.set("count_include_pad", 1)
			}
		}
		b.outputs("y")
		if err := b.prove(t); err != nil {
			refused++
			t.Log(err)
		}
	}
	if refused > 60 {
		t.Errorf("%d of 400 were refused", refused)
	}
}

// TestAmbiguousRecurrentNodes are attributes that runtimes read otherwise than the words
// of the description, or that no words say anything of.
func TestAmbiguousRecurrentNodes(t *testing.T) {
	for _, c := range []struct {
		op, want string
		attrs    map[string]any
	}{
		{"LSTM", "attribute clip", map[string]any{"clip": 0.3}},
		{"RNN", "no activation_alpha", map[string]any{"activations": []string{"Affine"}}},
		{"RNN", "no activation_beta", map[string]any{"activations": []string{"ScaledTanh"}, "activation_alpha": []float32{0.5}}},
		{"RNN", "", map[string]any{"activations": []string{"Affine"}, "activation_alpha": []float32{0.5}}},
		{"GRU", "", map[string]any{"clip": 0.3}},
	} {
		b := newModel(1, c.op, 17)
		gates := map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[c.op]
		for name, v := range c.attrs {
			b.set(name, v)
		}
		b.input("X", 2, 1, 3)
		b.weights("W", 1, gates*2, 3)
		b.weights("R", 1, gates*2, 2)
		b.outputs("Y")
		if err := b.prove(t); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s %v: error %v, expected %q", c.op, c.attrs, err, c.want)
		}
	}
}
