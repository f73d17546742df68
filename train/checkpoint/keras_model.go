// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/facts"
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
	return k.stated(s)
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
	return k.stated(s)
}

// stated reads a chain of layers, with what the user says of its outputs.
func (k *KerasFile) stated(s Stated) (*nn.Network, error) {
	net, err := k.network()
	if err != nil {
		return nil, err
	}
	return net, s.onLinear(k.File, net)
}

// onLinear puts what is stated behind the linear head of a model. A softmax that the model
// has stays.
func (s Stated) onLinear(file string, net *nn.Network) error {
	if s.Head == "" {
		return nil
	}
	if net.Task == nn.Classification {
		return fmt.Errorf("%s: --head %s: the model has a softmax at its end; for another head save it without", file, s.Head)
	}
	if err := s.head(file, net); err != nil {
		return err
	}
	if s.Head == "softmax" {
		net.Task = nn.Classification
	}
	if net.Task == nn.Classification {
		net.Facts.Task = facts.Classification
	}
	return nil
}

// network reads a chain of layers. Of another model the error is a NotLayers.
func (k *KerasFile) network() (*nn.Network, error) {
	return readConfig(k, func(l *kerasLayer, numbered string) map[string]*hdf5.Node {
		if k.Numbered {
			return byNumber(k.Layer(l.Config.Name, numbered), l)
		}
		return byName(k.Layer(l.Config.Name, numbered))
	})
}

// none refuses statements on a file that says everything.
func (s Stated) none(file string) error {
	if s.Activation != "" || s.Order != nil || s.Join != "" {
		return fmt.Errorf("%s: the file says itself what --activation, --order and --join would", file)
	}
	return nil
}

// kerasLayer is a layer of a configuration.
type kerasLayer struct {
	ClassName  string      `json:"class_name"`
	Module     string      `json:"module"`
	Registered string      `json:"registered_name"`
	Config     kerasConfig `json:"config"`
	Inbound    any         `json:"inbound_nodes"`

	words map[string]any // all of the description
}

type kerasConfig struct {
	Name                string          `json:"name"`
	Layers              []*kerasLayer   `json:"layers"`
	Units               int             `json:"units"`
	Filters             int             `json:"filters"`
	Activation          any             `json:"activation"`
	RecurrentActivation any             `json:"recurrent_activation"`
	UseBias             *kerasFlag      `json:"use_bias"`
	ReturnSequences     kerasFlag       `json:"return_sequences"`
	GoBackwards         kerasFlag       `json:"go_backwards"`
	ResetAfter          *kerasFlag      `json:"reset_after"`
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
	DataFormat          string          `json:"data_format"`
	TimeMajor           kerasFlag       `json:"time_major"`
	Axis                any             `json:"axis"`
}

// kerasFlag is true or false, also as the numbers that Python takes for them
// (use_bias=0).
type kerasFlag bool

// UnmarshalJSON refuses every other value.
func (f *kerasFlag) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true", "1", "1.0":
		*f = true
	case "false", "0", "0.0":
		*f = false
	case "null":
	default:
		return fmt.Errorf("%s, expected true or false", b)
	}
	return nil
}

// kerasReader builds a network of a configuration.
type kerasReader struct {
	file    string
	weights func(l *kerasLayer, numbered string) map[string]*hdf5.Node
	net     *nn.Network
	refused []string
	shape   []*int
	perStep bool // the values have a step dimension still
	early   bool // see KerasFile.Early
	softmax bool // the outputs are probabilities of classes
}

func readConfig(store *KerasFile, weights func(*kerasLayer, string) map[string]*hdf5.Node) (*nn.Network, error) {
	file, config := store.File, store.Config
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
	if slices.Contains(model.Config.Layers, nil) {
		return nil, notLayers(fmt.Errorf("%s: the model's description has a layer that is null", file))
	}
	k := &kerasReader{file: file, early: store.Early(), weights: weights, net: &nn.Network{Name: model.Config.Name}, shape: model.Config.BatchInputShape, perStep: true}
	if err := model.chain(file); err != nil {
		return nil, notLayers(err)
	}
	var described struct {
		Config struct {
			Layers []struct {
				Config map[string]any `json:"config"`
			} `json:"layers"`
		} `json:"config"`
	}
	if err := json.Unmarshal(config, &described); err != nil {
		return nil, notLayers(fmt.Errorf("%s: the model's description: %w", file, err))
	}
	counts := map[string]int{}
	for i, l := range model.Config.Layers {
		l.words = described.Config.Layers[i].Config
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
	if !k.softmax {
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
