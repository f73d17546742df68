// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"maps"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/nn"
)

// Options fix what a file leaves open.
type Options struct {
	Shapes map[string][]int     // of inputs with open dimensions, by name
	Set    map[string][]float64 // values of inputs that never change

	// Arrays are the shapes of what the inputs will be fed with, each as it is or with
	// dimensions of calls, or sequences and calls, in front: open dimensions follow them.
	Arrays map[string][]int

	// Fed are arrays that all calls will be fed from, if they are known: what the model
	// computes with as whole numbers becomes a constant, where all calls have the same.
	Fed map[string]*npy.Array

	// Sequence is the number of steps and features of the sequences that the network
	// will be fed with, zero if not known: an open input of three dimensions follows it.
	Sequence [2]int

	// Layers is what the user states of a file of weights.
	Layers checkpoint.Stated

	// Raw says that layers with standardization constants take raw features.
	Raw bool

	// States pairs inputs with outputs, as "IN=OUT"; "none" says that there are none;
	// empty leaves what the file declares.
	States []string

	// Steps makes a network over a window of time its step, which takes so many frames
	// a call; 0 leaves it. Axis is the dimension of the frames of an input, by name,
	// where it is not what the network tells.
	Steps int
	Axis  map[string]int
}

// Network is an imported float network.
type Network struct {
	File   string
	Format string // "ONNX", …
	Graph  *graph.Graph
	Layers *nn.Network // where the file holds layers, else nil

	// What lower needs to know of the values; see onnx.Result.
	Role          []string
	Sums, Carried map[string]bool
	Bounds        map[string][2]float32
	Ranges        map[string][2]float32

	// Difference is the largest one between the graph and the source's own semantics
	// on Inputs seeded inputs, relative to the largest value of the tensor.
	Difference float64
	Inputs     int

	// Stepped is how a network over time became its step, nil where it did not.
	Stepped *Stepped

	declared map[string]onnx.DataType // of the file's inputs
	fixed    map[string]int           // inputs that became constants of Options.Fed, and their elements

	// Assumed says what neither file nor options did, one sentence each.
	Assumed []string
}

// Proof says how the graph compares with its source.
func (n *Network) Proof() string {
	return fmt.Sprintf("same as the %s graph on %d inputs, largest difference %.0e", n.Format, n.Inputs, n.Difference)
}

// Proof says how the step compares with the window.
func (s *Stepped) Proof() string {
	frames, states := "frames", "states"
	if s.Steps == 1 {
		frames = "frame"
	}
	if s.States == 1 {
		states = "state"
	}
	return fmt.Sprintf("%d %s a call: the same as %d frames at once, largest difference %.0e; %d %s of %d values", s.Steps, frames, s.Window, s.Difference, s.States, states, s.Elements)
}

// OpenONNX reads, converts and proves an ONNX model.
func OpenONNX(file string, o Options) (*Network, error) {
	m, err := onnx.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if o.Steps > 0 {
		return openWindow(m, o, func(o Options) (*Network, error) { return convertONNX(file, m, o) })
	}
	return convertONNX(file, m, o)
}

func convertONNX(file string, m *onnx.Model, o Options) (*Network, error) {
	shapes := o.shapes(m)
	if o.Steps > 0 { // what is fed has the frames of a call, the file those of a window
		shapes = o.Shapes
	}
	r, err := onnx.Convert(m, onnx.Options{Shapes: shapes, Set: o.Set, Known: o.known(file)})
	if err != nil {
		return nil, err
	}
	n := &Network{File: file, Format: "ONNX", Graph: r.Graph, Role: r.Role, Sums: r.Sums, Carried: r.Carried, Bounds: r.Bounds, Ranges: r.Ranges, Assumed: r.Assumed}
	n.declared, n.fixed = map[string]onnx.DataType{}, map[string]int{}
	for _, in := range m.Graph.Inputs {
		n.declared[in.Name] = in.Type
	}
	for name, t := range r.Fixed {
		if o.Set[name] == nil {
			n.fixed[name] = graph.Elems(t.Shape)
		}
	}
	if err := n.pair(o.States); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := n.prove(m, r); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	if err := n.step(o); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	return n, nil
}

// shapes are those that are given, and what open inputs take from their arrays.
func (o Options) shapes(m *onnx.Model) map[string][]int {
	out := map[string][]int{}
	for _, in := range m.Graph.Inputs {
		for _, name := range []string{FileName(in.Name), in.Name} { // where there are both, the exact name counts
			shape, given := o.Arrays[name]
			if !given || !in.Ranked || !in.Open() {
				continue
			}
			switch len(shape) - len(in.Dims) {
			case 0:
				out[in.Name] = shape
			case 1:
				out[in.Name] = shape[1:]
			case 2:
				out[in.Name] = shape[2:]
			}
		}
	}
	if o.Sequence[0] > 0 {
		for _, in := range m.Graph.Inputs {
			if m.Graph.Weights[in.Name] == nil && o.Set[in.Name] == nil && out[in.Name] == nil && in.Ranked && in.Open() && len(in.Dims) == 3 {
				if s := o.sequence(in.Dims); s != nil {
					out[in.Name] = s
				}
			}
		}
	}
	maps.Copy(out, o.Shapes)
	return out
}

// sequence is the shape of one sequence: [1,T,F] where the first dimension can be the
// batch, else [T,1,F].
func (o Options) sequence(dims []onnx.Dim) []int {
	fits := func(d onnx.Dim, n int) bool { return d.Size <= 0 || int(d.Size) == n }
	batch := func(i int) bool {
		return dims[i].Size == 1 || dims[i].Size <= 0 && onnx.IsBatch(dims[i].Name, i)
	}
	t, f := o.Sequence[0], o.Sequence[1]
	switch {
	case !fits(dims[2], f):
		return nil
	case batch(0) && fits(dims[1], t):
		return []int{1, t, f}
	case batch(1) && fits(dims[0], t):
		return []int{t, 1, f}
	}
	return nil
}
