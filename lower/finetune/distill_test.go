package finetune

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// pupil has an operator of every kind of gradient, and a state.
func pupil() *graph.Graph {
	r := rand.New(rand.NewPCG(3, 4))
	g := &graph.Graph{Name: "pupil"}
	value := func(name string, shape ...int) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape})
	}
	weights := func(name string, scale float64, shape ...int) graph.TensorID {
		var raw []byte
		for range graph.Elems(shape) {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(r.NormFloat64()*scale)))
		}
		return g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape, Data: raw})
	}
	index := func(name string, shape []int, v ...int) graph.TensorID {
		var raw []byte
		for _, x := range v {
			raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(x)))
		}
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: shape, Data: raw})
	}
	op := func(k graph.Kind, attr any, out graph.TensorID, in ...graph.TensorID) graph.TensorID {
		g.Ops = append(g.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
		return out
	}
	x, s := value("x", 1, 1, 6, 3), value("s", 1, 8)
	pad := op(graph.Pad, nil, value("pad", 1, 1, 7, 3), x, index("pads", []int{4, 2}, 0, 0, 0, 0, 1, 0, 0, 0))
	c := op(graph.Conv2D, graph.Conv2DAttr{Padding: graph.PadSame, StrideH: 1, StrideW: 2, DilationH: 1, DilationW: 1, Activation: graph.ActRelu},
		value("conv", 1, 1, 4, 4), pad, weights("kernel", 0.4, 4, 1, 3, 3), weights("bias", 0.3, 4))
	dw := op(graph.DepthwiseConv2D, graph.DepthwiseConv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, DepthMultiplier: 1},
		value("depth", 1, 1, 3, 4), c, weights("taps", 0.6, 1, 1, 2, 4), weights("offset", 0.1, 4))
	p := op(graph.AveragePool2D, graph.Pool2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, FilterH: 1, FilterW: 2}, value("pool", 1, 1, 2, 4), dw)
	flat := op(graph.Reshape, graph.ReshapeAttr{NewShape: []int{1, 8}}, value("flat", 1, 8), p, index("shape", []int{2}, 1, 8))
	gate := op(graph.Logistic, nil, value("gate", 1, 8), flat)
	leaky := op(graph.LeakyRelu, graph.LeakyReluAttr{Alpha: 0.1}, value("leaky", 1, 8), flat)
	mix := op(graph.FullyConnected, graph.FullyConnectedAttr{}, value("mix", 1, 8), leaky, weights("w", 0.4, 8, 8), weights("b", 0.2, 8))
	keep := op(graph.Mul, graph.MulAttr{}, value("keep", 1, 8), s, gate)
	next := op(graph.Add, graph.AddAttr{}, value("s_out", 1, 8), keep, mix)
	most := op(graph.Maximum, nil, value("most", 1, 8), next, mix)
	y := op(graph.FullyConnected, graph.FullyConnectedAttr{}, value("y", 1, 2), most, weights("v", 0.4, 2, 8), graph.None)
	g.Inputs, g.Outputs, g.States = []graph.TensorID{x, s}, []graph.TensorID{y, next}, []graph.State{{In: s, Out: next}}
	return g
}

type lessons struct{}

func (lessons) Len() int      { return 6 }
func (lessons) Calls(int) int { return 24 }
func (lessons) Feed(i, call, _ int, dst []float32) error {
	r := rand.New(rand.NewPCG(uint64(i), uint64(call)))
	for j := range dst {
		dst[j] = float32(r.NormFloat64())
	}
	return nil
}

func lowered(t *testing.T, levels int) *lower.GraphResult {
	t.Helper()
	g := pupil()
	if err := g.Validate(); err != nil {
		t.Fatal(err)
	}
	r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, lessons{}, lower.Options{WeightLevels: levels})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// With rounding switched off, the gradient of every constant is that of the loss, through
// all calls of a window.
func TestDistillGradients(t *testing.T) {
	d, err := newDistillation(lowered(t, 0), lessons{}, DistillOptions{Steps: 1, Window: 3, Rate: 1e-9})
	if err != nil {
		t.Fatal(err)
	}
	if err := d.loop(context.Background(), nil, func() error { return nil }); err != nil { // makes the lanes
		t.Fatal(err)
	}
	d.p.exact()
	r := rand.New(rand.NewPCG(7, 8))
	places := make([]place, windows)
	for i := range places {
		places[i] = place{i % 6, i % 20}
	}
	for _, id := range d.trained { // away from the teacher's, where the loss has no slope
		for i := range d.p.consts[id].value {
			d.p.consts[id].value[i] += float32(0.1 * r.NormFloat64())
		}
	}
	loss := func() float64 {
		t.Helper()
		l, err := d.step(places)
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	loss()
	gradients := map[graph.TensorID][]float32{}
	for _, id := range d.trained {
		gradients[id] = slices.Clone(d.g[id])
	}
	for _, id := range d.trained {
		c := d.p.consts[id]
		slope, norm := 0.0, 0.0
		for i := range c.value {
			slope += float64(gradients[id][i]) * float64(gradients[id][i])
			norm = math.Max(norm, math.Abs(float64(gradients[id][i])))
		}
		if norm == 0 {
			t.Errorf("%s has no gradient", c.name)
			continue
		}
		kept, e := slices.Clone(c.value), 2e-3/norm
		move := func(sign float64) float64 {
			for i := range c.value {
				c.value[i] = kept[i] + float32(sign*e*float64(gradients[id][i]))
			}
			return loss()
		}
		got := (move(1) - move(-1)) / (2 * e)
		copy(c.value, kept)
		if math.Abs(got-slope) > 0.02*slope {
			t.Errorf("%s: the loss rises by %v along its gradient, expected %v", c.name, got, slope)
		}
	}
}

// Weights of few levels learn to stand in for the float ones, and the result is the same
// for any number of processors.
func TestDistill(t *testing.T) {
	run := func() (*lower.GraphResult, *lower.GraphResult) {
		r := lowered(t, 7)
		got, err := Distill(context.Background(), r, lessons{}, DistillOptions{Steps: 200, Window: 4, Levels: 7}, nil)
		if err != nil {
			t.Fatal(err)
		}
		return r, got
	}
	before, after := run()
	if after == before || after.Loss > 0.9*before.Loss {
		t.Errorf("the loss went from %v to %v", before.Loss, after.Loss)
	}
	old := runtime.GOMAXPROCS(1)
	_, single := run()
	runtime.GOMAXPROCS(old)
	for i, c := range after.Int8.Tensors {
		if !slices.Equal(c.Data, single.Int8.Tensors[i].Data) {
			t.Fatalf("%q differs with one processor", c.Name)
		}
	}
	// An interrupted run gives the best so far, with the reason.
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	got, err := Distill(ctx, before, lessons{}, DistillOptions{Levels: 7}, nil)
	if got == nil || err != context.Canceled {
		t.Errorf("interrupted: %v, %v", got, err)
	}
}

// What has no gradient is refused by name.
func TestDistillRefuses(t *testing.T) {
	r := lowered(t, 0)
	g := r.Arranged()
	for _, op := range g.Ops {
		if op.Kind == graph.LeakyRelu {
			op.Kind, op.Attr = graph.ArgMax, graph.ArgAttr{}
		}
	}
	if _, err := newDistillation(r, lessons{}, DistillOptions{}); err == nil {
		t.Error("an ARG_MAX is distilled")
	}
}
