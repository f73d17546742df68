// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/precision"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// draft makes graphs for pupils.
type draft struct {
	*graph.Graph
	r *rand.Rand
}

func newDraft() *draft {
	return &draft{&graph.Graph{Name: "pupil"}, rand.New(rand.NewPCG(3, 4))}
}

func (d *draft) value(name string, shape ...int) graph.TensorID {
	return d.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape})
}

// floats adds a constant of random values around an offset.
func (d *draft) floats(name string, offset, scale float64, shape ...int) graph.TensorID {
	var raw []byte
	for range graph.Elems(shape) {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(offset+d.r.NormFloat64()*scale)))
	}
	return d.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: shape, Data: raw})
}

func (d *draft) weights(name string, scale float64, shape ...int) graph.TensorID {
	return d.floats(name, 0, scale, shape...)
}

func (d *draft) index(name string, shape []int, v ...int) graph.TensorID {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, uint32(int32(x)))
	}
	return d.Add(&graph.Tensor{Name: name, Type: graph.Int32, Shape: shape, Data: raw})
}

func (d *draft) op(k graph.Kind, attr any, out graph.TensorID, in ...graph.TensorID) graph.TensorID {
	d.Ops = append(d.Ops, &graph.Op{Kind: k, Attr: attr, Inputs: in, Outputs: []graph.TensorID{out}})
	return out
}

// pupil has convolutions, an average, gates, movements and a state.
func pupil() *graph.Graph {
	d := newDraft()
	x, s := d.value("x", 1, 1, 6, 3), d.value("s", 1, 8)
	pad := d.op(graph.Pad, nil, d.value("pad", 1, 1, 7, 3), x, d.index("pads", []int{4, 2}, 0, 0, 0, 0, 1, 0, 0, 0))
	c := d.op(graph.Conv2D, graph.Conv2DAttr{Padding: graph.PadSame, StrideH: 1, StrideW: 2, DilationH: 1, DilationW: 1, Activation: graph.ActRelu},
		d.value("conv", 1, 1, 4, 4), pad, d.weights("kernel", 0.4, 4, 1, 3, 3), d.weights("bias", 0.3, 4))
	dw := d.op(graph.DepthwiseConv2D, graph.DepthwiseConv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1, DepthMultiplier: 1},
		d.value("depth", 1, 1, 3, 4), c, d.weights("taps", 0.6, 1, 1, 2, 4), d.weights("offset", 0.1, 4))
	p := d.op(graph.AveragePool2D, graph.Pool2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, FilterH: 1, FilterW: 2}, d.value("pool", 1, 1, 2, 4), dw)
	flat := d.op(graph.Reshape, graph.ReshapeAttr{NewShape: []int{1, 8}}, d.value("flat", 1, 8), p, d.index("shape", []int{2}, 1, 8))
	gate := d.op(graph.Logistic, nil, d.value("gate", 1, 8), flat)
	leaky := d.op(graph.LeakyRelu, graph.LeakyReluAttr{Alpha: 0.1}, d.value("leaky", 1, 8), flat)
	mix := d.op(graph.FullyConnected, graph.FullyConnectedAttr{}, d.value("mix", 1, 8), leaky, d.weights("w", 0.4, 8, 8), d.weights("b", 0.2, 8))
	keep := d.op(graph.Mul, graph.MulAttr{}, d.value("keep", 1, 8), s, gate)
	next := d.op(graph.Add, graph.AddAttr{}, d.value("s_out", 1, 8), keep, mix)
	most := d.op(graph.Maximum, nil, d.value("most", 1, 8), next, mix)
	y := d.op(graph.FullyConnected, graph.FullyConnectedAttr{}, d.value("y", 1, 2), most, d.weights("v", 0.4, 2, 8), graph.None)
	d.Inputs, d.Outputs, d.States = []graph.TensorID{x, s}, []graph.TensorID{y, next}, []graph.State{{In: s, Out: next}}
	return d.Graph
}

// other has what pupil has not: the largest and the smallest, sums and means along
// dimensions, quotients and squared differences.
func other() *graph.Graph {
	d := newDraft()
	x := d.value("x", 1, 1, 6, 3)
	c := d.op(graph.Conv2D, graph.Conv2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, DilationH: 1, DilationW: 1},
		d.value("conv", 1, 1, 5, 4), x, d.weights("kernel", 0.4, 4, 1, 2, 3), d.weights("bias", 0.3, 4))
	p := d.op(graph.MaxPool2D, graph.Pool2DAttr{Padding: graph.PadValid, StrideH: 1, StrideW: 1, FilterH: 1, FilterW: 2}, d.value("pool", 1, 1, 4, 4), c)
	mean := d.op(graph.Mean, graph.ReducerAttr{}, d.value("mean", 1, 4), p, d.index("axes", []int{2}, 1, 2))
	sum := d.op(graph.Sum, graph.ReducerAttr{}, d.value("sum", 1, 4), p, d.index("axes_too", []int{2}, 1, 2))
	part := d.op(graph.Div, graph.DivAttr{}, d.value("part", 1, 4), sum, d.floats("by", 3, 0.2, 1, 4))
	apart := d.op(graph.SquaredDifference, nil, d.value("apart", 1, 4), part, mean)
	least := d.op(graph.Minimum, nil, d.value("least", 1, 4), part, mean)
	less := d.op(graph.Sub, graph.SubAttr{}, d.value("less", 1, 4), least, apart)
	y := d.op(graph.FullyConnected, graph.FullyConnectedAttr{}, d.value("y", 1, 2), less, d.weights("v", 0.4, 2, 4), graph.None)
	d.Inputs, d.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
	return d.Graph
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

func lowered(t *testing.T, g *graph.Graph, levels int) *lower.GraphResult {
	t.Helper()
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
	for name, g := range map[string]*graph.Graph{"pupil": pupil(), "other": other()} {
		t.Run(name, func(t *testing.T) { testGradients(t, g) })
	}
}

func testGradients(t *testing.T, g *graph.Graph) {
	r := lowered(t, g, 0)
	o, err := Options{Window: 3}.withDefaults()
	if err != nil {
		t.Fatal(err)
	}
	d, err := newDistillation(context.Background(), r.Original(), r.Arranged(), r.Integers(), lessons{}, o)
	if err != nil {
		t.Fatal(err)
	}
	d.goal = &outputs{d: d}
	rng := rand.New(rand.NewPCG(7, 8))
	var places []place
	for i := range o.Batch {
		places = append(places, place{i % 6, i % 8 * d.Window})
	}
	checkGradients(t, d, places, rng)
}

// checkGradients compares the gradient of every constant with differences of the loss,
// all rounding switched off.
func checkGradients(t *testing.T, d *distillation, places []place, r *rand.Rand) {
	t.Helper()
	d.p.exact()
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
		if math.Abs(got-slope) > 0.02*slope+1e-4*norm { // float32 has no more to say
			t.Errorf("%s: the loss rises by %v along its gradient, expected %v", c.name, got, slope)
		}
	}
}

// Weights of few levels learn to stand in for the float ones, and the result is the same
// for any number of processors.
func TestDistill(t *testing.T) {
	run := func() (*lower.GraphResult, *lower.GraphResult) {
		r := lowered(t, pupil(), 7)
		got, err := Distill(context.Background(), r, lessons{}, Options{Steps: 200, Window: 4, Levels: 7, Rate: 0.005})
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
	got, err := Distill(ctx, before, lessons{}, Options{Levels: 7})
	if got == nil || err != context.Canceled {
		t.Errorf("interrupted: %v, %v", got, err)
	}
}

// What a graph is said to lose is what it loses after it learned.
func TestDistilledLoss(t *testing.T) {
	before, err := lower.LowerGraph(context.Background(), pupil(), unroll.Roles{}, lessons{}, lower.Options{WeightLevels: 7, Activations: lower.Auto, MaxLoss: 0.5, Cost: precision.Traffic})
	if err != nil {
		t.Fatal(err)
	}
	after, err := Distill(context.Background(), before, lessons{}, Options{Steps: 200, Window: 4, Levels: 7, Rate: 0.005})
	if err != nil {
		t.Fatal(err)
	}
	if after.Widths.Loss != after.Loss || after.Loss >= before.Loss || before.Widths.Loss != before.Loss {
		t.Errorf("lost %v before and %v after, and said to lose %v and %v", before.Loss, after.Loss, before.Widths.Loss, after.Widths.Loss)
	}
}

// What has no gradient is refused by name.
func TestDistillRefuses(t *testing.T) {
	r := lowered(t, pupil(), 0)
	g := r.Arranged()
	for _, op := range g.Ops {
		if op.Kind == graph.LeakyRelu {
			op.Kind, op.Attr = graph.ArgMax, graph.ArgAttr{}
		}
	}
	if _, err := Distill(context.Background(), r, lessons{}, Options{}); err == nil || !strings.Contains(err.Error(), "ARG_MAX") {
		t.Errorf("an ARG_MAX is distilled: %v", err)
	}
	if _, err := Distill(context.Background(), lowered(t, pupil(), 0), lessons{}, Options{Rate: -1}); err == nil || !strings.Contains(err.Error(), "expected positive numbers") {
		t.Errorf("a rate below 0: %v", err)
	}
	if _, err := Distill(context.Background(), lowered(t, pupil(), 0), lessons{}, Options{Rate: 1e300, Steps: 20}); err == nil || !strings.Contains(err.Error(), "diverged") {
		t.Errorf("a rate of 1e300: %v", err)
	}
}
