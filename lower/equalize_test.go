// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// images are seeded noise for the one input of a graph.
type images int

func (n images) Len() int    { return int(n) }
func (images) Calls(int) int { return 1 }
func (images) Feed(i, _, _ int, dst []float32) error {
	r := rand.New(rand.NewPCG(uint64(i), 7))
	for k := range dst {
		dst[k] = r.Float32()*2 - 1
	}
	return nil
}

// unevenGraph is a convolution, a depthwise one, a pooling and a dense layer. Channel k
// between them is 2^(k%8) times as large as the others, and weighed so much less.
func unevenGraph() *graph.Graph {
	const channels = 16
	g := &graph.Graph{Name: "uneven"}
	r := rand.New(rand.NewPCG(3, 4))
	constant := func(name string, factor func(i int) float64, shape ...int) graph.TensorID {
		t := &graph.Tensor{Name: name, Type: graph.Float32, Shape: shape}
		for i := range graph.Elems(shape) {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(float32((r.Float64()*2-1)*factor(i))))
		}
		return g.Add(t)
	}
	value := func(name string, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape})
	}
	size := func(k int) float64 { return math.Ldexp(1, k%8) }
	x := value("x", 1, 8, 8, 4)
	a := value("conv", 1, 8, 8, channels)
	b := value("depthwise", 1, 8, 8, channels)
	relu := value("relu", 1, 8, 8, channels)
	p := value("pool", 1, 1, 1, channels)
	flat := value("flat", 1, channels)
	y := value("y", 1, 5)
	flatShape := g.Add(&graph.Tensor{Name: "shape", Type: graph.Int32, Shape: []int{2}, Data: []byte{1, 0, 0, 0, channels, 0, 0, 0}})
	g.Ops = []*graph.Op{
		{Kind: graph.Conv2D, Attr: graph.Conv2DAttr{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, Activation: graph.ActRelu},
			Inputs: []graph.TensorID{x, constant("w1", func(i int) float64 { return size(i / 36) }, channels, 3, 3, 4), constant("b1", size, channels)}, Outputs: []graph.TensorID{a}},
		{Kind: graph.DepthwiseConv2D, Attr: graph.DepthwiseConv2DAttr{StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, DepthMultiplier: 1},
			Inputs: []graph.TensorID{a, constant("w2", func(int) float64 { return 1 }, 1, 3, 3, channels), constant("b2", func(int) float64 { return 1 }, channels)}, Outputs: []graph.TensorID{b}},
		{Kind: graph.Relu, Inputs: []graph.TensorID{b}, Outputs: []graph.TensorID{relu}},
		{Kind: graph.AveragePool2D, Attr: graph.Pool2DAttr{Padding: graph.PadValid, StrideH: 8, StrideW: 8, FilterH: 8, FilterW: 8}, Inputs: []graph.TensorID{relu}, Outputs: []graph.TensorID{p}},
		{Kind: graph.Reshape, Attr: graph.ReshapeAttr{NewShape: []int{1, channels}}, Inputs: []graph.TensorID{p, flatShape}, Outputs: []graph.TensorID{flat}},
		{Kind: graph.FullyConnected, Attr: graph.FullyConnectedAttr{},
			Inputs: []graph.TensorID{flat, constant("w3", func(i int) float64 { return 1 / size(i%channels) }, 5, channels), constant("b3", func(int) float64 { return 1 }, 5)}, Outputs: []graph.TensorID{y}},
	}
	g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	return g
}

// Channels of sizes far apart share one scale: equalized, they lose much less, and the
// float graph computes the same bits.
func TestEqualize(t *testing.T) {
	ctx := context.Background()
	g := unevenGraph()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	lost := map[lower.Equalization]float64{}
	var want [][]float32
	for _, equalize := range []lower.Equalization{lower.EqualizeNever, lower.EqualizeAlways, lower.EqualizeAuto} {
		r, err := lower.LowerGraph(ctx, g, unroll.Roles{}, images(32), lower.Options{Equalize: equalize, PerChannelWeights: true})
		if err != nil {
			t.Fatal(err)
		}
		lost[equalize] = r.Loss
		alike := *r
		alike.Float = r.Arranged()
		got, err := alike.RunFloat(ctx, images(32))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		} else if !slices.Equal(want[0], got[0]) {
			t.Error("the equalized float graph computes other bits")
		}
	}
	never, always := lost[lower.EqualizeNever], lost[lower.EqualizeAlways]
	t.Logf("8 bits lose %.4f, equalized %.4f", never, always)
	if always > never/2 {
		t.Errorf("8 bits lose %v, equalized %v: expected half at most", never, always)
	}
	if lost[lower.EqualizeAuto] != always {
		t.Errorf("the choice loses %v, expected %v as equalized", lost[lower.EqualizeAuto], always)
	}
}

// What is read by an operator that a factor does not pass through stays as it is: an
// output, a sum, a bounded activation, weights with two readers.
func TestEqualizeKeeps(t *testing.T) {
	for name, change := range map[string]func(g *graph.Graph){
		"output": func(g *graph.Graph) { g.Outputs = append(g.Outputs, g.Find("conv"), g.Find("relu")) },
		"bounded": func(g *graph.Graph) {
			at := g.Ops[0].Attr.(graph.Conv2DAttr)
			at.Activation = graph.ActRelu6
			g.Ops[0].Attr = at
			g.Ops[2].Kind = graph.Logistic
		},
		"shared": func(g *graph.Graph) {
			second := g.Add(&graph.Tensor{Name: "again", Type: graph.Float32, Shape: []int{1, 5}})
			again := *g.Ops[5]
			again.Outputs = []graph.TensorID{second}
			g.Ops = append(g.Ops, &again)
			g.Outputs = append(g.Outputs, second, g.Find("conv"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			g := unevenGraph()
			change(g)
			if err := g.Validate(); err != nil {
				t.Fatal(err)
			}
			r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, images(4), lower.Options{Equalize: lower.EqualizeAlways, PerChannelWeights: true})
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range []string{"w1", "w2", "w3"} {
				if a, b := g.Tensors[g.Find(w)].Data, r.Arranged().Tensors[g.Find(w)].Data; !slices.Equal(a, b) {
					t.Errorf("weights %s changed", w)
				}
			}
		})
	}
}

// Where nothing is lost nothing can be gained: the graph stays as it is.
func TestEqualizeNothingLost(t *testing.T) {
	g := unevenGraph()
	for _, name := range []string{"w3", "b3"} {
		clear(g.Tensors[g.Find(name)].Data)
	}
	r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, images(4), lower.Options{PerChannelWeights: true})
	if err != nil {
		t.Fatal(err)
	}
	if r.Loss != 0 || r.Equalized {
		t.Errorf("a graph of zeros loses %v, equalized %v; expected 0, as it is", r.Loss, r.Equalized)
	}
}
