// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/hdf5"
	"github.com/unroll-npu/unroll/train/nn"
)

// A model that Keras saves says what its layers are: in the attribute model_config of
// an .h5 file, or in config.json of a .keras archive, with the weights in
// model.weights.h5 beside it. An .h5 file without it holds weights alone.

// ReadH5 reads a network from an HDF5 file of Keras.
func ReadH5(file string, b []byte, s Stated) (*nn.Network, error) {
	root, err := hdf5.Read(b)
	if err != nil {
		return nil, fmt.Errorf("%s: HDF5: %w", file, err)
	}
	config := root.Attrs["model_config"]
	if config == "" {
		return namedWeights(file, root, s)
	}
	if err := s.none(file); err != nil {
		return nil, err
	}
	k, err := kerasH5(file, root)
	if err != nil {
		return nil, err
	}
	return k.network()
}

// ReadKeras reads a network from a .keras archive.
func ReadKeras(file string, r io.ReaderAt, size int64, s Stated) (*nn.Network, error) {
	if err := s.none(file); err != nil {
		return nil, err
	}
	k, err := openKerasArchive(file, r, size)
	if err != nil {
		return nil, err
	}
	return k.network()
}

// network reads a chain of layers. Of another model the error is a NotLayers.
func (k *KerasFile) network() (*nn.Network, error) {
	return readConfig(k.File, k.Config, func(l *kerasLayer, numbered string) map[string]*hdf5.Node {
		if k.Numbered {
			return byNumber(k.Layer(l.Config.Name, numbered), l)
		}
		return byName(k.Layer(l.Config.Name, numbered))
	})
}

// none refuses statements on a file that says everything.
func (s Stated) none(file string) error {
	if s.Activation != "" || s.Order != nil || s.Head != "" || s.Join != "" {
		return fmt.Errorf("%s: the file says itself what --activation, --order, --head and --join would", file)
	}
	return nil
}

// byName finds the tensors below a group by their own names; of two with one name, which
// may be of two layers, neither.
func byName(n *hdf5.Node) map[string]*hdf5.Node {
	out := map[string]*hdf5.Node{}
	if n != nil {
		n.Walk(func(path []string, set *hdf5.Node) {
			if len(path) > 0 {
				name := strings.TrimSuffix(path[len(path)-1], ":0")
				if _, again := out[name]; again {
					set = nil
				}
				out[name] = set
			}
		})
	}
	return out
}

// byNumber finds the tensors of a layer of Keras 3, which are numbered.
func byNumber(n *hdf5.Node, l *kerasLayer) map[string]*hdf5.Node {
	out := map[string]*hdf5.Node{}
	if n == nil {
		return out
	}
	names := []string{"kernel", "bias"}
	for _, inner := range []string{"cell", "layer"} {
		if c := n.Find(inner); c != nil {
			n = c
		}
	}
	if kerasCells[l.ClassName] {
		names = []string{"kernel", "recurrent_kernel", "bias"}
	}
	for i, name := range names {
		if set := n.Find("vars", fmt.Sprint(i)); set != nil {
			out[name] = set
		}
	}
	return out
}

// namedWeights reads an .h5 file of weights as an NPZ archive of them.
func namedWeights(file string, root *hdf5.Node, s Stated) (*nn.Network, error) {
	arrays := map[string]*npy.Array{}
	root.Walk(func(path []string, set *hdf5.Node) {
		if set.Data != nil {
			arrays[strings.Join(path, "/")] = npy.FromFloats(set.Shape, set.Data)
		}
	})
	if len(arrays) == 0 {
		return nil, fmt.Errorf("%s: there are no arrays of floats in it: not a file of Keras", file)
	}
	for name := range arrays {
		if strings.Contains(name, "/vars/") || strings.HasPrefix(name, "vars/") {
			return nil, fmt.Errorf("%s: weights without the model's description, and without names: save the model, model.save(\"model.keras\")", file)
		}
	}
	return readArrays(file, arrays, s)
}

// kerasLayer is a layer of a configuration.
type kerasLayer struct {
	ClassName  string      `json:"class_name"`
	Module     string      `json:"module"`
	Registered string      `json:"registered_name"`
	Config     kerasConfig `json:"config"`
	Inbound    any         `json:"inbound_nodes"`
}

type kerasConfig struct {
	Name                string          `json:"name"`
	Layers              []*kerasLayer   `json:"layers"`
	Units               int             `json:"units"`
	Filters             int             `json:"filters"`
	Activation          any             `json:"activation"`
	RecurrentActivation any             `json:"recurrent_activation"`
	UseBias             *bool           `json:"use_bias"`
	ReturnSequences     bool            `json:"return_sequences"`
	GoBackwards         bool            `json:"go_backwards"`
	ResetAfter          *bool           `json:"reset_after"`
	MergeMode           any             `json:"merge_mode"`
	Layer               *kerasLayer     `json:"layer"`
	Padding             any             `json:"padding"`
	KernelSize          json.RawMessage `json:"kernel_size"`
	Strides             json.RawMessage `json:"strides"`
	Dilation            json.RawMessage `json:"dilation_rate"`
	Groups              *int            `json:"groups"`
	BatchShape          []*int          `json:"batch_shape"`
	BatchInputShape     []*int          `json:"batch_input_shape"`
	OutputLayers        any             `json:"output_layers"`
	DType               any             `json:"dtype"`
	DataFormat          string          `json:"data_format"`
	TimeMajor           bool            `json:"time_major"`
	Axis                any             `json:"axis"`
}

var kerasCells = map[string]bool{"GRU": true, "LSTM": true, "SimpleRNN": true}

// passing are layers that do nothing when a network is used.
var passing = []string{"InputLayer", "Dropout", "SpatialDropout1D", "GaussianNoise", "GaussianDropout", "AlphaDropout", "ActivityRegularization"}

// Words of the name of a class, as Keras tells them apart.
var (
	word   = regexp.MustCompile("(.)([A-Z][a-z]+)")
	border = regexp.MustCompile("([a-z])([A-Z])")
)

// snake is Keras' name of a class for variables: simple_rnn of SimpleRNN.
func snake(class string) string {
	return strings.ToLower(border.ReplaceAllString(word.ReplaceAllString(class, "${1}_$2"), "${1}_$2"))
}

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

// kerasReader builds a network of a configuration.
type kerasReader struct {
	file    string
	weights func(l *kerasLayer, numbered string) map[string]*hdf5.Node
	net     *nn.Network
	refused []string
	shape   []*int
	perStep bool // the values have a step dimension still
	softmax bool // the outputs are probabilities of classes
	sigmoid bool // the output is the probability of one
}

func readConfig(file string, config []byte, weights func(*kerasLayer, string) map[string]*hdf5.Node) (*nn.Network, error) {
	var model kerasLayer
	if err := json.Unmarshal(config, &model); err != nil {
		// A description that is none is refused again where graphs are read.
		return nil, notLayers(fmt.Errorf("%s: the model's description: %w", file, err))
	}
	switch model.ClassName {
	case "Sequential", "Functional", "Model":
	default:
		return nil, fmt.Errorf("%s: a model of class %q: its own code says what it computes; %s", file, model.ClassName, exportGraph)
	}
	k := &kerasReader{file: file, weights: weights, net: &nn.Network{Name: model.Config.Name}, shape: model.Config.BatchInputShape, perStep: true}
	if err := model.chain(file); err != nil {
		return nil, notLayers(err)
	}
	counts := map[string]int{}
	for i, l := range model.Config.Layers {
		numbered := snake(l.ClassName)
		if n := counts[numbered]; n > 0 {
			numbered = fmt.Sprintf("%s_%d", numbered, n)
		}
		counts[snake(l.ClassName)]++
		err := k.layer(l, numbered, i == len(model.Config.Layers)-1)
		if misfit := (*misfit)(nil); errors.As(err, &misfit) && len(k.refused) > 0 {
			continue // it follows from the layer that is missing
		}
		if err != nil {
			k.refused = append(k.refused, fmt.Sprintf("layer %q (%s): %v", l.Config.Name, l.ClassName, err))
		}
	}
	if len(k.refused) > 0 {
		return nil, notLayers(fmt.Errorf("%s: %s\n%s", file, strings.Join(k.refused, "\n  "), exportGraph))
	}
	return k.finish()
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
	if slices.Contains(passing, l.ClassName) {
		return nil
	}
	if c.DType != nil && !KerasRealType(c.DType) {
		return fmt.Errorf("dtype %v: its weights are no real numbers", c.DType)
	}
	if c.TimeMajor || c.DataFormat == "channels_first" {
		return errors.New("expected the batch before the steps, and channels last")
	}
	if k.net.HeadKernel != nil && l.ClassName != "Softmax" && l.ClassName != "Activation" || k.softmax || k.sigmoid {
		return errors.New("it follows the layer with the outputs")
	}
	switch {
	case kerasCells[l.ClassName]:
		return k.recurrent(l, numbered)
	case l.ClassName == "TimeDistributed" && c.Layer != nil && c.Layer.ClassName == "Dense":
		inner := *c.Layer
		inner.Config.Name = c.Name
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

// misfit is a tensor of another size than the layers before it ask for.
type misfit struct{ text string }

func (m *misfit) Error() string { return m.text }

// take returns a tensor of a layer with the given shape; a first dimension of 0 is any.
func (k *kerasReader) take(w map[string]*hdf5.Node, name string, shape ...int) ([]float32, []int, error) {
	n := w[name]
	if n == nil || n.Data == nil {
		return nil, nil, fmt.Errorf("its %s is not in the file", name)
	}
	ok := len(n.Shape) == len(shape)
	for i := 0; ok && i < len(shape); i++ {
		ok = n.Shape[i] == shape[i] || shape[i] == 0 && n.Shape[i] > 0 && n.Shape[i] <= maxWidth
	}
	if !ok {
		return nil, nil, &misfit{fmt.Sprintf("its %s has shape %v, expected %v (0 for any)", name, n.Shape, shape)}
	}
	return n.Data, n.Shape, finite(k.file, name, n.Data)
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
	layer.ResetAfter = layer.Cell == nn.GRU && (c.ResetAfter == nil || *c.ResetAfter)
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
	k.perStep = c.ReturnSequences
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
	case act == "sigmoid" && c.Units == 1:
		k.sigmoid = true
		return Detector(k.net)
	default:
		return fmt.Errorf("activation %v of %d outputs, expected softmax, linear, or sigmoid of one", act, c.Units)
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

func (k *kerasReader) finish() (*nn.Network, error) {
	net := k.net
	if net.HeadKernel == nil && len(net.Layers) > 0 { // a Dense layer with an activation after it
		if l := net.Layers[len(net.Layers)-1]; l.Kind == nn.Dense && l.Activation == nn.Linear && len(net.Layers) > 1 {
			net.Layers = net.Layers[:len(net.Layers)-1]
			net.HeadKernel, net.HeadBias, net.Outputs = l.Kernel, l.Bias, l.Units
		}
	}
	recurrent := slices.ContainsFunc(net.Layers, func(l nn.Layer) bool { return l.Kind == nn.Recurrent })
	if net.HeadKernel == nil || !recurrent {
		return nil, notLayers(fmt.Errorf("%s: expected recurrent layers and a Dense layer with the outputs at the end; %s", k.file, exportGraph))
	}
	net.PerStep = k.perStep
	net.Facts = &facts.Facts{Task: facts.Classification}
	if !k.softmax && !k.sigmoid {
		net.Task, net.Facts.Task = nn.Regression, facts.Regression
	}
	if s := k.shape; len(s) == 3 && s[1] != nil && *s[1] > 0 && *s[1] <= maxWidth {
		net.Steps = *s[1]
	}
	if net.Name == "" {
		net.Name = "keras"
	}
	if err := net.Check(); err != nil {
		return nil, fmt.Errorf("%s: %w", k.file, err)
	}
	return net, nil
}
