// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"math"
	"slices"
)

// layerKind writes a layer of a class.
type layerKind func(w *writer, in []value) []value

// layerKinds is filled by the files of layers.
var layerKinds = map[string]layerKind{}

func register(kinds map[string]layerKind) bool {
	for class, f := range kinds {
		layerKinds[class] = f
	}
	return true
}

// merging are the classes of layers that read several values.
var merging = map[string]bool{"Concatenate": true, "Add": true, "Subtract": true, "Multiply": true, "Average": true, "Maximum": true, "Minimum": true}

// remedies say what to do without a layer.
var remedies = map[string]string{
	"Embedding":          "its input is numbers of words; put the table outside of the model and feed its rows",
	"Masking":            "a mask makes the number of steps depend on data; train and save with sequences of one length",
	"Lambda":             "it is Python code; write it with layers",
	"CuDNNGRU":           "a layer of Keras 1; copy its weights into GRU(reset_after=True)",
	"CuDNNLSTM":          "a layer of Keras 1; copy its weights into LSTM",
	"ConvLSTM2D":         "write its step with Conv2D and a state",
	"MultiHeadAttention": "save it as ONNX, whose MatMul and Softmax are taken",
	"StringLookup":       "text has to become numbers outside of the model",
	"Functional":         "a model within the model; put its layers into the outer one, or save as ONNX",
	"Sequential":         "a model within the model; put its layers into the outer one, or save as ONNX",
	"GroupNormalization": "save it as ONNX",
	"SpatialDropout3D":   "three dimensions of space are not taken",
	"Discretization":     "put it outside of the model",
	"RandomFlip":         "save the model without layers that change its training data",
}

// same passes its input on.
func same(w *writer, in []value) []value {
	w.l.known("")
	return in[:1]
}

var _ = register(map[string]layerKind{
	"Dropout": same, "SpatialDropout1D": same, "SpatialDropout2D": same, "GaussianNoise": same, "GaussianDropout": same, "AlphaDropout": same,
	"ActivityRegularization": func(w *writer, in []value) []value { w.l.known("l1 l2"); return in[:1] },

	"Dense": func(w *writer, in []value) []value {
		l := w.l
		l.known("units activation use_bias")
		units, bias := l.Config.whole("units", 0, 1), l.Config.flag("use_bias", true)
		set := w.m.tensors(l, l.part, []string{"kernel", "bias"})
		kernel := take(set, "kernel", in[0].last(), units)
		shape := append(slices.Clone(in[0].shape[:in[0].rank()-1]), units)
		v := w.node("MatMul", nil, shape, in[0].name, w.floats(kernel, in[0].last(), units))
		if bias {
			v = w.node("Add", nil, shape, v.name, w.floats(take(set, "bias", units), units))
		}
		return []value{w.activation(l.Config["activation"], v)}
	},
	"Activation": func(w *writer, in []value) []value {
		w.l.known("activation")
		return []value{w.activation(w.l.Config["activation"], in[0])}
	},
	"ReLU":      reluLayer,
	"LeakyReLU": leakyLayer,
	"ELU": func(w *writer, in []value) []value {
		w.l.known("alpha")
		return []value{w.node("Elu", map[string]any{"alpha": w.l.Config.number("alpha", 1)}, in[0].shape, in[0].name)}
	},
	"PReLU": func(w *writer, in []value) []value {
		w.l.known("shared_axes")
		shape := slices.Clone(in[0].shape[1:])
		if list, ok := w.l.Config["shared_axes"].([]any); ok {
			for _, a := range list {
				shape[w.l.axis(a, in[0].rank())-1] = 1
			}
		}
		alpha := take(w.m.tensors(w.l, w.l.part, []string{"alpha"}), "alpha", shape...)
		return []value{w.node("PRelu", nil, in[0].shape, in[0].name, w.floats(alpha, shape...))}
	},
	"Softmax": func(w *writer, in []value) []value {
		w.l.known("axis")
		axis := in[0].rank() - 1
		if a := w.l.Config["axis"]; a != nil {
			axis = w.l.axis(a, in[0].rank())
		}
		return []value{w.node("Softmax", map[string]any{"axis": axis}, in[0].shape, in[0].name)}
	},
	"Rescaling": func(w *writer, in []value) []value {
		w.l.known("scale offset")
		return []value{w.affine(in[0], float32(w.l.Config.number("scale", 1)), float32(w.l.Config.number("offset", 0)))}
	},

	"BatchNormalization": batchNorm,
	"LayerNormalization": layerNorm,
	"Normalization":      normalization,
})

// axis reads a dimension, counted from the batch on, which it may not be.
func (l *Layer) axis(v any, rank int) int {
	if list, ok := v.([]any); ok && len(list) == 1 {
		v = list[0]
	}
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f < float64(-rank) || f >= float64(rank) {
		refuse("axis %v of %d dimensions", v, rank)
	}
	a := int(f)
	if a < 0 {
		a += rank
	}
	if a == 0 {
		refuse("axis 0 is the batch")
	}
	return a
}

// affine multiplies by a number and adds one.
func (w *writer) affine(v value, scale, offset float32) value {
	if scale != 1 {
		v = w.node("Mul", nil, v.shape, v.name, w.floats([]float32{scale}))
	}
	if offset != 0 {
		v = w.node("Add", nil, v.shape, v.name, w.floats([]float32{offset}))
	}
	return v
}

func reluLayer(w *writer, in []value) []value {
	w.l.known("max_value negative_slope threshold")
	c, v := w.l.Config, in[0]
	slope, threshold := c.number("negative_slope", 0), c.number("threshold", 0)
	top, limited := c.number("max_value", 0), c["max_value"] != nil
	switch {
	case top < 0:
		refuse("max_value %g: expected 0 or more", top)
	case threshold != 0:
		refuse("threshold %g: expected 0", threshold)
	case slope != 0 && limited:
		refuse("negative_slope %g and max_value %g together have no form", slope, top)
	case slope != 0:
		return []value{w.node("LeakyRelu", map[string]any{"alpha": slope}, v.shape, v.name)}
	case limited:
		return []value{w.clip(v, 0, float32(top))}
	}
	return []value{w.node("Relu", nil, v.shape, v.name)}
}

func leakyLayer(w *writer, in []value) []value {
	w.l.known("alpha negative_slope")
	slope := w.l.Config.number("negative_slope", w.l.Config.number("alpha", 0.3))
	return []value{w.node("LeakyRelu", map[string]any{"alpha": slope}, in[0].shape, in[0].name)}
}

func (w *writer) clip(v value, low, high float32) value {
	return w.node("Clip", nil, v.shape, v.name, w.floats([]float32{low}), w.floats([]float32{high}))
}

// batchNorm has its channels in the second place for ONNX.
func batchNorm(w *writer, in []value) []value {
	w.l.known("axis epsilon center scale")
	v, c := in[0], w.l.Config
	axis := v.rank() - 1
	if a := c["axis"]; a != nil {
		axis = w.l.axis(a, v.rank())
	}
	channels := v.shape[axis]
	names := []string{"moving_mean", "moving_variance"}
	if c.flag("center", true) {
		names = append([]string{"beta"}, names...)
	}
	if c.flag("scale", true) {
		names = append([]string{"gamma"}, names...)
	}
	set := w.m.tensors(w.l, w.l.part, names)
	gamma, beta := make([]float32, channels), make([]float32, channels)
	for i := range gamma {
		gamma[i] = 1
	}
	if c.flag("scale", true) {
		gamma = take(set, "gamma", channels)
	}
	if c.flag("center", true) {
		beta = take(set, "beta", channels)
	}
	variance := take(set, "moving_variance", channels)
	if least := slices.Min(variance); float64(least)+c.epsilon() <= 0 {
		refuse("its moving_variance has a value of %g, expected more than 0 with its epsilon", least)
	}
	perm, back := []int{0, axis}, make([]int, v.rank())
	for i := 1; i < v.rank(); i++ {
		if i != axis {
			perm = append(perm, i)
		}
	}
	for i, p := range perm {
		back[p] = i
	}
	t := w.transpose(v, perm...)
	t = w.node("BatchNormalization", map[string]any{"epsilon": c.epsilon()}, t.shape, t.name,
		w.floats(gamma, channels), w.floats(beta, channels),
		w.floats(take(set, "moving_mean", channels), channels), w.floats(variance, channels))
	return []value{w.transpose(t, back...)}
}

func layerNorm(w *writer, in []value) []value {
	w.l.known("axis epsilon center scale")
	v, c := in[0], w.l.Config
	if a := c["axis"]; a != nil && w.l.axis(a, v.rank()) != v.rank()-1 {
		refuse("axis %v: expected the last one", a)
	}
	n := v.last()
	var names []string
	for _, k := range [][2]string{{"scale", "gamma"}, {"center", "beta"}} {
		if c.flag(k[0], true) {
			names = append(names, k[1])
		}
	}
	set := w.m.tensors(w.l, w.l.part, names)
	scale, shift := make([]float32, n), make([]float32, n)
	for i := range scale {
		scale[i] = 1
	}
	if c.flag("scale", true) {
		scale = take(set, "gamma", n)
	}
	if c.flag("center", true) {
		shift = take(set, "beta", n)
	}
	return []value{w.node("LayerNormalization", map[string]any{"axis": -1, "epsilon": c.epsilon()}, v.shape, v.name, w.floats(scale, n), w.floats(shift, n))}
}

// normalization subtracts a mean and divides by a deviation of the training data.
func normalization(w *writer, in []value) []value {
	w.l.known("axis mean variance")
	v := in[0]
	if a := w.l.Config["axis"]; a != nil && w.l.axis(a, v.rank()) != v.rank()-1 {
		refuse("axis %v: expected the last one", a)
	}
	if w.l.Config["mean"] != nil {
		refuse("mean and variance in its description: adapt() it, which keeps them as weights")
	}
	n := v.last()
	set := w.m.tensors(w.l, w.l.part, []string{"mean", "variance"})
	mean, variance := take(set, "mean", n), take(set, "variance", n)
	if least := slices.Min(variance); least < 0 {
		refuse("its variance has a value of %g, expected 0 or more", least)
	}
	shift, factor := make([]float32, n), make([]float32, n)
	for i := range mean {
		shift[i] = -mean[i]
		factor[i] = float32(1 / math.Max(math.Sqrt(float64(variance[i])), 1e-7))
	}
	v = w.node("Add", nil, v.shape, v.name, w.floats(shift, n))
	return []value{w.node("Mul", nil, v.shape, v.name, w.floats(factor, n))}
}
