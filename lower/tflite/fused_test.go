// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// fusedModel is a graph of one recurrent operator with random weights.
type fusedModel struct {
	*rand.Rand
	g      *graph.Graph
	op     *graph.Op
	values map[int][]float64 // of inputs, by position
}

func (f *fusedModel) weights(pos int, shape ...int) {
	t := &graph.Tensor{Name: fmt.Sprintf("w%d", pos), Type: graph.Float32, Shape: shape}
	for range graph.Elems(shape) {
		x := float32(f.NormFloat64() * 0.6)
		f.values[pos] = append(f.values[pos], float64(x))
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(x))
	}
	f.op.Inputs[pos] = f.g.Add(t)
}

func newFused(seed uint64, kind graph.Kind, inputs int, in, out []int) *fusedModel {
	f := &fusedModel{Rand: rand.New(rand.NewPCG(seed, 9)), g: &graph.Graph{Name: "fused"}, op: &graph.Op{Kind: kind, Inputs: make([]graph.TensorID, inputs)}, values: map[int][]float64{}}
	for i := range f.op.Inputs {
		f.op.Inputs[i] = graph.None
	}
	f.op.Inputs[0] = f.g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: in})
	f.op.Outputs = []graph.TensorID{f.g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: out})}
	f.g.Inputs, f.g.Outputs, f.g.Ops = []graph.TensorID{f.op.Inputs[0]}, f.op.Outputs, []*graph.Op{f.op}
	return f
}

func (f *fusedModel) variable(pos int, shape ...int) {
	f.op.Inputs[pos] = f.g.Add(&graph.Tensor{Name: fmt.Sprintf("v%d", pos), Type: graph.Float32, Shape: shape, Variable: true})
}

// run writes the operator out and runs it twice, states carried; it returns the inputs
// and outputs of both calls.
func (f *fusedModel) run(t *testing.T) (in, out [2][]float64) {
	t.Helper()
	r := &reader{m: &Model{Graph: f.g}}
	if err := r.unfuse(); err != nil {
		t.Fatal(err)
	}
	if err := f.g.Validate(); err != nil {
		t.Fatal(err)
	}
	exec, err := floatexec.New(f.g)
	if err != nil {
		t.Fatal(err)
	}
	state := map[graph.TensorID][]float32{}
	for call := range in {
		var feed [][]float32
		for _, id := range f.g.Inputs {
			v := state[id]
			if v == nil {
				v = make([]float32, f.g.Tensors[id].Elems())
			}
			if id == f.g.Inputs[0] {
				v = make([]float32, f.g.Tensors[id].Elems())
				for i := range v {
					v[i] = float32(f.NormFloat64())
					in[call] = append(in[call], float64(v[i]))
				}
			}
			feed = append(feed, v)
		}
		views, err := exec.Runner().Run(1, feed)
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range f.g.Outputs {
			row := append([]float32(nil), views[i].Row(0)...)
			if i == 0 {
				for _, x := range row {
					out[call] = append(out[call], float64(x))
				}
			}
			for _, s := range f.g.States {
				if s.Out == id {
					state[s.In] = row
				}
			}
		}
	}
	return in, out
}

func sigma(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// TestFloatLSTM compares the cell with its equations, with and without what is optional.
func TestFloatLSTM(t *testing.T) {
	for seed := range uint64(40) {
		src := rand.New(rand.NewPCG(seed, 1))
		coin := func() bool { return src.IntN(2) == 0 }
		batch, steps, width, units := 1+src.IntN(2), 1+src.IntN(4), 1+src.IntN(4), 1+src.IntN(4)
		major, coupled, peep, projected := coin(), coin(), coin(), coin()
		out := units
		if projected {
			out = 1 + src.IntN(3)
		}
		shape := func(n int) []int {
			if major {
				return []int{steps, batch, n}
			}
			return []int{batch, steps, n}
		}
		f := newFused(seed, graph.UnidirectionalSequenceLSTM, 24, shape(width), shape(out))
		attr := graph.LSTMAttr{Activation: graph.ActTanh, TimeMajor: major}
		if coin() {
			attr.CellClip = 0.4
		}
		f.op.Attr = attr
		for g := range 4 { // i, f, c, o
			if g == 0 && coupled {
				continue
			}
			f.weights(1+g, units, width)
			f.weights(5+g, units, out)
			f.weights(12+g, units)
		}
		if peep {
			for i := range 3 {
				if i > 0 || !coupled {
					f.weights(9+i, units)
				}
			}
		}
		if projected {
			f.weights(16, out, units)
		}
		f.variable(18, batch, out)
		f.variable(19, batch, units)
		in, got := f.run(t)
		h, c := make([]float64, batch*out), make([]float64, batch*units)
		for call := range in {
			for step := range steps {
				for b := range batch {
					row := b*steps + step
					if major {
						row = step*batch + b
					}
					x := in[call][row*width:][:width]
					sum := func(g, j int) float64 {
						v := f.values[12+g][j]
						for i := range width {
							v += f.values[1+g][j*width+i] * x[i]
						}
						for i := range out {
							v += f.values[5+g][j*out+i] * h[b*out+i]
						}
						return v
					}
					p := func(i, j int, cell float64) float64 {
						if f.values[9+i] == nil {
							return 0
						}
						return f.values[9+i][j] * cell
					}
					m, next := make([]float64, units), make([]float64, units)
					for j := range units {
						cell := c[b*units+j]
						forget := sigma(sum(1, j) + p(1, j, cell))
						input := 1 - forget
						if !coupled {
							input = sigma(sum(0, j) + p(0, j, cell))
						}
						next[j] = forget*cell + input*math.Tanh(sum(2, j))
						if attr.CellClip > 0 {
							next[j] = max(min(next[j], float64(attr.CellClip)), -float64(attr.CellClip))
						}
						m[j] = sigma(sum(3, j)+p(2, j, next[j])) * math.Tanh(next[j])
					}
					copy(c[b*units:], next)
					if projected {
						for k := range out {
							v := 0.0
							for j := range units {
								v += f.values[16][k*units+j] * m[j]
							}
							h[b*out+k] = v
						}
					} else {
						copy(h[b*out:], m)
					}
					for k := range out {
						if d := math.Abs(got[call][row*out+k] - h[b*out+k]); d > 1e-5 {
							t.Fatalf("seed %d, call %d, step %d: %g, expected %g", seed, call, step, got[call][row*out+k], h[b*out+k])
						}
					}
				}
			}
		}
	}
}

// TestFloatRNN does so for the plain cell, and refuses what is no float operator.
func TestFloatRNN(t *testing.T) {
	const steps, width, units = 3, 4, 2
	f := newFused(1, graph.UnidirectionalSequenceRNN, 5, []int{1, steps, width}, []int{1, steps, units})
	f.op.Attr = graph.SequenceRNNAttr{Activation: graph.ActTanh}
	f.weights(1, units, width)
	f.weights(2, units, units)
	f.weights(3, units)
	f.variable(4, 1, units)
	in, got := f.run(t)
	h := make([]float64, units)
	for call := range in {
		for step := range steps {
			next := make([]float64, units)
			for j := range units {
				v := f.values[3][j]
				for i := range width {
					v += f.values[1][j*width+i] * in[call][step*width+i]
				}
				for i := range units {
					v += f.values[2][j*units+i] * h[i]
				}
				next[j] = math.Tanh(v)
			}
			h = next
			for j := range units {
				if d := math.Abs(got[call][step*units+j] - h[j]); d > 1e-5 {
					t.Fatalf("call %d, step %d: %g, expected %g", call, step, got[call][step*units+j], h[j])
				}
			}
		}
	}
	f = newFused(1, graph.UnidirectionalSequenceRNN, 5, []int{1, steps, width}, []int{1, steps, units})
	f.op.Attr = graph.SequenceRNNAttr{Activation: graph.ActTanh}
	f.weights(2, units, units)
	f.weights(3, units)
	f.variable(4, 1, units)
	f.op.Inputs[1] = f.g.Add(&graph.Tensor{Name: "w", Type: graph.Int8, Shape: []int{units, width}, Data: make([]byte, units*width)})
	if err := (&reader{m: &Model{Graph: f.g}}).unfuse(); err == nil || !strings.Contains(err.Error(), "hybrid") {
		t.Errorf("int8 weights: %v", err)
	}
}

// TestHalf compares with values that are known.
func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{
		0x0000: 0, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x0400: 0x1p-14, 0x0001: 0x1p-24, 0x3555: 0.33325195, 0x7c00: float32(math.Inf(1)), 0xfc00: float32(math.Inf(-1)),
	} {
		if got := half(bits); got != want {
			t.Errorf("%#04x is %g, expected %g", bits, got, want)
		}
	}
	if v := half(0x7e00); v == v {
		t.Errorf("0x7e00 is %g, expected no number", v)
	}
}

// TestLSTMParts are weights of which only some are there: what they would do is not
// defined, and to leave them out would be another network.
func TestLSTMParts(t *testing.T) {
	const width, units = 3, 2
	all := []int{1, 2, 3, 4, 5, 6, 7, 8, 12, 13, 14, 15}
	for _, c := range []struct {
		name    string
		coupled bool
		more    []int
		want    string
	}{
		{"all peepholes", false, []int{9, 10, 11}, ""},
		{"coupled, its peepholes", true, []int{10, 11}, ""},
		{"of the output alone", false, []int{11}, "peephole"},
		{"not of the input", false, []int{10, 11}, "peephole"},
		{"of the input alone", false, []int{9}, "peephole"},
		{"coupled, with that of the input", true, []int{9, 10, 11}, "peephole"},
		{"coupled, with biases of the input", true, []int{12}, "biases of the input gate"},
		{"projection biases alone", false, []int{17}, "projection biases"},
	} {
		f := newFused(1, graph.UnidirectionalSequenceLSTM, 24, []int{1, 2, width}, []int{1, 2, units})
		f.op.Attr = graph.LSTMAttr{Activation: graph.ActTanh}
		for _, pos := range all {
			switch {
			case c.coupled && (pos == 1 || pos == 5 || pos == 12):
			case pos < 5:
				f.weights(pos, units, width)
			case pos < 9:
				f.weights(pos, units, units)
			default:
				f.weights(pos, units)
			}
		}
		for _, pos := range c.more {
			f.weights(pos, units)
		}
		f.variable(18, 1, units)
		f.variable(19, 1, units)
		err := (&reader{m: &Model{Graph: f.g}}).unfuse()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, expected one with %q", c.name, err, c.want)
		}
	}
}
