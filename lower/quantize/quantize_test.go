// SPDX-License-Identifier: Apache-2.0

package quantize_test

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train/nn"
)

// small is an RNN of two units whose quantization can be followed by hand.
func small() *nn.Network {
	return &nn.Network{
		Name: "small", Steps: 2, Features: 1, Outputs: 2, Task: nn.Classification,
		Layers: []nn.Layer{{
			Cell: nn.SimpleRNN, Features: 1, Units: 2,
			Kernel: []float32{1.27, -2.54}, Recurrent: []float32{0, 0.5, 0.25, -1}, Bias: []float32{0.5, -1},
		}},
		HeadKernel: []float32{1, 0, 0, 0}, HeadBias: []float32{3, 1e6},
	}
}

var ranges = map[string]quantize.Range{
	"input": {Min: 0, Max: 1}, "rnn0/xp": {Min: -3, Max: 2}, "rnn0/rec": {Min: -1, Max: 1}, "rnn0/pre_h": {Min: -90, Max: 2},
	"logits": {Min: -1, Max: 4},
}

func lowered(t *testing.T, o quantize.Options) *graph.Graph {
	t.Helper()
	plan, err := unroll.Build(small(), unroll.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	g, err := quantize.Graph(plan, ranges, o)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func find(t *testing.T, g *graph.Graph, name string) *graph.Tensor {
	t.Helper()
	id := g.Find(name)
	if id == graph.None {
		t.Fatalf("no tensor %q", name)
	}
	return g.Tensors[id]
}

func int32s(t *graph.Tensor) []int32 {
	var v []int32
	for i := 0; i < len(t.Data); i += 4 {
		v = append(v, int32(binary.LittleEndian.Uint32(t.Data[i:])))
	}
	return v
}

func TestScales(t *testing.T) {
	g := lowered(t, quantize.Options{})
	for _, c := range []struct {
		name  string
		scale float32
		zero  int32
	}{
		{"input", 1.0 / 255, -128},
		{"rnn0/xp", 5.0 / 255, 25},
		{"rnn0/rec", 0, 0}, // absent: named by step
		{"rnn0/t00/pre_h", float32(float64(float32(3.2)+2) / 255), 29},
		{"rnn0/t00/h", 1.0 / 128, 0},
		{"state_h0", 1.0 / 128, 0},
		{"state_h0_out", 1.0 / 128, 0},
		{"output", 1.0 / 256, -128},
	} {
		if c.scale == 0 {
			continue
		}
		x := find(t, g, c.name)
		if math.Abs(float64(x.Scale()/c.scale)-1) > 1e-6 || x.ZeroPoint() != c.zero {
			t.Errorf("%s: scale %v zero point %d, expected %v %d", c.name, x.Scale(), x.ZeroPoint(), c.scale, c.zero)
		}
	}
}

// Each output of a matrix fills -127..127; the bias has the scale of the
// products, as float32 products give it.
func TestWeightsAndBias(t *testing.T) {
	g := lowered(t, quantize.Options{})
	w := find(t, g, "rnn0/kernel")
	if want := []byte{127, 0x81}; !slices.Equal(w.Data, want) {
		t.Errorf("kernel %v, expected %v", w.Data, want)
	}
	b := find(t, g, "rnn0/bias")
	in := find(t, g, "input").Scale()
	for i, s := range b.Quant.Scales {
		if want := float32(in * w.Quant.Scales[i]); s != want {
			t.Errorf("bias scale %d is %v, expected %v", i, s, want)
		}
	}
	if got, want := int32s(b), []int32{12750, -12750}; !slices.Equal(got, want) {
		t.Errorf("bias %v, expected %v", got, want)
	}
	u := find(t, g, "rnn0/recurrent")
	if want := []byte{0, 127, 64, 0x81}; !slices.Equal(u.Data, want) {
		t.Errorf("recurrent %v, expected %v", u.Data, want)
	}

	g = lowered(t, quantize.Options{PerTensor: true})
	w = find(t, g, "rnn0/kernel")
	if want := []byte{64, 0x81}; len(w.Quant.Scales) != 1 || !slices.Equal(w.Data, want) {
		t.Errorf("per tensor: kernel %v with %d scales, expected %v with 1", w.Data, len(w.Quant.Scales), want)
	}

	g = lowered(t, quantize.Options{WeightLevels: 10})
	u = find(t, g, "rnn0/recurrent")
	if want := []byte{0, 10, 5, 0xF6}; !slices.Equal(u.Data, want) {
		t.Errorf("10 levels: recurrent %v, expected %v", u.Data, want)
	}
}

// An output without weights but with a huge bias gets a scale that keeps the
// bias in 32 bits with room for the products.
func TestHugeBias(t *testing.T) {
	g := lowered(t, quantize.Options{})
	b := find(t, g, "head/bias")
	q := int32s(b)[1]
	if q < 1<<29 || q > 1<<30 {
		t.Errorf("bias of 1e6 became %d", q)
	}
	if real := float64(q) * float64(b.Quant.Scales[1]); math.Abs(real-1e6) > 1 {
		t.Errorf("bias of 1e6 became %v", real)
	}
}

func TestSixteenBits(t *testing.T) {
	g := lowered(t, quantize.Options{Activations: quantize.Int16})
	for _, x := range g.Tensors {
		if !x.IsConst() && (x.Type != graph.Int16 || x.ZeroPoint() != 0) {
			t.Errorf("%s is %v with zero point %d", x.Name, x.Type, x.ZeroPoint())
		}
	}
	if b := find(t, g, "rnn0/bias"); b.Type != graph.Int64 {
		t.Errorf("bias is %v", b.Type)
	}
	if s := find(t, g, "state_h0").Scale(); s != 1.0/32768 {
		t.Errorf("state scale %v", s)
	}
}

// A mixed graph is 8 bits wide where it meets the world and between steps. Values
// widen by CAST, for QUANTIZE from 8 to 16 bits is not an operator of every runtime.
func TestMixedBorders(t *testing.T) {
	g := lowered(t, quantize.Options{Activations: quantize.Mixed})
	for _, id := range append(slices.Clone(g.Inputs), g.Outputs...) {
		if g.Tensors[id].Type != graph.Int8 {
			t.Errorf("%s is %v", g.Tensors[id].Name, g.Tensors[id].Type)
		}
	}
	for i, op := range g.Ops {
		in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
		if (op.Kind == graph.Cast) != (in.Type == graph.Int8 && out.Type == graph.Int16) {
			t.Errorf("%s goes from %v to %v", g.OpString(i), in.Type, out.Type)
		}
		if op.Kind == graph.Cast && (in.Scale() != out.Scale() || out.ZeroPoint() != 0) {
			t.Errorf("%s has scales %v and %v and zero point %d", g.OpString(i), in.Scale(), out.Scale(), out.ZeroPoint())
		}
		if op.Kind != graph.Quantize && op.Kind != graph.Cast && op.Kind != graph.Split && in.Type != out.Type {
			t.Errorf("%s goes from %v to %v", g.OpString(i), in.Type, out.Type)
		}
	}
	if x := find(t, g, "rnn0/t00/h"); x.Type != graph.Int8 {
		t.Errorf("state between steps is %v", x.Type)
	}
}

// What a CAST makes of a zero point is taken back by the bias, by the sum of the
// integer weights for each output.
func TestMixedZeroPoint(t *testing.T) {
	g := lowered(t, quantize.Options{Activations: quantize.Mixed})
	if z := find(t, g, "input").ZeroPoint(); z != -128 {
		t.Fatalf("the input has zero point %d", z)
	}
	b := find(t, g, "rnn0/bias")
	if want := []int64{12750 + 128*127, -12750 - 128*127}; !slices.Equal(int64s(b), want) {
		t.Errorf("bias %v, expected %v", int64s(b), want)
	}
	if b := find(t, g, "rnn0/recurrent_bias"); !slices.Equal(int64s(b), []int64{0, 0}) {
		t.Errorf("bias of the state's product is %v, expected zeros: its zero point is 0", int64s(b))
	}
}

func int64s(t *graph.Tensor) []int64 {
	var v []int64
	for i := 0; i < len(t.Data); i += 8 {
		v = append(v, int64(binary.LittleEndian.Uint64(t.Data[i:])))
	}
	return v
}

// Graphs that share rounded weights are what they are without that.
func TestCache(t *testing.T) {
	plan, err := unroll.Build(small(), unroll.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	shared := &quantize.Cache{}
	for _, wide := range []map[string]bool{{}, {"rnn0/h": true}, {"input": true}, {"rnn0/h": true, "rnn0/pre": true}} {
		o := quantize.Options{Wide: wide, Moments: map[graph.TensorID]*quantize.Moments{
			plan.Graph.Find("rnn0/recurrent"): {Mean: []float64{.5, -.25}, Covariance: []float64{1, 0, .5, 1}},
		}}
		alone, err := quantize.Graph(plan, ranges, o)
		if err != nil {
			t.Fatal(err)
		}
		o.Cache = shared
		for range 2 {
			got, err := quantize.Graph(plan, ranges, o)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range alone.Tensors {
				if !slices.Equal(got.Tensors[i].Data, want.Data) {
					t.Errorf("%v in 16 bits: %q differs", wide, want.Name)
				}
			}
		}
	}
}

// The mean of what rounding adds to an output is taken from its bias.
func TestMeanError(t *testing.T) {
	plan, err := unroll.Build(small(), unroll.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	o := quantize.Options{Activations: quantize.Int16, WeightLevels: 10, PerTensor: true, Moments: map[graph.TensorID]*quantize.Moments{
		plan.Graph.Find("rnn0/recurrent"): {Mean: []float64{.5, -.25}, Covariance: []float64{1, 0, 0, 1}},
	}}
	g, err := quantize.Graph(plan, ranges, o)
	if err != nil {
		t.Fatal(err)
	}
	w, b := find(t, g, "rnn0/recurrent"), find(t, g, "rnn0/recurrent_bias")
	if want := []byte{0, 2, 5, 0xF6}; !slices.Equal(w.Data, want) { // 0.25 is just below 2.5 steps of 0.1
		t.Fatalf("weights %v, expected %v", w.Data, want)
	}
	for i, want := range []float64{-.05 * .25, 0} {
		if got := float64(int64s(b)[i]) * float64(b.Scale()); math.Abs(got-want) > 1e-5 {
			t.Errorf("bias of output %d is %v, expected %v", i, got, want)
		}
	}
}

// Where more than products read a role, its zero point is 0 in a mixed graph.
func TestMixedCentersStates(t *testing.T) {
	net := &nn.Network{
		Name: "gru", Steps: 2, Features: 1, Outputs: 1, Task: nn.Regression,
		Layers: []nn.Layer{{Cell: nn.GRU, Activation: nn.Relu, ResetAfter: true, Features: 1, Units: 1,
			Kernel: []float32{1, 1, 1}, Recurrent: []float32{1, 1, 1}, Bias: make([]float32, 6)}},
		HeadKernel: []float32{1}, HeadBias: []float32{0},
	}
	plan, err := unroll.Build(net, unroll.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	r := map[string]quantize.Range{}
	for _, role := range plan.Roles() {
		r[role] = quantize.Range{Min: 0, Max: 4}
	}
	g, err := quantize.Graph(plan, r, quantize.Options{Activations: quantize.Mixed})
	if err != nil {
		t.Fatal(err)
	}
	if h := find(t, g, "state_h0"); h.ZeroPoint() != 0 || h.Scale() != float32(4.0/127) {
		t.Errorf("state: scale %v, zero point %d", h.Scale(), h.ZeroPoint())
	}
	if y := find(t, g, "output"); y.ZeroPoint() != -128 {
		t.Errorf("output, which nobody reads: zero point %d", y.ZeroPoint())
	}
}

// Inputs far larger than what is made of them would need a factor that kernels do
// not take: the result gets a coarser scale then.
func TestMixedLargeInputs(t *testing.T) {
	plan, err := unroll.Build(small(), unroll.Options{StateIO: true})
	if err != nil {
		t.Fatal(err)
	}
	wide := maps.Clone(ranges)
	wide["input"] = quantize.Range{Min: -1e6, Max: 1e6}
	g, err := quantize.Graph(plan, wide, quantize.Options{Activations: quantize.Mixed})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reference.New(g); err != nil {
		t.Error(err)
	}
	if got, want := find(t, g, "rnn0/xp").Scale(), float32(2e6/255*2.54/127/64); math.Abs(float64(got/want)-1) > 1e-6 {
		t.Errorf("scale %v, expected %v", got, want)
	}
}

func TestErrors(t *testing.T) {
	net := small()
	net.Layers[0].Bias[1] = float32(math.Inf(1))
	plan, err := unroll.Build(net, unroll.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := quantize.Graph(plan, ranges, quantize.Options{}); err == nil || !strings.Contains(err.Error(), `bias "rnn0/bias": output 1`) {
		t.Errorf("infinite bias: %v", err)
	}
}

func TestValuesAndReal(t *testing.T) {
	x := &graph.Tensor{Name: "x", Type: graph.Int8, Shape: []int{5}, Quant: graph.PerTensor(0.5, -3)}
	raw := make([]byte, 5)
	if err := quantize.Values(raw, x, []float32{0, 0.25, -0.25, 1000, -1000}); err != nil {
		t.Fatal(err)
	}
	if want := []byte{0xFD, 0xFE, 0xFC, 127, 128}; !slices.Equal(raw, want) {
		t.Errorf("quantized %v, expected %v", raw, want)
	}
	back := make([]float32, 5)
	if err := quantize.Real(back, x, raw); err != nil {
		t.Fatal(err)
	}
	if want := []float32{0, 0.5, -0.5, 65, -62.5}; !slices.Equal(back, want) {
		t.Errorf("dequantized %v, expected %v", back, want)
	}
	if err := quantize.Values(raw, x, []float32{0, 0, 0, 0, float32(math.NaN())}); err == nil {
		t.Error("NaN was quantized")
	}
	if err := quantize.Values(raw[1:], x, back); err == nil {
		t.Error("a short buffer was taken")
	}
}
