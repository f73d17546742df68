package checkpoint

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/train/nn"
)

// ONNX's recurrent nodes hold W (1, G*H, F), R (1, G*H, H) and B (1, 2*G*H), the
// input bias before the recurrent one. Gate orders: GRU z, r, h, as Keras; LSTM i, o,
// f, c. A GRU with linear_before_reset = 1 is Keras' reset_after, with 0 the classic
// form, whose two biases only ever act as their sum.

var onnxGates = map[nn.Cell][]int{nn.GRU: {0, 1, 2}, nn.LSTM: {0, 2, 3, 1}, nn.SimpleRNN: {0}}

var onnxCells = map[string]nn.Cell{"GRU": nn.GRU, "LSTM": nn.LSTM, "RNN": nn.SimpleRNN}

// onnxBetween are the operators that may stand around the recurrent nodes and the
// linear layer: they move, pick or name values.
var onnxBetween = []string{"Add", "Cast", "Concat", "Constant", "ConstantOfShape", "Dropout", "Expand", "Flatten", "Gather", "Identity",
	"LogSoftmax", "Reshape", "Shape", "Slice", "Softmax", "Squeeze", "Transpose", "Unsqueeze"}

// ReadONNX reads a network from an ONNX model: recurrent nodes one after the other
// and one linear layer (Gemm, or MatMul and Add). file is its name for messages. The
// head is applied to every step where the linear layer reads all steps of the last
// recurrent node. Steps is 0 where the model's input leaves them open.
func ReadONNX(file string, raw []byte) (*nn.Network, error) {
	g, err := parseModel(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: not an ONNX model: %w", file, err)
	}
	net, err := g.network()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return net, nil
}

func (g *onnxGraph) network() (*nn.Network, error) {
	net := &nn.Network{}
	var first, last, linear *onnxNode
	for _, n := range g.nodes {
		cell, recurrent := onnxCells[n.op]
		switch {
		case recurrent:
			if linear != nil {
				return nil, fmt.Errorf("node %s: a recurrent node after the linear layer %s", n.title(), linear.title())
			}
			l, err := g.layer(n, cell)
			if err != nil {
				return nil, fmt.Errorf("node %s: %w", n.title(), err)
			}
			if last != nil && (g.source(n.input(0)) != last || l.Features != net.Layers[len(net.Layers)-1].Units) {
				return nil, fmt.Errorf("node %s: it does not take the output of %s: expected one chain of recurrent nodes", n.title(), last.title())
			}
			if len(net.Layers) == maxLayers {
				return nil, fmt.Errorf("more than %d recurrent nodes", maxLayers)
			}
			if first == nil {
				first = n
			}
			net.Layers, last = append(net.Layers, *l), n
		case n.op == "Gemm" || n.op == "MatMul":
			if linear != nil || last == nil {
				return nil, fmt.Errorf("node %s: expected one linear layer, after the recurrent nodes", n.title())
			}
			linear = n
		case !slices.Contains(onnxBetween, n.op):
			return nil, fmt.Errorf("node %s: operator %s has no place in a recurrent network with one linear layer", n.title(), n.op)
		}
	}
	if last == nil || linear == nil {
		return nil, fmt.Errorf("expected GRU, LSTM or RNN nodes and a Gemm or MatMul; the graph has %d recurrent nodes and linear layer: %v", len(net.Layers), linear != nil)
	}
	net.Features, net.Name = net.Layers[0].Features, net.Layers[0].Cell.String()
	net.Steps = g.steps(first)
	if err := g.head(net, linear); err != nil {
		return nil, fmt.Errorf("node %s: %w", linear.title(), err)
	}
	node, picked := g.trace(linear.input(0), last)
	if node == nil {
		return nil, fmt.Errorf("node %s: it does not take the output of %s", linear.title(), last.title())
	}
	net.PerStep = !picked
	return net, nil
}

func (n *onnxNode) title() string {
	if n.name == "" && len(n.outputs) > 0 {
		return fmt.Sprintf("%q (%s)", n.outputs[0], n.op)
	}
	return fmt.Sprintf("%q (%s)", n.name, n.op)
}

// input returns the name of input i, "" where it is left out.
func (n *onnxNode) input(i int) string {
	if i < len(n.inputs) {
		return n.inputs[i]
	}
	return ""
}

func (g *onnxGraph) producer(value string) *onnxNode {
	for _, n := range g.nodes {
		if value != "" && slices.Contains(n.outputs, value) {
			return n
		}
	}
	return nil
}

// source follows a value back through operators that only move data to a recurrent
// node.
func (g *onnxGraph) source(value string) *onnxNode {
	n, _ := g.trace(value, nil)
	return n
}

// trace follows a value back to a recurrent node, to want where given. picked says
// that one step was picked on the way: the last state, or a part of all states.
func (g *onnxGraph) trace(value string, want *onnxNode) (node *onnxNode, picked bool) {
	for range len(g.nodes) + 1 {
		n := g.producer(value)
		if n == nil {
			return nil, false
		}
		if _, ok := onnxCells[n.op]; ok {
			if want != nil && n != want {
				return nil, false
			}
			return n, picked || n.outputs[0] != value
		}
		picked = picked || n.op == "Gather" || n.op == "Slice"
		value = n.input(0)
	}
	return nil, false
}

// steps reads the number of steps off the graph's input: its first dimension, or
// the second where a Transpose or layout 1 puts the batch first.
func (g *onnxGraph) steps(first *onnxNode) int {
	value, batchFirst := first.input(0), first.attributes["layout"].i == 1
	for range len(g.nodes) + 1 {
		if dims, ok := g.inputs[value]; ok {
			switch {
			case len(dims) != 3:
				return 0
			case batchFirst:
				return min(dims[1], maxWidth)
			}
			return min(dims[0], maxWidth)
		}
		n := g.producer(value)
		if n == nil {
			return 0
		}
		if n.op == "Transpose" {
			batchFirst = !batchFirst
		}
		value = n.input(0)
	}
	return 0
}

// take returns a weight tensor with the given dimensions; a 0 stands for any.
func (g *onnxGraph) take(name string, dims ...int) ([]float32, []int, error) {
	t := g.tensors[name]
	if t == nil {
		return nil, nil, fmt.Errorf("weights %q are no constant of the model", name)
	}
	ok := len(t.dims) == len(dims)
	for i := 0; ok && i < len(dims); i++ {
		ok = dims[i] == t.dims[i] || dims[i] == 0 && t.dims[i] > 0 && t.dims[i] <= maxWidth
	}
	if !ok {
		return nil, nil, fmt.Errorf("tensor %q has dimensions %v, expected %v (0 for any)", name, t.dims, dims)
	}
	v, err := t.values()
	if err != nil {
		return nil, nil, err
	}
	return v, t.dims, finite("weights", name, v)
}

func (g *onnxGraph) layer(n *onnxNode, cell nn.Cell) (*nn.Layer, error) {
	if d := n.attributes["direction"].s; d != "" && d != "forward" {
		return nil, fmt.Errorf("direction is %s: only forward can be carried from call to call", d)
	}
	for _, name := range []string{"clip", "input_forget"} {
		if a, ok := n.attributes[name]; ok && (a.f != 0 || a.i != 0) {
			return nil, fmt.Errorf("attribute %s is not supported", name)
		}
	}
	if n.input(4) != "" {
		return nil, fmt.Errorf("sequence_lens is not supported: all sequences have the same length")
	}
	if n.input(7) != "" {
		return nil, fmt.Errorf("peepholes are not supported")
	}
	l := &nn.Layer{Cell: cell, ResetAfter: cell == nn.GRU && n.attributes["linear_before_reset"].i != 0}
	usual := map[nn.Cell][]string{nn.GRU: {"Sigmoid", "Tanh"}, nn.LSTM: {"Sigmoid", "Tanh", "Tanh"}, nn.SimpleRNN: {"Tanh"}}[cell]
	switch a := n.attributes["activations"].strings; {
	case len(a) == 0 || slices.Equal(a, usual):
	case cell == nn.SimpleRNN && slices.Equal(a, []string{"Relu"}):
		l.Activation = nn.Relu
	default:
		return nil, fmt.Errorf("activations are %v, expected %v", a, usual)
	}
	gates := cell.Gates()
	r, dims, err := g.take(n.input(2), 1, 0, 0)
	if err != nil {
		return nil, err
	}
	l.Units = dims[2]
	cols := gates * l.Units
	if dims[1] != cols {
		return nil, fmt.Errorf("tensor %q has dimensions %v, expected %d times %d rows", n.input(2), dims, gates, l.Units)
	}
	w, dims, err := g.take(n.input(1), 1, cols, 0)
	if err != nil {
		return nil, err
	}
	l.Features = dims[2]
	bias := make([]float32, 2*cols)
	if n.input(3) != "" {
		if bias, _, err = g.take(n.input(3), 1, 2*cols); err != nil {
			return nil, err
		}
	}
	l.Kernel, l.Recurrent, l.Bias = make([]float32, l.Features*cols), make([]float32, l.Units*cols), make([]float32, cols)
	if l.ResetAfter {
		l.Bias = make([]float32, 2*cols)
	}
	for gate, from := range onnxGates[cell] {
		for j := range l.Units {
			row, col := from*l.Units+j, gate*l.Units+j
			for i := range l.Features {
				l.Kernel[i*cols+col] = w[row*l.Features+i]
			}
			for i := range l.Units {
				l.Recurrent[i*cols+col] = r[row*l.Units+i]
			}
			if l.ResetAfter {
				l.Bias[col], l.Bias[cols+col] = bias[row], bias[cols+row]
			} else {
				l.Bias[col] = bias[row] + bias[cols+row]
			}
		}
	}
	return l, nil
}

// head reads the linear layer: Gemm with its bias, or MatMul with the Add after it.
func (g *onnxGraph) head(net *nn.Network, n *onnxNode) error {
	units := net.Layers[len(net.Layers)-1].Units
	bias := n.input(2)
	transposed := false
	if n.op == "Gemm" {
		one := func(name string) bool { a, ok := n.attributes[name]; return !ok || a.f == 1 }
		if !one("alpha") || !one("beta") || n.attributes["transA"].i != 0 {
			return fmt.Errorf("alpha and beta other than 1 and transA are not supported")
		}
		transposed = n.attributes["transB"].i != 0
	} else {
		bias = ""
		for _, add := range g.nodes {
			if add.op == "Add" && len(n.outputs) > 0 && slices.Contains(add.inputs, n.outputs[0]) {
				for _, in := range add.inputs {
					if g.tensors[in] != nil {
						bias = in
					}
				}
			}
		}
	}
	dims := []int{units, 0}
	if transposed {
		dims = []int{0, units}
	}
	w, dims, err := g.take(n.input(1), dims...)
	if err != nil {
		return err
	}
	net.Outputs = dims[1]
	if transposed {
		net.Outputs = dims[0]
	}
	net.HeadKernel, net.HeadBias = make([]float32, len(w)), make([]float32, net.Outputs)
	for i := range units {
		for k := range net.Outputs {
			if transposed {
				net.HeadKernel[i*net.Outputs+k] = w[k*units+i]
			} else {
				net.HeadKernel[i*net.Outputs+k] = w[i*net.Outputs+k]
			}
		}
	}
	if bias != "" {
		net.HeadBias, _, err = g.take(bias, net.Outputs)
	}
	return err
}
