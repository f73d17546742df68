// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"encoding/json"
	"math"
	"slices"
)

var _ = register(map[string]layerKind{
	"GRU": recurrentLayer, "LSTM": recurrentLayer, "SimpleRNN": recurrentLayer, "Bidirectional": bidirectional, "TimeDistributed": timeDistributed,
})

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

// recurrentWords are those of a description that are read below.
const recurrentWords = "units activation recurrent_activation use_bias return_sequences return_state go_backwards reset_after time_major zero_output_for_mask "

// direction of a recurrent node.
const (
	forward = "forward"
	reverse = "reverse"
)

func recurrentLayer(w *writer, in []value) []value {
	l := w.l
	direction := forward
	if l.Config.flag("go_backwards", false) {
		direction = reverse
	}
	rows, states := w.recurrent(l, in[0], direction)
	out := states[0]
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

// recurrent writes a cell over all steps. Rows [1,T,H] are in the order of the input;
// states, h [1,H] and c of an LSTM, are those that are computed last.
func (w *writer) recurrent(l *Layer, x value, direction string) (rows value, states []value) {
	want(x, 3)
	if l.Config.flag("stateful", false) {
		refuse("stateful: its state goes from call to call; save the model with stateful=False and give --steps, which carries it")
	}
	l.known(recurrentWords)
	if l.Config.flag("time_major", false) {
		refuse("time_major: expected the batch before the steps")
	}
	cell := cells[l.Class]
	units, steps, features := l.Config.whole("units", 0, 1), x.shape[1], x.last()
	gates := len(cell.blocks)
	cols := gates * units
	set := w.m.tensors(l, l.part, []string{"kernel", "recurrent_kernel", "bias"})
	kernel, inner := take(set, "kernel", features, cols), take(set, "recurrent_kernel", units, cols)
	bias := make([]float32, 2*cols) // of the input, and of the recurrent product
	attrs := map[string]any{"hidden_size": units, "direction": direction}
	resetAfter := false
	if l.Class == "GRU" {
		resetAfter = l.Config.flag("reset_after", !w.m.early())
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

// early reports whether the file is of Keras 1, or does not say: reset_after was not its
// default, and is not written.
func (m *Model) early() bool { return m.Version == "" || m.Version[0] == '1' }

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
		known := map[string]string{"tanh": "Tanh", "sigmoid": "Sigmoid", "relu": "Relu", "softsign": "Softsign", "softplus": "Softplus", "elu": "Elu", "hard_sigmoid": "HardSigmoid", "linear": "Affine"}
		switch name {
		case "elu":
			alpha = append(alpha, 1)
		case "linear":
			alpha, beta = append(alpha, 1), append(beta, 0)
		case "hard_sigmoid":
			a, b := w.m.hardSigmoid()
			alpha, beta = append(alpha, float32(a)), append(beta, float32(b))
		}
		if !ok || known[name] == "" {
			refuse("activation %v of a cell: there is no form for it", v)
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

// wrapped reads the layer in a wrapper.
func (l *Layer) wrapped(key string) *Layer {
	b, err := json.Marshal(l.Config[key])
	var raw rawLayer
	if err == nil {
		err = json.Unmarshal(b, &raw)
	}
	if err != nil || raw.ClassName == "" {
		refuse("its description does not say what %s is", key)
	}
	return &Layer{Class: raw.class(), Name: l.Name, Config: raw.Config, numbered: l.numbered}
}

// bidirectional runs a layer both ways, and its rows are in the order of the input.
func bidirectional(w *writer, in []value) []value {
	l := w.l
	l.known("layer backward_layer merge_mode")
	ahead := l.wrapped("layer")
	back := ahead
	if l.Config["backward_layer"] != nil {
		back = l.wrapped("backward_layer")
	} else {
		c := config{}
		for k, v := range ahead.Config {
			c[k] = v
		}
		back = &Layer{Class: ahead.Class, Name: l.Name, Config: c, numbered: l.numbered}
		c["go_backwards"] = true
	}
	for _, side := range []*Layer{ahead, back} {
		if cells[side.Class].op == "" {
			refuse("it runs a %s both ways; expected GRU, LSTM or SimpleRNN", side.Class)
		}
		if side.Config.flag("return_state", false) {
			refuse("return_state of a layer that runs both ways")
		}
	}
	if ahead.Config.flag("go_backwards", false) || !back.Config.flag("go_backwards", false) {
		refuse("go_backwards: expected its first layer to run forward and the second backward")
	}
	every := ahead.Config.flag("return_sequences", false)
	if back.Config.flag("return_sequences", false) != every {
		refuse("one of its layers returns sequences and the other does not")
	}
	ahead.part, back.part = "forward", "backward"
	rows, last := w.recurrent(ahead, in[0], forward)
	rowsBack, lastBack := w.recurrent(back, in[0], reverse)
	a, b := last[0], lastBack[0]
	if every {
		a, b = rows, rowsBack
	}
	mode, given := l.Config["merge_mode"]
	if !given {
		mode = "concat"
	}
	if mode != "concat" && !slices.Equal(a.shape, b.shape) {
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

// rowwise are layers that treat every row of their input alike, however many there are.
var rowwise = []string{"Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "Dropout", "GaussianNoise", "GaussianDropout", "AlphaDropout", "Rescaling", "Softmax", "LayerNormalization", "BatchNormalization"}

// timeDistributed applies a layer to every step.
func timeDistributed(w *writer, in []value) []value {
	outer := w.l
	outer.known("layer")
	x := in[0]
	if x.rank() < 3 {
		refuse("it reads a value of shape %v, which has no steps", x.shape)
	}
	inner := outer.wrapped("layer")
	inner.part = "layer"
	defer func() { w.l = outer }()
	w.l = inner
	switch {
	case inner.Class == "Flatten":
		return []value{w.reshape(x, 1, x.shape[1], elems(x.shape[2:]))}
	case slices.Contains(rowwise, inner.Class):
		// The axes of its description count from the step on.
		for _, a := range []any{inner.Config["axis"]} {
			if list, ok := a.([]any); ok && len(list) == 1 {
				a = list[0]
			}
			if f, ok := a.(float64); ok && f > 0 {
				inner.Config["axis"] = f + 1
			}
		}
		return layerKinds[inner.Class](w, in)
	}
	f := layerKinds[inner.Class]
	if f == nil || merging[inner.Class] || cells[inner.Class].op != "" || inner.Class == "Bidirectional" || inner.Class == "TimeDistributed" {
		refuse("it applies a %s to every step, for which there is no form", inner.Class)
	}
	// Any other layer is written once for every step.
	var outs []value
	steps := x.shape[1]
	const most = 256
	if steps > most {
		refuse("it applies a %s to each of %d steps; expected at most %d", inner.Class, steps, most)
	}
	for t := range steps {
		step := w.node("Slice", nil, append([]int{1, 1}, x.shape[2:]...), x.name, w.ints(t), w.ints(t+1), w.ints(1))
		out := f(w, []value{w.reshape(step, append([]int{1}, x.shape[2:]...)...)})
		outs = append(outs, w.reshape(out[0], append([]int{1, 1}, out[0].shape[1:]...)...))
	}
	shape := slices.Clone(outs[0].shape)
	shape[1] = steps
	names := make([]string, steps)
	for i, v := range outs {
		names[i] = v.name
	}
	return []value{w.node("Concat", map[string]any{"axis": 1}, shape, names...)}
}
