// SPDX-License-Identifier: Apache-2.0

package source

import (
	"archive/zip"
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// Data is what a graph is calibrated by, and judged by where it has labels.
type Data struct {
	Source string

	arrays      map[string]*npy.Array // of an .npz with an array for each input
	train, test *dataset.Set          // of a labelled set

	// Calls decide the ranges; Test and its Truth are nil without labels. Both are set
	// by Fit.
	Calls lower.Sequences
	Test  lower.LabelledSequences
	Truth *lower.Truth

	turned bool // features come before steps

	// Unused are arrays that no input has the name of.
	Unused []string
}

// OpenData opens what the user names: an .npz with arrays named by the network's inputs
// or any labelled set that training takes. file is the network.
func OpenData(ctx context.Context, file, data string, o dataset.Options, say func(string)) (*Data, error) {
	d := &Data{Source: data}
	arrays, err := readArrays(data)
	if err != nil {
		return nil, err
	}
	if arrays != nil {
		inputs, err := inputNames(file)
		if err != nil {
			return nil, err
		}
		if hasNamed(arrays, inputs) && !labels(arrays) {
			d.arrays = arrays
			return d, nil
		}
		if !labels(arrays) {
			return nil, fmt.Errorf("--data %s: it has the arrays %q; expected one for each of the network's inputs %q, [sequences, calls, shape…] or [calls, shape…], or x and y of a labelled set", data, names(arrays), inputs)
		}
	}
	if d.train, d.test, err = dataset.OpenSource(ctx, data, o, say); err != nil {
		return nil, fmt.Errorf("--data %s: %w", data, err)
	}
	for _, s := range []*dataset.Set{d.train, d.test} {
		if s != nil && s.Audio != nil {
			s.Pad = nil // a graph takes features as they are, and its project knows no mean for rows that were never heard
		}
	}
	return d, nil
}

// Sound returns how recordings become the only input of the network besides its states, and the
// rows of a sequence: where the data are recordings and the input has their features as they
// are, [1, steps, features]. It returns nil and 0 otherwise.
func (d *Data) Sound(g *graph.Graph) (*audio.Parameters, int) {
	if d.train == nil || d.train.Audio == nil {
		return nil, 0
	}
	inputs := calibrate.DataInputs(g)
	if len(inputs) != 1 {
		return nil, 0
	}
	if s := g.Tensors[g.Inputs[inputs[0]]].Shape; len(s) != 3 || s[0] != 1 || s[2] != d.train.Audio.Features() {
		return nil, 0
	}
	return d.train.Audio, d.train.Steps
}

// readArrays reads an .npz archive; nil where the file is no zip archive of arrays.
func readArrays(file string) (map[string]*npy.Array, error) {
	raw, err := budget.ReadFile(file)
	if err != nil || !bytes.HasPrefix(raw, []byte("PK\x03\x04")) {
		return nil, nil // a folder, a name of an embedded set, another format
	}
	a, err := npy.ReadArchive(file, bytes.NewReader(raw), int64(len(raw)))
	if errors.Is(err, zip.ErrFormat) {
		return nil, nil
	}
	return a, err
}

// labels reports whether arrays have the names of a labelled set.
func labels(arrays map[string]*npy.Array) bool {
	for _, name := range []string{"y", "y_train", "y_test", "labels"} {
		if arrays[name] != nil {
			return true
		}
	}
	return false
}

func hasNamed(arrays map[string]*npy.Array, inputs []string) bool {
	for _, name := range inputs {
		if arrays[name] != nil || arrays[FileName(name)] != nil {
			return true
		}
	}
	return false
}

// inputNames returns the names of a graph's inputs.
func inputNames(file string) ([]string, error) {
	var out []string
	format, err := Recognise(file)
	if err != nil {
		return nil, err
	}
	if format == ONNX {
		m, err := onnx.ReadFile(file)
		if err != nil {
			return nil, err
		}
		for _, in := range m.Graph.Inputs {
			if m.Graph.Weights[in.Name] == nil {
				out = append(out, in.Name)
			}
		}
		return out, nil
	}
	if format == Keras {
		return kerasInputs(file)
	}
	raw, err := budget.ReadFile(file)
	if err != nil {
		return nil, err
	}
	m, err := tflite.ReadReal(file, raw)
	if err != nil {
		return nil, err
	}
	for _, id := range m.Graph.Inputs {
		out = append(out, m.Graph.Tensors[id].Name)
	}
	return out, nil
}

// Shapes tells the options what the network will be fed with.
func (d *Data) Shapes(o *Options) {
	for name, a := range d.arrays {
		o.Arrays[name] = a.Shape
	}
	if d.train != nil {
		o.Sequence = [2]int{d.train.Steps, d.train.Features}
	}
}

// Fit makes calls of the graph of the data, at most limit sequences of a labelled set
// for the ranges.
func (d *Data) Fit(n *Network, limit int) error {
	if d.train == nil {
		for name, a := range d.arrays {
			for _, in := range n.Graph.Inputs {
				t := n.Graph.Tensors[in].Name
				if calls, _, ok := n.CutShape(t, a.Shape); ok && (t == name || FileName(t) == name) {
					b := *a
					b.Data, b.Shape = n.Cut(t, a.Data, a.Shape, calls, len(a.Data)/max(graph.Elems(a.Shape), 1))
					d.arrays[name] = &b
				}
			}
		}
		arrays, err := n.Fed(d.arrays)
		if err != nil {
			return fmt.Errorf("--data %s: %w", d.Source, err)
		}
		c, unused, err := NewCalls(n.Graph, arrays)
		if err != nil {
			return fmt.Errorf("--data %s: %w", d.Source, err)
		}
		d.Calls, d.Unused = c, unused
		return nil
	}
	if out := n.data(); d.train.Task == nn.Classification && len(out) > 0 {
		var said string
		if d.train, said = d.train.ForOutputs(n.width(out[0])); said != "" {
			d.test, _ = d.test.ForOutputs(n.width(out[0]))
			n.Assumed = append(n.Assumed, said)
		}
	}
	train, err := NewLabelled(n.Graph, d.train)
	if err != nil {
		return fmt.Errorf("--data %s: %w", d.Source, err)
	}
	test, err := NewLabelled(n.Graph, d.test)
	if err != nil {
		return fmt.Errorf("--data %s: %w", d.Source, err)
	}
	d.Calls, d.Test = train.Spread(limit), test
	d.Truth = &lower.Truth{Task: d.test.Task, Outputs: d.test.Outputs, Steps: d.test.Steps, PerStep: d.test.PerStep, Classes: d.test.Classes}
	d.turned = train.Turned
	if d.test.Task == nn.Classification && len(n.data()) > 0 {
		if k := n.width(n.data()[0]); k > d.Truth.Outputs { // not all classes need to occur
			d.Truth.Outputs = k
		}
		if n.Task() == facts.Detection {
			d.Truth.Threshold = 0.5
		}
	}
	if out := n.data(); len(out) > 0 { // before the lowering, which takes long
		if err := d.Truth.Fits(n.Graph.Tensors[n.Graph.Outputs[out[0]]]); err != nil {
			return fmt.Errorf("--data %s: %w", d.Source, err)
		}
	}
	return nil
}

// Classes are the names of the labels, nil where there are none.
func (d *Data) Classes() []string {
	if d.train == nil {
		return nil
	}
	return d.train.Classes
}

// Regression reports whether the labels are numbers.
func (d *Data) Regression() bool { return d.train != nil && d.train.Task == nn.Regression }
