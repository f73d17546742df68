// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"math"
	"slices"
)

func init() {
	register(map[string]layerKind{
		"GRU": recurrentLayer, "LSTM": recurrentLayer, "SimpleRNN": recurrentLayer, "RNN": recurrentLayer, "Bidirectional": bidirectional,
	})
}

// cellFacts says how a cell is written: Keras' block of each of ONNX's, in its order.
type cellFacts struct {
	op     string
	blocks []int
}

// Keras orders the gates z r h of a GRU, as ONNX does, and i f c o of an LSTM, which are
// i o f c in ONNX.
var cells = map[string]cellFacts{
	"GRU":       {"GRU", []int{0, 1, 2}},
	"LSTM":      {"LSTM", []int{0, 3, 1, 2}},
	"SimpleRNN": {"RNN", []int{0}},
}

// states is the number of values that a cell carries.
func (c cellFacts) states() int {
	if c.op == "LSTM" {
		return 2
	}
	return 1
}

// Words of a description that are read below: of a cell, and of the layer that runs it.
const (
	cellWords = "units activation recurrent_activation use_bias reset_after "
	runWords  = "return_sequences return_state go_backwards stateful time_major zero_output_for_mask "
)

// direction of a recurrent node.
const (
	forward = "forward"
	reverse = "reverse"
)

// stack are the cells that a layer runs, from the input on, as layers: one, or those of RNN.
func (l *Layer) stack() []*Layer {
	if l.Class != "RNN" {
		return []*Layer{l}
	}
	cell := l.wrapped("cell")
	list := []*Layer{cell}
	if cell.Class == "StackedRNNCells" {
		cell.known("cells")
		if list = cell.wrappedList("cells"); len(list) == 0 {
			refuse("it has no cells")
		}
	}
	for _, c := range list {
		class, ok := map[string]string{"GRUCell": "GRU", "LSTMCell": "LSTM", "SimpleRNNCell": "SimpleRNN"}[c.Class]
		if !ok {
			refuse("it runs a %s; expected GRUCell, LSTMCell or SimpleRNNCell", c.Class)
		}
		c.Class = class
	}
	return list
}

func recurrentLayer(w *writer, in []value) []value {
	l := w.l
	direction := forward
	if l.Config.flag("go_backwards", false) {
		direction = reverse
	}
	rows, states := w.recurrent(l, in, direction)
	out := states[len(states)-lastCell(l).states()]
	if l.Config.flag("return_sequences", false) {
		out = rows
		if direction == reverse { // which Keras gives in the order of computation
			out = w.node("Slice", nil, rows.shape, rows.name, w.ints(-1), w.ints(math.MinInt32), w.ints(1), w.ints(-1))
		}
	}
	if l.Config.flag("return_state", false) {
		return append([]value{out}, states...)
	}
	return []value{out}
}

// lastCell is what gives the rows of a layer.
func lastCell(l *Layer) cellFacts {
	list := l.stack()
	return cells[list[len(list)-1].Class]
}

// recurrent writes a layer over all steps. in is what it reads, and the states that it starts
// with where they are given. Rows [1,T,H] are in the order of the input; states, for each
// cell h [1,H] and c of an LSTM, are those that are computed last.
func (w *writer) recurrent(l *Layer, in []value, direction string) (rows value, states []value) {
	rows = want(in[0], 3)
	if l.Config.flag("stateful", false) {
		refuse("stateful: its state goes from call to call; save the model with stateful=False and give --steps, which carries it")
	}
	if l.Config.flag("time_major", false) {
		refuse("time_major: expected the batch before the steps")
	}
	words, list, count := runWords+cellWords, l.stack(), 0
	if l.Class == "RNN" {
		words = runWords + "cell "
	}
	l.known(words)
	for _, c := range list {
		count += cells[c.Class].states()
	}
	start := in[1:]
	if len(start) > 0 && len(start) != count {
		refuse("it is called with %d initial states, expected %d", len(start), count)
	}
	for _, c := range list {
		c.known(words + cellWords)
		n := cells[c.Class].states()
		var given, ends []value
		if len(start) > 0 {
			given, start = start[:n], start[n:]
		}
		rows, ends = w.cell(c, rows, given, direction)
		states = append(states, ends...)
	}
	return rows, states
}

// cell writes one cell over all steps.
func (w *writer) cell(l *Layer, x value, start []value, direction string) (rows value, states []value) {
	cell := cells[l.Class]
	units, steps, features := l.Config.whole("units", 0, 1), x.shape[1], x.last()
	gates := len(cell.blocks)
	cols := gates * units
	set := w.m.tensors(l, []string{"kernel", "recurrent_kernel", "bias"})
	kernel, inner := take(set, "kernel", features, cols), take(set, "recurrent_kernel", units, cols)
	bias := make([]float32, 2*cols) // of the input, and of the recurrent product
	attrs := map[string]any{"hidden_size": units, "direction": direction}
	resetAfter := false
	if l.Class == "GRU" {
		resetAfter = l.Config.flag("reset_after", !w.m.store.Early())
		attrs["linear_before_reset"] = 0
		if resetAfter {
			attrs["linear_before_reset"] = 1
		}
	}
	switch {
	case !l.Config.flag("use_bias", true):
	case resetAfter:
		copy(bias, take(set, "bias", 2, cols))
	default:
		copy(bias, take(set, "bias", cols))
	}
	// ONNX has units and gates in front, and both biases in one row.
	turn := func(m []float32, rows int) []float32 {
		out := make([]float32, 0, len(m))
		for _, b := range cell.blocks {
			for j := range units {
				for i := range rows {
					out = append(out, m[i*cols+b*units+j])
				}
			}
		}
		return out
	}
	in := []string{w.transpose(x, 1, 0, 2).name, w.floats(turn(kernel, features), 1, cols, features), w.floats(turn(inner, units), 1, cols, units),
		w.floats(append(turn(bias[:cols], 1), turn(bias[cols:], 1)...), 1, 2*cols)}
	if len(start) > 0 {
		in = append(in, "") // lengths of sequences
	}
	for _, s := range start {
		if !slices.Equal(s.shape, []int{1, units}) {
			refuse("an initial state has shape %v, expected %v", s.shape, []int{1, units})
		}
		in = append(in, w.reshape(s, 1, 1, units).name)
	}
	attrs["activations"], attrs["activation_alpha"], attrs["activation_beta"] = w.cellActivations(l)
	names := []string{w.next("rows"), w.next("h")}
	shapes := [][]int{{steps, 1, 1, units}, {1, 1, units}}
	if l.Class == "LSTM" {
		names, shapes = append(names, w.next("c")), append(shapes, []int{1, 1, units})
	}
	w.raw(cell.op, attrs, in, names[0])
	w.g.Nodes[len(w.g.Nodes)-1].Outputs = names
	rows = w.reshape(value{names[0], shapes[0]}, 1, steps, units)
	for i, name := range names[1:] {
		states = append(states, w.reshape(value{name, shapes[1+i]}, 1, units))
	}
	return rows, states
}

// cellActivations are those of an ONNX node. alpha and beta are of those that have them alone,
// in their order.
func (w *writer) cellActivations(l *Layer) (names []string, alpha, beta []float32) {
	add := func(key string) {
		v, given := l.Config[key]
		if !given {
			refuse("its description has no %s", key)
		}
		name, ok := v.(string)
		if v == nil {
			name, ok = "linear", true
		}
		known := map[string]string{"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "softsign": "Softsign", "softplus": "Softplus", "elu": "Elu", "celu": "Elu", "hard_sigmoid": "HardSigmoid", "leaky_relu": "LeakyRelu", "linear": "Affine"}
		switch name {
		case "elu", "celu":
			alpha = append(alpha, 1)
		case "leaky_relu":
			alpha = append(alpha, 0.2)
		case "linear":
			alpha, beta = append(alpha, 1), append(beta, 0)
		case "hard_sigmoid":
			a, b := w.m.hardSigmoid()
			alpha, beta = append(alpha, float32(a)), append(beta, float32(b))
		}
		if !ok || known[name] == "" {
			refuse("activation %v of a cell: there is no form for it", spoken(v))
		}
		names = append(names, known[name])
	}
	if l.Class != "SimpleRNN" {
		add("recurrent_activation")
	}
	add("activation")
	if l.Class == "LSTM" {
		add("activation")
	}
	return names, alpha, beta
}

// bidirectional runs a layer both ways, and its rows are in the order of the input.
func bidirectional(w *writer, in []value) []value {
	l := w.l
	l.known("layer backward_layer merge_mode")
	ahead, back := l.both()
	for _, side := range []*Layer{ahead, back} {
		if cells[side.Class].op == "" && side.Class != "RNN" {
			refuse("it runs a %s both ways; expected GRU, LSTM, SimpleRNN or RNN", side.Class)
		}
	}
	if ahead.Config.flag("go_backwards", false) || !back.Config.flag("go_backwards", false) {
		refuse("go_backwards: expected its first layer to run forward and the second backward")
	}
	sequences, carried := ahead.Config.flag("return_sequences", false), ahead.Config.flag("return_state", false)
	if back.Config.flag("return_sequences", false) != sequences || back.Config.flag("return_state", false) != carried {
		refuse("one of its layers returns sequences or states and the other does not")
	}
	start := in[1:]
	if len(start)%2 != 0 {
		refuse("it is called with %d initial states, expected those of both directions", len(start))
	}
	half := len(start) / 2
	rows, last := w.recurrent(ahead, append(in[:1:1], start[:half]...), forward)
	rowsBack, lastBack := w.recurrent(back, append(in[:1:1], start[half:]...), reverse)
	a, b := last[len(last)-lastCell(ahead).states()], lastBack[len(lastBack)-lastCell(back).states()]
	if sequences {
		a, b = rows, rowsBack
	}
	out := w.join(l.Config, a, b)
	if carried {
		out = append(append(out, last...), lastBack...)
	}
	return out
}

// both are the layers of a Bidirectional one.
func (l *Layer) both() (ahead, back *Layer) {
	ahead = l.wrapped("layer")
	ahead.within[len(ahead.within)-1].attribute, ahead.within[len(ahead.within)-1].prefix = "forward_layer", "forward_"
	if l.Config["backward_layer"] != nil {
		back = l.wrapped("backward_layer")
	} else {
		back = l.wrapped("layer")
		back.Config["go_backwards"] = true
		back.within[len(back.within)-1].name = "" // which is that of the other direction
	}
	back.within[len(back.within)-1].attribute, back.within[len(back.within)-1].prefix = "backward_layer", "backward_"
	return ahead, back
}

// join merges what both directions give.
func (w *writer) join(c config, a, b value) []value {
	mode, given := c["merge_mode"]
	if !given {
		mode = "concat"
	}
	if mode != "concat" && mode != nil && !slices.Equal(a.shape, b.shape) {
		refuse("merge_mode %v of %d and %d units", mode, a.last(), b.last())
	}
	switch mode {
	case "concat":
		shape := slices.Clone(a.shape)
		shape[len(shape)-1] += b.last()
		return []value{w.node("Concat", map[string]any{"axis": len(shape) - 1}, shape, a.name, b.name)}
	case "sum":
		return []value{w.node("Add", nil, a.shape, a.name, b.name)}
	case "mul":
		return []value{w.node("Mul", nil, a.shape, a.name, b.name)}
	case "ave":
		return []value{w.affine(w.node("Add", nil, a.shape, a.name, b.name), 0.5, 0)}
	case nil:
		return []value{a, b}
	}
	refuse("merge_mode %v: expected concat, sum, mul, ave or none", mode)
	return nil
}
