// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"archive/zip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/unroll-npu/unroll/train/hdf5"
)

// KerasFile is a model that Keras saved: what it says of its layers, and their tensors.
type KerasFile struct {
	File    string
	Version string // of Keras, "" where the file does not say
	Config  []byte // JSON: class_name and config of the model

	// Numbered says that the tensors of a layer are numbered, as those of Keras 3 are.
	Numbered bool
	layers   *hdf5.Node
}

// Early reports whether the file is of Keras 1, or does not say: reset_after of a GRU was not
// its default, and is not written.
func (k *KerasFile) Early() bool { return k.Version == "" || k.Version[0] == '1' }

// NotLayers is the error of a Keras model that is more than a chain of layers: the file
// is sound, and has another form. See lower/source.
type NotLayers struct{ err error }

func (n *NotLayers) Error() string { return n.err.Error() }
func (n *NotLayers) Unwrap() error { return n.err }

// OpenKeras opens a .keras archive or an .h5 file of a model. An .h5 file of weights
// alone is an error.
func OpenKeras(file string) (*KerasFile, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	var head [8]byte
	if n, _ := f.ReadAt(head[:], 0); n < 8 || string(head[:]) != hdf5.Magic {
		return openKerasArchive(file, f, info.Size())
	}
	if info.Size() > maxStored {
		return nil, fmt.Errorf("%s: more than %d bytes", file, maxStored)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	root, err := hdf5.Read(raw)
	if err != nil {
		return nil, fmt.Errorf("%s: HDF5: %w", file, err)
	}
	if root.Attrs["model_config"] == "" {
		return nil, fmt.Errorf("%s: it has no model_config: weights alone", file)
	}
	return kerasH5(file, root)
}

// kerasH5 takes an .h5 file that has a model_config.
func kerasH5(file string, root *hdf5.Node) (*KerasFile, error) {
	weights := root.Find("model_weights")
	if weights == nil {
		return nil, fmt.Errorf("%s: it has a model_config but no group model_weights", file)
	}
	return &KerasFile{File: file, Version: root.Attrs["keras_version"], Config: []byte(root.Attrs["model_config"]), layers: weights}, nil
}

func openKerasArchive(file string, r io.ReaderAt, size int64) (*KerasFile, error) {
	z, err := zip.NewReader(r, size)
	if err != nil {
		return nil, fmt.Errorf("%s: not a Keras archive: %w", file, err)
	}
	k := &KerasFile{File: file, Numbered: true}
	member := func(name string) ([]byte, error) {
		f, err := z.Open(name)
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, name, err)
		}
		defer f.Close()
		b, err := io.ReadAll(io.LimitReader(f, maxStored))
		if err != nil {
			return nil, fmt.Errorf("%s: %s: %w", file, name, err)
		}
		return b, nil
	}
	if k.Config, err = member("config.json"); err != nil {
		return nil, err
	}
	weights, err := member("model.weights.h5")
	if err != nil {
		return nil, err
	}
	var about struct {
		Version string `json:"keras_version"`
	}
	if b, err := member("metadata.json"); err == nil && json.Unmarshal(b, &about) == nil {
		k.Version = about.Version
	}
	root, err := hdf5.Read(weights)
	if err != nil {
		return nil, fmt.Errorf("%s: model.weights.h5: %w", file, err)
	}
	if k.layers = root.Find("layers"); k.layers == nil {
		k.layers = root.Find("_layer_checkpoint_dependencies")
	}
	if k.layers == nil {
		return nil, fmt.Errorf("%s: model.weights.h5 has no group layers", file)
	}
	return k, nil
}

// Layer returns the group of a layer's tensors, nil where there is none. numbered is
// Keras 3's own name for it: KerasSnake of its class, and a number.
func (k *KerasFile) Layer(name, numbered string) *hdf5.Node {
	return k.LayerIn(k.layers, name, numbered)
}

// LayerIn is Layer of a model within the model, whose layers are in a group of their own.
func (k *KerasFile) LayerIn(layers *hdf5.Node, name, numbered string) *hdf5.Node {
	if k.Numbered {
		if n := layers.Find(numbered); n != nil && isOf(n, name) {
			return n
		}
	}
	return layers.Find(strings.Split(name, "/")...) // groups within groups, as h5py writes them
}

// isOf reports whether a group is not said to be that of a layer of another name: newer
// files note the name beside the tensors.
func isOf(n *hdf5.Node, name string) bool {
	for _, of := range []*hdf5.Node{n, n.Find("vars")} {
		if of != nil && of.Attrs["name"] != "" && of.Attrs["name"] != name {
			return false
		}
	}
	return true
}

// KerasSnake is Keras' name of a class for variables: simple_rnn of SimpleRNN.
func KerasSnake(class string) string { return snake(class) }

// notLayers marks an error of a model that is no chain of layers.
func notLayers(err error) error {
	if err == nil || errors.As(err, new(*NotLayers)) {
		return err
	}
	return &NotLayers{err}
}
