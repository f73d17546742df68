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

func register(kinds map[string]layerKind) {
	for class, f := range kinds {
		layerKinds[class] = f
	}
}

// merging are the classes of layers that read several values.
var merging = map[string]bool{"Concatenate": true, "Add": true, "Subtract": true, "Multiply": true, "Average": true, "Maximum": true, "Minimum": true, "Dot": true,
	"Attention": true, "AdditiveAttention": true, "MultiHeadAttention": true, "GRU": true, "LSTM": true, "SimpleRNN": true, "RNN": true, "Bidirectional": true}

// taken are the arguments with a name that layers of a class are called with.
var taken = map[string][]string{
	"GRU": {"initial_state"}, "LSTM": {"initial_state"}, "SimpleRNN": {"initial_state"}, "RNN": {"initial_state"}, "Bidirectional": {"initial_state"},
	"Attention": {"use_causal_mask", "return_attention_scores"}, "AdditiveAttention": {"use_causal_mask", "return_attention_scores"},
	"MultiHeadAttention": {"query", "value", "key", "use_causal_mask", "return_attention_scores"},
}

// remedies say what to do without a layer.
var remedies = map[string]string{
	"Embedding":             "its input is numbers of words; put the table outside of the model and feed its rows",
	"Masking":               "a mask makes the number of steps depend on data; train and save with sequences of one length, without it",
	"Lambda":                "it is Python code; write it with layers",
	"CuDNNGRU":              "a layer of Keras 1; copy its weights into GRU(reset_after=True)",
	"CuDNNLSTM":             "a layer of Keras 1; copy its weights into LSTM",
	"ConvLSTM1D":            "write its step with Conv1D and a state",
	"ConvLSTM2D":            "write its step with Conv2D and a state",
	"StringLookup":          "text has to become numbers outside of the model",
	"IntegerLookup":         "put it outside of the model",
	"CategoryEncoding":      "its input is numbers of classes; put it outside of the model",
	"Hashing":               "put it outside of the model",
	"TextVectorization":     "text has to become numbers outside of the model",
	"Discretization":        "put it outside of the model",
	"SpatialDropout3D":      "three dimensions of space are not taken",
	"Conv3D":                "three dimensions of space are not taken",
	"RandomFlip":            "save the model without layers that change its training data",
	"TFSMLayer":             "it is a saved model of TensorFlow; convert that to .tflite",
	"TFOpLambda":            "an operator of TensorFlow; write it with layers of Keras",
	"SlicingOpLambda":       "an operator of TensorFlow; write it with layers of Keras",
	"TensorFlowOpLayer":     "an operator of TensorFlow; write it with layers of Keras",
	"ThresholdedReLU":       "write it as ReLU(threshold=…)",
	"SpectralNormalization": "it is for training; take the layer in it out before the model is saved",
	"MelSpectrogram":        "compute features outside of the model",
	"STFTSpectrogram":       "compute features outside of the model",
}

// same passes its input on.
func same(w *writer, in []value) []value {
	w.l.known("")
	return in[:1]
}

func init() {
	register(map[string]layerKind{
		"Dropout": same, "Identity": same, "SpatialDropout1D": same, "SpatialDropout2D": same, "GaussianNoise": same, "GaussianDropout": same, "AlphaDropout": same,
		"ActivityRegularization": func(w *writer, in []value) []value { w.l.known("l1 l2"); return in[:1] },

		"Dense": func(w *writer, in []value) []value {
			l := w.l
			l.known("units activation use_bias")
			units, bias := l.Config.whole("units", 0, 1), l.Config.flag("use_bias", true)
			set := w.m.tensors(l, []string{"kernel", "bias"})
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
			alpha := take(w.m.tensors(w.l, []string{"alpha"}), "alpha", shape...)
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
			scale, offset := w.l.Config.vector("scale", 1, in[0].last()), w.l.Config.vector("offset", 0, in[0].last())
			v := w.node("Mul", nil, in[0].shape, in[0].name, w.floats(scale, len(scale)))
			return []value{w.node("Add", nil, v.shape, v.name, w.floats(offset, len(offset)))}
		},

		"BatchNormalization": batchNorm,
		"LayerNormalization": layerNorm,
		"Normalization":      normalization,
		"RMSNormalization":   rmsNorm,
		"GroupNormalization": groupNorm,
		"UnitNormalization": func(w *writer, in []value) []value {
			w.l.known("axis")
			return []value{w.unit(in[0], w.l.axes(in[0].rank()), w.m.floor(1e-12))}
		},
	})
}

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

// reluLayer is max_value from there on, x above threshold, and slope times what is below it.
func reluLayer(w *writer, in []value) []value {
	w.l.known("max_value negative_slope threshold")
	c, v := w.l.Config, in[0]
	slope, threshold := c.number("negative_slope", 0), c.number("threshold", 0)
	top, limited := c.number("max_value", 0), c["max_value"] != nil
	if top < 0 || threshold < 0 || slope < 0 {
		refuse("max_value %g, threshold %g, negative_slope %g: expected 0 or more", top, threshold, slope)
	}
	if threshold == 0 && !limited {
		if slope != 0 {
			return []value{w.node("LeakyRelu", map[string]any{"alpha": slope}, v.shape, v.name)}
		}
		return []value{w.node("Relu", nil, v.shape, v.name)}
	}
	upper := v
	if threshold != 0 {
		zero := w.floats([]float32{0})
		above := w.node("Greater", nil, v.shape, v.name, w.floats([]float32{float32(threshold)}))
		upper = w.node("Where", nil, v.shape, above.name, v.name, zero)
	}
	if limited {
		upper = w.clip(upper, 0, float32(top))
	}
	if slope == 0 {
		return []value{upper}
	}
	below := w.node("Min", nil, v.shape, w.affine(v, 1, float32(-threshold)).name, w.floats([]float32{0}))
	return []value{w.node("Add", nil, v.shape, upper.name, w.affine(below, float32(slope), 0).name)}
}

func leakyLayer(w *writer, in []value) []value {
	w.l.known("alpha negative_slope")
	slope := w.l.Config.number("negative_slope", w.l.Config.number("alpha", 0.3))
	return []value{w.node("LeakyRelu", map[string]any{"alpha": slope}, in[0].shape, in[0].name)}
}

func (w *writer) clip(v value, low, high float32) value {
	return w.node("Clip", nil, v.shape, v.name, w.floats([]float32{low}), w.floats([]float32{high}))
}
