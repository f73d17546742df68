package unroll

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// cell is one recurrent layer while its steps are being built.
type cell struct {
	*builder
	nn.Layer
	o     Options
	name  string // "gru0"
	index int
	h, c  graph.TensorID // current state, None for zero
	step  int            // being built
}

// cell starts layer l of the network and declares its state inputs.
func (b *builder) cell(net *nn.Network, l int, o Options) *cell {
	c := &cell{
		builder: b, Layer: net.Layers[l], o: o, index: l,
		name: fmt.Sprintf("%v%d", net.Layers[l].Cell, l), h: graph.None, c: graph.None,
	}
	b.Carried[c.role("h")] = true
	if c.Activation == nn.Tanh {
		// tanh, o*tanh(c) and a mean of tanh values stay within it.
		b.Bounds[c.role("h")] = [2]float32{-1, 1}
	}
	if c.Cell == nn.LSTM {
		b.Sums[c.role("c")] = true
		b.Within[c.role("fc")] = c.role("c") // the forget gate is at most 1
	}
	if o.StateIO {
		c.h = b.stateIn(fmt.Sprintf("state_h%d", l), c.role("h"), c.Units)
		if c.Cell == nn.LSTM {
			c.c = b.stateIn(fmt.Sprintf("state_c%d", l), c.role("c"), c.Units)
		}
	}
	return c
}

func (b *builder) stateIn(name, role string, units int) graph.TensorID {
	id := b.value(name, role, 1, units)
	b.Graph.Inputs = append(b.Graph.Inputs, id)
	return id
}

// role names what all steps of the layer share.
func (c *cell) role(what string) string { return c.name + "/" + what }

// tied returns the role of an operand of an ADD: its own, or with Options.Tied
// the one that it shares with the other operand.
func (c *cell) tied(what, to string) string {
	if !c.o.Tied || c.o.Form != NPU {
		return c.role(what)
	}
	// A state of RELU is never negative: around zero it would lose a bit.
	c.Symmetric[c.role(to)] = to != "h" || c.Activation == nn.Tanh
	return c.role(to)
}

// at names a tensor of the step being built.
func (c *cell) at(what string) string { return fmt.Sprintf("%s/t%02d/%s", c.name, c.step, what) }

// weights adds a constant matrix of the layer.
func (c *cell) weights(what string, m matrix) graph.TensorID {
	return c.constant(c.role(what), m.data, m.outputs, m.inputs)
}

// bias adds a constant bias of the layer, or none when it is all zero.
func (c *cell) bias(what string, v []float32) graph.TensorID {
	if zero(v) {
		return graph.None
	}
	return c.constant(c.role(what), v, len(v))
}

// stateName returns the name of the tensor that holds h or c after the step
// being built: the last one is the state output.
func (c *cell) stateName(what string) string {
	if c.o.StateIO && c.step == c.o.Steps-1 {
		return fmt.Sprintf("state_%s%d_out", what, c.index)
	}
	return c.at(what)
}

// states declares the state outputs after the last step. in and out are h, and
// c where the cell has it.
func (c *cell) states(inH, inC graph.TensorID) {
	if !c.o.StateIO {
		return
	}
	c.Graph.Outputs = append(c.Graph.Outputs, c.h)
	c.Graph.States = append(c.Graph.States, graph.State{In: inH, Out: c.h})
	if c.Cell == nn.LSTM {
		c.Graph.Outputs = append(c.Graph.Outputs, c.c)
		c.Graph.States = append(c.Graph.States, graph.State{In: inC, Out: c.c})
	}
}

// run builds all steps with the given step function and returns every h(t).
func (c *cell) run(step func(t int)) []graph.TensorID {
	inH, inC := c.h, c.c
	var hs []graph.TensorID
	for t := range c.o.Steps {
		c.step = t
		step(t)
		hs = append(hs, c.h)
	}
	c.states(inH, inC)
	return hs
}

// npu builds all steps in the npu form on the rows x [T,F].
func (c *cell) npu(x graph.TensorID) []graph.TensorID {
	switch c.Cell {
	case nn.GRU:
		return c.npuGRU(x)
	case nn.LSTM:
		return c.npuLSTM(x)
	}
	return c.npuRNN(x)
}

// keras builds all steps in the converter's form on T rows [1,F].
func (c *cell) keras(xs []graph.TensorID) []graph.TensorID {
	switch c.Cell {
	case nn.GRU:
		return c.kerasGRU(xs)
	case nn.LSTM:
		return c.kerasLSTM(xs)
	}
	return c.kerasRNN(xs)
}

// project multiplies all steps' inputs with the input weights at once and
// returns the row of each step, an address into the product.
func (c *cell) project(x graph.TensorID, w matrix, bias []float32) []graph.TensorID {
	xp := c.fc(c.role("xp"), c.tied("xp", "pre"), x, c.weights("kernel", w), c.bias("bias", bias))
	names := make([]string, c.o.Steps)
	for t := range names {
		names[t] = fmt.Sprintf("%s/t%02d/x", c.name, t)
	}
	return c.split(xp, 0, names...)
}

// candidate applies the candidate activation to x+y.
func (c *cell) candidate(what string, x, y graph.TensorID) graph.TensorID {
	if c.Activation == nn.Relu {
		return c.sum(c.at(what), c.role(what), graph.ActRelu, x, y)
	}
	pre := c.sum(c.at("pre_"+what), c.role("pre_"+what), graph.ActNone, x, y)
	return c.tanh(c.at(what), c.role(what), pre)
}

// activate applies the candidate activation to x alone. The result of a RELU
// keeps the role of x: the operator is exact only without a change of scale.
func (c *cell) activate(what string, x graph.TensorID) graph.TensorID {
	if c.Activation == nn.Relu {
		return c.one(graph.Relu, nil, c.at(what), c.Role[x], c.shape(x), x)
	}
	return c.tanh(c.at(what), c.role(what), x)
}
