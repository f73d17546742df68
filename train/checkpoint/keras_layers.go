// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/train/nn"
)

var kerasCells = map[string]bool{"GRU": true, "LSTM": true, "SimpleRNN": true}

// passing are layers that do nothing when a network is used.
var passing = []string{"InputLayer", "Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization"}

// chainWords are the words of a layer's description that are read here; any other that could
// matter makes the model one for graphs, where it is read or refused.
var chainWords = map[string]string{
	"GRU": recurrentWords, "LSTM": recurrentWords, "SimpleRNN": recurrentWords,
	"Dense": "units activation use_bias", "TimeDistributed": "layer", "Softmax": "axis", "Activation": "activation",
	"Conv1D": "filters kernel_size strides padding data_format dilation_rate groups activation use_bias", "ActivityRegularization": "l1 l2",
}

const recurrentWords = "units activation recurrent_activation use_bias return_sequences go_backwards reset_after time_major"

// one reads a size that is written as a number or as a list of one.
func one(raw json.RawMessage, def int) int {
	var n int
	var list []int
	switch {
	case len(raw) == 0:
		return def
	case json.Unmarshal(raw, &n) == nil:
		return n
	case json.Unmarshal(raw, &list) == nil && len(list) == 1:
		return list[0]
	}
	return -1
}

func activationOf(v any, allowed ...string) (nn.Activation, error) {
	name, ok := v.(string)
	if v == nil {
		name, ok = "linear", true
	}
	if !ok || !slices.Contains(allowed, name) {
		return 0, fmt.Errorf("activation %v, expected one of %v", v, allowed)
	}
	return nn.ParseActivation(name)
}

func (k *kerasReader) layer(l *kerasLayer, numbered string, last bool) error {
	c := &l.Config
	if k.shape == nil {
		if k.shape = c.BatchShape; k.shape == nil {
			k.shape = c.BatchInputShape
		}
	}
	if class := KerasClass(l.Module, l.Registered, l.ClassName); class != l.ClassName {
		return fmt.Errorf("it is a %s, for which there is no form", class)
	}
	passes := slices.Contains(passing, l.ClassName)
	if read, ok := chainWords[l.ClassName]; ok || passes && l.ClassName != "InputLayer" {
		if err := KerasKnown(l.words, read); err != nil {
			return err
		}
	}
	if passes {
		if l.ClassName == "InputLayer" && (l.words["ragged"] == true || l.words["ragged"] == 1.0) {
			return errors.New("ragged: its rows differ in length; train and save with sequences of one length")
		}
		return nil
	}
	if c.TimeMajor || c.DataFormat == "channels_first" {
		return errors.New("expected the batch before the steps, and channels last")
	}
	if k.net.HeadKernel != nil && l.ClassName != "Softmax" && l.ClassName != "Activation" || k.softmax {
		return errors.New("it follows the layer with the outputs")
	}
	switch {
	case kerasCells[l.ClassName]:
		return k.recurrent(l, numbered)
	case l.ClassName == "TimeDistributed" && c.Layer != nil && c.Layer.ClassName == "Dense":
		inner := *c.Layer
		inner.Config.Name = c.Name
		described, _ := l.words["layer"].(map[string]any)
		words, _ := described["config"].(map[string]any)
		if err := KerasKnown(words, chainWords[inner.ClassName]); err != nil {
			return err
		}
		return k.dense(&inner, numbered, last)
	case l.ClassName == "Dense":
		return k.dense(l, numbered, last)
	case l.ClassName == "Conv1D":
		return k.convolution(l, numbered)
	case l.ClassName == "Softmax":
		if c.Axis != nil && c.Axis != -1.0 {
			return fmt.Errorf("axis %v, expected the last one", c.Axis)
		}
		k.softmax = true
		return nil
	case l.ClassName == "Activation" && c.Activation == "softmax":
		k.softmax = true
		return nil
	case l.ClassName == "Activation":
		a, err := activationOf(c.Activation, "tanh", "relu", "sigmoid", "linear")
		if err == nil && a != nn.Linear && k.net.HeadKernel != nil {
			return errors.New("it follows the layer with the outputs")
		}
		if err == nil && a != nn.Linear {
			k.add(nn.Layer{Kind: nn.Activate, Activation: a, Features: k.width(), Units: k.width()})
		}
		return err
	case l.ClassName == "Bidirectional":
		return fmt.Errorf("merge_mode %v: only layers that read forward are taken from Keras files", c.MergeMode)
	}
	return errors.New("there is no form for it")
}

// width is the number of features that the next layer reads, 0 for the network's own.
func (k *kerasReader) width() int {
	if n := len(k.net.Layers); n > 0 {
		return k.net.Layers[n-1].Units
	}
	return k.net.Features
}

func (k *kerasReader) add(l nn.Layer) {
	if len(k.net.Layers) == 0 {
		k.net.Features = l.Features
	}
	k.net.Layers = append(k.net.Layers, l)
}

func (k *kerasReader) recurrent(l *kerasLayer, numbered string) error {
	c := &l.Config
	act, err := activationOf(c.Activation, "tanh", "relu")
	if err != nil {
		return err
	}
	if l.ClassName != "SimpleRNN" {
		if _, err := activationOf(c.RecurrentActivation, "sigmoid"); err != nil {
			return fmt.Errorf("recurrent_%w", err)
		}
	}
	if c.GoBackwards {
		return errors.New("go_backwards: its outputs come in reverse order, for which there is no form")
	}
	if !k.perStep {
		return errors.New("it reads one step: the recurrent layer before it has return_sequences=False")
	}
	if len(k.net.Layers) >= maxLayers || c.Units < 1 || c.Units > maxWidth {
		return fmt.Errorf("%d units in layer %d: out of range", c.Units, len(k.net.Layers))
	}
	layer := nn.Layer{Units: c.Units, Activation: act}
	for _, cell := range nn.Cells() {
		if f := cell.Facts(); f.Keras == snake(l.ClassName) {
			layer.Cell = cell
		}
	}
	cols := layer.Cell.Gates() * c.Units
	w := k.weights(l, numbered)
	var shape []int
	if layer.Kernel, shape, err = k.take(w, "kernel", k.width(), cols); err != nil {
		return err
	}
	layer.Features = shape[0]
	if layer.Recurrent, _, err = k.take(w, "recurrent_kernel", c.Units, cols); err != nil {
		return err
	}
	layer.ResetAfter = layer.Cell == nn.GRU && (c.ResetAfter == nil && !k.early || c.ResetAfter != nil && bool(*c.ResetAfter))
	bias := []int{cols}
	if layer.ResetAfter {
		bias = []int{2, cols}
	}
	if c.UseBias == nil || *c.UseBias {
		if layer.Bias, _, err = k.take(w, "bias", bias...); err != nil {
			return err
		}
	} else if layer.Bias = make([]float32, cols); layer.ResetAfter {
		layer.Bias = make([]float32, 2*cols)
	}
	k.perStep = bool(c.ReturnSequences)
	k.add(layer)
	return nil
}

// dense adds a layer, or the head where it is the last.
func (k *kerasReader) dense(l *kerasLayer, numbered string, last bool) error {
	c := &l.Config
	if c.Units < 1 || c.Units > maxWidth || len(k.net.Layers) >= maxLayers {
		return fmt.Errorf("%d units: out of range", c.Units)
	}
	if k.net.HeadKernel != nil {
		return errors.New("it follows the layer with the outputs")
	}
	w := k.weights(l, numbered)
	kernel, shape, err := k.take(w, "kernel", k.width(), c.Units)
	if err != nil {
		return err
	}
	bias := make([]float32, c.Units)
	if c.UseBias == nil || *c.UseBias {
		if bias, _, err = k.take(w, "bias", c.Units); err != nil {
			return err
		}
	}
	act, plain := c.Activation, true
	if act == "softmax" || last {
		plain = false
	}
	if plain {
		a, err := activationOf(act, "tanh", "relu", "sigmoid", "linear")
		k.add(nn.Layer{Kind: nn.Dense, Activation: a, Features: shape[0], Units: c.Units, Kernel: kernel, Bias: bias})
		return err
	}
	k.net.HeadKernel, k.net.HeadBias, k.net.Outputs = kernel, bias, c.Units
	switch {
	case act == "softmax":
		k.softmax = true
	case act == nil || act == "linear":
	default: // a graph has it: the one probability of a sigmoid, for instance, which a softmax would make two
		return fmt.Errorf("activation %v of %d outputs, expected softmax or linear", act, c.Units)
	}
	return nil
}

// convolution adds a causal one, whose window looks back.
func (k *kerasReader) convolution(l *kerasLayer, numbered string) error {
	c := &l.Config
	size := one(c.KernelSize, -1)
	if c.Padding != "causal" || one(c.Strides, 1) != 1 || one(c.Dilation, 1) != 1 || c.Groups != nil && *c.Groups != 1 || size < 1 || size > maxWidth {
		return errors.New("expected padding=\"causal\", strides, dilation_rate and groups of 1")
	}
	act, err := activationOf(c.Activation, "tanh", "relu", "sigmoid", "linear")
	if err != nil {
		return err
	}
	w := k.weights(l, numbered)
	kernel, shape, err := k.take(w, "kernel", size, k.width(), c.Filters)
	if err != nil {
		return err
	}
	bias := make([]float32, shape[2])
	if c.UseBias == nil || *c.UseBias {
		if bias, _, err = k.take(w, "bias", shape[2]); err != nil {
			return err
		}
	}
	if !k.perStep {
		return errors.New("it reads one step: the recurrent layer before it has return_sequences=False")
	}
	k.add(nn.Layer{Kind: nn.Convolution, Activation: act, Features: shape[1], Units: shape[2], Window: size, Kernel: kernel, Bias: bias})
	return nil
}
