// SPDX-License-Identifier: Apache-2.0

package source

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/internal/tfreal"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/hdf5"
	"github.com/unroll-npu/unroll/train/nn"
)

// Format is the kind of a file, by its content.
type Format int

// Formats. Unknown is any other file.
const (
	Unknown     Format = iota
	ONNX               // a graph
	TFLite             // a graph, integer or float
	Safetensors        // weights, ours or PyTorch's
	NPZ                // weights of Keras
	Torch              // weights that torch.save wrote
	Keras              // a model (layers, or a graph: see IsGraph) or weights with their names, .keras or .h5
)

var formats = [...]string{"unknown", "ONNX", "TensorFlow Lite", "safetensors", "NPZ", "PyTorch", "Keras"}

func (f Format) String() string { return formats[f] }

// elsewhere are formats that are known by their first bytes and not read, with the
// way to one that is.
var elsewhere = []struct{ magic, what string }{
	{"\x80\x02", "a Python pickle (PyTorch before 1.6, or scikit-learn): load it in Python, and torch.save(model.state_dict(), \"weights.pt\") or torch.onnx.export(model, example, \"model.onnx\")"},
	{"\x80\x04", "a Python pickle: in Python, torch.onnx.export(model, example, \"model.onnx\")"},
	{"\x93NUMPY", "one NumPy array: data, or weights alone; a network is an .onnx, .tflite, .safetensors or .npz file"},
	{"RIFF", "a sound file (WAV): data, to be cut into frames and saved by numpy.save"},
	{"GGUF", "a GGUF file: networks of that size are not for microcontrollers"},
	{"\x1f\x8b", "compressed by gzip: unpack it first"},
}

// isSafetensors reports whether a file starts with the length of a JSON object that it
// has room for.
func isSafetensors(b []byte, size int64) bool {
	return len(b) >= 9 && b[8] == '{' && binary.LittleEndian.Uint64(b) <= uint64(size-8)
}

// Recognise tells a file by its content.
func Recognise(file string) (Format, error) {
	f, err := os.Open(file)
	if err != nil {
		return Unknown, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Unknown, err
	}
	if info.IsDir() {
		if _, err := os.Stat(filepath.Join(file, "saved_model.pb")); err == nil {
			return Unknown, fmt.Errorf("%s: a TensorFlow SavedModel: convert it, tf.lite.TFLiteConverter.from_saved_model(…).convert() or python -m tf2onnx.convert --saved-model", file)
		}
		return Unknown, fmt.Errorf("%s: a folder, expected a file", file)
	}
	var head [64]byte
	n, _ := f.ReadAt(head[:], 0)
	b := head[:n]
	if isSafetensors(b, info.Size()) { // before anything that its first bytes, a length, look like
		return Safetensors, nil
	}
	for _, e := range elsewhere {
		if bytes.HasPrefix(b, []byte(e.magic)) {
			return Unknown, fmt.Errorf("%s: %s", file, e.what)
		}
	}
	switch {
	case n >= 8 && string(b[4:8]) == "TFL3":
		return TFLite, nil
	case bytes.HasPrefix(b, []byte("PK\x03\x04")):
		return archiveFormat(file, f, info.Size())
	case bytes.HasPrefix(b, []byte(hdf5.Magic)):
		return Keras, nil
	case onnx.Looks(b) || strings.HasSuffix(strings.ToLower(file), ".onnx"):
		return ONNX, nil
	}
	return Unknown, fmt.Errorf("%s: not a network of any known format: expected .onnx, .tflite, .safetensors, .pt, .keras, .h5 or Keras weights as .npz", file)
}

// archiveFormat tells zip files by what is in them.
func archiveFormat(file string, f *os.File, size int64) (Format, error) {
	z, err := zip.NewReader(f, size)
	if err != nil {
		return Unknown, fmt.Errorf("%s: a broken zip archive: %w", file, err)
	}
	for _, e := range z.File {
		switch name := e.Name; {
		case strings.HasSuffix(name, "data.pkl"):
			return Torch, nil
		case name == "model.weights.h5":
			return Keras, nil
		case strings.HasSuffix(name, ".npy"):
			return NPZ, nil
		}
	}
	return Unknown, fmt.Errorf("%s: a zip archive without arrays: expected .npz", file)
}

// Open reads a network of any format as a float graph, and proves what was imported.
func Open(file string, o Options) (*Network, error) {
	format, err := Recognise(file)
	if err != nil {
		return nil, err
	}
	if l := o.Layers; (format == ONNX || format == TFLite) && (l.Activation != "" || l.Order != nil || l.Join != "") {
		return nil, fmt.Errorf("%s: a graph says itself what --activation, --order and --join would", file)
	}
	switch format {
	case ONNX:
		return OpenONNX(file, o)
	case TFLite:
		return openTFLite(file, o)
	}
	net, err := checkpoint.OpenAs(file, o.Layers)
	if errors.As(err, new(*checkpoint.NotLayers)) {
		return openKeras(file, o)
	}
	if err != nil {
		return nil, err
	}
	return openLayers(file, format, net, o)
}

// openTFLite takes the graph as it is.
func openTFLite(file string, o Options) (*Network, error) {
	raw, err := budget.ReadFile(file)
	if err != nil {
		return nil, err
	}
	return readTFLite(file, raw, o)
}

func readTFLite(file string, raw []byte, o Options) (*Network, error) {
	if len(o.Shapes)+len(o.Set) > 0 {
		return nil, fmt.Errorf("%s: a .tflite has fixed shapes and no inputs to fix: --shape and --set are for .onnx", file)
	}
	m, err := tflite.ReadReal(file, raw)
	if err != nil {
		return nil, err
	}
	source := m.Graph
	whole := &Network{}
	if err := whole.whole(source, o.known(file)); err != nil {
		return nil, err
	}
	for _, ids := range [][]graph.TensorID{source.Inputs, source.Outputs} {
		for _, id := range ids {
			if t := source.Tensors[id]; t.Type != graph.Float32 {
				return nil, fmt.Errorf("%s: %w", file, notFloat(t, slices.Contains(source.Inputs, id)))
			}
		}
	}
	if m.Hybrid > 0 {
		whole.Assumed = append(whole.Assumed, fmt.Sprintf("%d weights of the file are integers with scales and its values are real (a dynamic-range model): they are taken for the real numbers that they stand for; the network before that conversion is closer to what was trained", m.Hybrid))
	}
	written, err := tfreal.Write(source, m.Subgraphs)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	n := &Network{File: file, Format: TFLite.String(), Graph: written.Graph, Sums: m.Sums, Carried: m.Carried, Bounds: m.Bounds, Ranges: written.Ranges, declared: whole.declared, fixed: whole.fixed, Assumed: whole.Assumed}
	n.roles(m.Roles, written.Roles)
	n.fused(m.Fused, o.States)
	if err := n.pair(o.States); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	for _, id := range source.Inputs { // variables may have become constants
		source.Tensors[id].Data = n.Graph.Tensors[id].Data
	}
	source.Inputs, source.Outputs = n.Graph.Inputs, n.Graph.Outputs
	if err := n.proveGraph(source, m.Subgraphs); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := n.step(o); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// notFloat says what to do about an input or output that is no real number.
func notFloat(t *graph.Tensor, input bool) error {
	switch {
	case t.Quant != nil:
		return fmt.Errorf("tensor %q is %v with a scale: not a float network; a file of integers is compiled as it is: unroll compile", t.Name, t.Type)
	case !input && t.Type == graph.Bool:
		return fmt.Errorf("output %q is bool; end the network with the value that is compared, or a tf.cast to float32", t.Name)
	case !input:
		return fmt.Errorf("output %q is %v, a whole number; end the network with the values that it is made of (scores instead of the place of the largest one), and choose in the application", t.Name, t.Type)
	}
	return fmt.Errorf("input %q is %v: inputs are real numbers here. Where it picks rows of a table (an embedding), feed the rows: make the layer behind the embedding the network's first, and look them up in the application; where it counts or flags, make it float32", t.Name, t.Type)
}

// openLayers unrolls a stack of layers, with its states as inputs and outputs.
func openLayers(file string, format Format, net *nn.Network, o Options) (*Network, error) {
	if len(o.Set) > 0 {
		return nil, fmt.Errorf("%s: --set is for inputs of graphs; this file holds layers", file)
	}
	n := &Network{File: file, Format: format.String(), Layers: net}
	if f := net.Facts; f != nil {
		n.Assumed = f.Assumed
		if f.Data == nil && f.Task == "" && o.Layers.Head == "" { // weights of another program
			n.Assumed = append(n.Assumed, headAssumed(net))
		}
	}
	if len(o.Axis) > 0 {
		return nil, fmt.Errorf("%s: --time is for graphs; layers have their frames before the features", file)
	}
	steps := net.Steps
	for _, shapes := range []map[string][]int{o.Arrays, o.Shapes} {
		if s := shapes["input"]; len(s) >= 3 {
			steps = s[len(s)-2]
		}
	}
	if s := o.Shapes["input"]; s != nil && s[len(s)-1] != net.Features {
		return nil, fmt.Errorf("%s: --shape input=%s: the layers take %d features a step: the last number is %d, and the one before it the steps of a call", file, dimensions(s), net.Features, net.Features)
	}
	if o.Steps > 0 {
		steps = o.Steps
	}
	if steps == 0 {
		return nil, fmt.Errorf("%s: the file does not say how many steps a call has: give --shape input=1,STEPS,%d", file, net.Features)
	}
	backward := slices.ContainsFunc(net.Layers, func(l nn.Layer) bool { return l.Reversed })
	if backward && o.Steps > 0 {
		return nil, fmt.Errorf("%s: --steps %d: layer %q runs from the last step to the first, so that a call needs the whole sequence: not causal over time", file, o.Steps, net.LayerName(slices.IndexFunc(net.Layers, func(l nn.Layer) bool { return l.Reversed })))
	}
	pooled := slices.IndexFunc(net.Layers, func(l nn.Layer) bool { return l.Kind == nn.Pooling })
	if pooled >= 0 && o.Steps > 0 {
		return nil, fmt.Errorf("%s: --steps %d: layer %q makes one row of all steps (%v), so that a call needs the whole sequence", file, o.Steps, net.LayerName(pooled), net.Layers[pooled].Pool)
	}
	fresh := len(o.States) == 1 && o.States[0] == "none" // every call starts at zero
	g, err := lower.Float(net, lower.Options{Steps: steps, StateIO: !backward && !fresh, FoldStandardization: o.Raw})
	if err != nil {
		return nil, err
	}
	n.Graph = g
	if err := n.pair(o.States); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// dimensions writes a shape as --shape takes it.
func dimensions(shape []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", ",")
}

// IsFloat reports whether a file is a float network: of any format but an integer or
// compiled .tflite. A file of no known format is an error.
func IsFloat(file string) (bool, error) {
	format, err := Recognise(file)
	if err != nil || format != TFLite {
		return err == nil, err
	}
	raw, err := budget.ReadFile(file)
	if err != nil {
		return false, err
	}
	return tflite.IsReal(file, raw), nil
}

// headAssumed says what is put behind the outputs of weights of another program, whose
// file does not say it, and takes it off where it would mean nothing.
func headAssumed(net *nn.Network) string {
	if net.Outputs == 1 {
		net.Task = nn.Regression
		return "one output, taken as it is; say --head sigmoid for a detector"
	}
	return fmt.Sprintf("softmax over %d classes; say --head none for outputs as they are", net.Outputs)
}
