// SPDX-License-Identifier: Apache-2.0

package runner_test

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// images are random calls of a graph with one input.
type images [][]float32

func (s images) Len() int      { return len(s) }
func (s images) Calls(int) int { return 1 }
func (s images) Feed(i, _, _ int, dst []float32) error {
	copy(dst, s[i])
	return nil
}

// convolution returns a graph of one convolution of an image [1,4,5,in].
func convolution(t *testing.T, r *rand.Rand, kind graph.Kind, attr any, weights []int, in, out int, bias bool) *graph.Graph {
	t.Helper()
	g := &graph.Graph{Name: "convolution"}
	constant := func(name string, shape []int) graph.TensorID {
		data := make([]byte, 0, 4*graph.Elems(shape))
		for range graph.Elems(shape) {
			data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(r.NormFloat64())))
		}
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape, Data: data})
	}
	x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: []int{1, 4, 5, in}})
	op := &graph.Op{Kind: kind, Attr: attr, Inputs: []graph.TensorID{x, constant("w", weights), graph.None}}
	if bias {
		op.Inputs[2] = constant("b", []int{out})
	}
	y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: []int{1, 4, 5, out}})
	op.Outputs = []graph.TensorID{y}
	g.Ops, g.Inputs, g.Outputs = []*graph.Op{op}, []graph.TensorID{x}, []graph.TensorID{y}
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	return g
}

// Weights of 16 bits are far closer to float than ones of 8, whatever inputs an output of a
// convolution sees, and both witnesses give the same bytes.
func TestWidthsOfConvolutions(t *testing.T) {
	conv := graph.Conv2DAttr{Padding: graph.PadSame, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: graph.ActRelu}
	depthwise := graph.DepthwiseConv2DAttr{Padding: graph.PadSame, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1}
	r := rand.New(rand.NewPCG(16, 9))
	for _, c := range []struct {
		name    string
		kind    graph.Kind
		attr    any
		weights []int
		in, out int
	}{
		{"all channels", graph.Conv2D, conv, []int{6, 3, 3, 4}, 4, 6},
		{"two groups", graph.Conv2D, conv, []int{6, 3, 3, 2}, 4, 6},
		{"a group for every channel", graph.Conv2D, conv, []int{8, 1, 3, 1}, 4, 8},
		{"depthwise", graph.DepthwiseConv2D, depthwise, []int{1, 3, 3, 4}, 4, 4},
		{"depthwise, two outputs a channel", graph.DepthwiseConv2D, depthwise, []int{1, 3, 3, 8}, 4, 8},
	} {
		for _, bias := range []bool{false, true} {
			name := fmt.Sprintf("%s, bias %v", c.name, bias)
			g := convolution(t, r, c.kind, c.attr, c.weights, c.in, c.out, bias)
			plan := planOf(t, g)
			calls := make(images, 20)
			for i := range calls {
				for range 4 * 5 * c.in {
					calls[i] = append(calls[i], float32(r.NormFloat64()))
				}
			}
			float := ungrouped(g)
			seen, err := calibrate.CollectSequences(planOf(t, float), calls, calibrate.Options{})
			if err != nil {
				t.Fatal(err)
			}
			ranges := map[string]quantize.Range{}
			for role, ob := range seen {
				ranges[role] = quantize.Range(calibrate.Options{}.Estimate(ob))
			}
			if got := quantize.Matrices(plan); len(got) != 1 || got[0] != "w" {
				t.Fatalf("%s: weights that can have 16 bits are %q", name, got)
			}
			var errors [2]float64
			for parts, wide := range []map[string]bool{{"x": true, "y": true}, {"x": true, "y": true, "w": true}} {
				q, err := quantize.Graph(plan, ranges, quantize.Options{Wide: wide})
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if err := q.Validate(); err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if errors[parts], err = distance(float, q, calls); err != nil {
					t.Fatal(err)
				}
				for _, a := range []string{"ethos-u55-128", "ethos-u65-256", "ethos-u85-256"} {
					accel, err := ethosu.ParseAccelerator(a)
					if err != nil {
						t.Fatal(err)
					}
					p, err := compile.Compile(q, compile.Options{Accel: accel})
					if err != nil {
						t.Fatalf("%s on %s: %v", name, a, err)
					}
					proof, err := runner.Prove(q, p, runner.RandomFeed(q, 7), runner.ProofOptions{Single: 3, Chain: 1})
					if err != nil || proof.Mismatches > 0 {
						t.Fatalf("%s on %s: %v, %+v", name, a, err, proof)
					}
				}
			}
			if errors[1] > errors[0]/8 {
				t.Errorf("%s: weights of 16 bits are %v from float in the mean, of 8 bits %v", name, errors[1], errors[0])
			}
		}
	}
}

func planOf(t *testing.T, g *graph.Graph) *unroll.Plan {
	t.Helper()
	plan, err := unroll.ForGraph(g, unroll.Roles{})
	if err != nil {
		t.Fatal(err)
	}
	return plan
}

// ungrouped returns a convolution in which every output sees all channels, with weights 0
// for those that are not of its group: groups have no float execution.
func ungrouped(g *graph.Graph) *graph.Graph {
	op := g.Ops[0]
	w, in := g.Tensors[op.Inputs[1]], g.Tensors[op.Inputs[0]].Shape[3]
	if op.Kind != graph.Conv2D || w.Shape[3] == in {
		return g
	}
	next := *g
	next.Tensors = append([]*graph.Tensor(nil), g.Tensors...)
	outs, depth := w.Shape[0], w.Shape[3]
	each := outs / (in / depth)
	pixels := w.Shape[1] * w.Shape[2]
	all := &graph.Tensor{Name: w.Name, Type: w.Type, Shape: []int{outs, w.Shape[1], w.Shape[2], in}, Data: make([]byte, 4*outs*pixels*in)}
	for o := range outs {
		for p := range pixels {
			from := w.Data[4*(o*pixels+p)*depth:][:4*depth]
			copy(all.Data[4*((o*pixels+p)*in+o/each*depth):], from)
		}
	}
	next.Tensors[op.Inputs[1]] = all
	return &next
}

// distance is the mean difference of the outputs of two graphs.
func distance(float, quantized *graph.Graph, calls images) (float64, error) {
	want, err := calibrate.TraceSequences(float, float.Outputs[0], calls)
	if err != nil {
		return 0, err
	}
	it, err := reference.New(quantized)
	if err != nil {
		return 0, err
	}
	in, out := quantized.Tensors[quantized.Inputs[0]], quantized.Tensors[quantized.Outputs[0]]
	sum, n := 0.0, 0
	for _, x := range calls {
		if err := quantize.Values(it.Input(0), in, x); err != nil {
			return 0, err
		}
		if err := it.Invoke(); err != nil {
			return 0, err
		}
		raw := it.Output(0)
		for i := range out.Elems() {
			v := float64(int16(binary.LittleEndian.Uint16(raw[2*i:]))) * float64(out.Scale())
			sum += math.Abs(v - float64(want[n]))
			n++
		}
	}
	return sum / float64(n), nil
}
