// SPDX-License-Identifier: Apache-2.0

package source

import (
	"bytes"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// transposed makes stride frames out of each. Without crop its end reaches beyond them.
func (n *timeNet) transposed(out, kernel, stride int, crop bool) {
	n.node("ConvTranspose", func() {
		n.weights(n.name("w"), n.channels, out, kernel)
		n.weights(n.name("b"), out)
		n.set("strides", []int{stride})
		if crop {
			n.set("pads", []int{0, kernel - stride})
		}
	})
	n.frames, n.channels = (n.frames-1)*stride+kernel, out
	if crop {
		n.frames -= kernel - stride
	}
}

// blocks joins frames, of [1, C, T], or cuts them, where times is below 0.
func (n *timeNet) blocks(times int) {
	n.node("Transpose", func() { n.set("perm", []int{0, 2, 1}) })
	if times > 0 {
		n.frames, n.channels = n.frames/times, n.channels*times
	} else {
		n.frames, n.channels = n.frames*-times, n.channels/-times
	}
	n.node("Reshape", func() { n.ints(n.name("shape"), 1, int64(n.frames), int64(n.channels)) })
	n.node("Transpose", func() { n.set("perm", []int{0, 2, 1}) })
}

// upward is a random network that has more frames inside, or at its end, than at its
// beginning, as decoders do, some of them with fewer in between, and steps that it has.
func upward(seed uint64) (n *timeNet, steps int) {
	n = newTimeNet(1000+seed, 4, 24)
	steps = []int{1, 2, 4, 12}[n.IntN(4)]
	var skips []string // what is joined with what comes up to its frames again
	var channels []int
	down := 1
	for range n.IntN(3) {
		if steps%(down*2) != 0 {
			break
		}
		down *= 2
		skips, channels = append(skips, n.value), append(channels, n.channels)
		if n.IntN(3) == 0 {
			n.blocks(2)
		} else {
			kernel := 2 + n.IntN(3)
			n.conv(3+n.IntN(3), kernel, 1, 2, kernel-2+n.IntN(2), 0)
		}
	}
	switch n.IntN(3) {
	case 0:
		n.recurrent([]string{"RNN", "GRU", "LSTM"}[n.IntN(3)], "forward", 4, false)
	case 1:
		n.conv(4, 3, 1, 1, 2, 0)
		n.node("Relu", nil)
	}
	for i := len(skips) - 1; i >= 0; i-- {
		n.transposed(channels[i], 2+n.IntN(3), 2, true)
		if n.frames == 24>>i {
			n.node("Add", func() { n.n.Inputs = append(n.n.Inputs, skips[i]) })
		}
	}
	if n.IntN(4) == 0 && n.frames == 24 { // frames that are none yet
		n.conv(4, 3, 1, 1, 0, 0)
	}
	for range n.IntN(3) {
		stride := 2 + n.IntN(2)
		switch n.IntN(4) {
		case 0:
			n.transposed(4, stride+n.IntN(3), stride, true)
		case 1:
			n.conv(4*stride, 1, 1, 1, 0, 0)
			n.blocks(-stride)
		case 2:
			n.node("Resize", func() {
				n.set("mode", "nearest")
				n.set("coordinate_transformation_mode", "asymmetric")
				n.set("nearest_mode", "floor")
				n.n.Inputs = append(n.n.Inputs, "", "")
				n.ints(n.name("sizes"), 1, int64(n.channels), int64(n.frames*stride))
			})
			n.frames *= stride
		case 3:
			before := n.frames * stride
			n.transposed(4, stride+2, stride, false)
			n.slice(0, before)
		}
		n.conv(4, 3, 1, 1, 2, 0)
	}
	if n.IntN(4) == 0 {
		n.recurrent("GRU", "forward", 3, false)
	}
	n.conv(2, 1, 1, 1, 0, 0)
	return n, steps
}

// TestStepOfUpward makes steps of networks that have several frames for one.
func TestStepOfUpward(t *testing.T) {
	for seed := range uint64(120) {
		n, steps := upward(seed)
		net, err := n.open(t, steps)
		if err != nil {
			t.Errorf("seed %d, steps %d, %v: %v", seed, steps, opsOf(n), err)
			continue
		}
		if net.Stepped.Axis["x"] != 2 {
			t.Errorf("seed %d: dimension %d is taken for time", seed, net.Stepped.Axis["x"])
		}
	}
}

// TestStepKeepsFramesOfTransposed holds the state of a TRANSPOSE_CONV to the frames that
// its newest output is made of.
func TestStepKeepsFramesOfTransposed(t *testing.T) {
	n := newTimeNet(5, 4, 24)
	n.transposed(3, 5, 2, true)
	net, err := n.open(t, 1)
	if err != nil {
		t.Fatal(err)
	}
	out := net.Graph.Tensors[net.Graph.Outputs[0]].Shape
	if net.Stepped.Elements != 2*4 || graph.Elems(out) != 2*3 {
		t.Errorf("%d values in states and an output of shape %v, expected two frames of 4, and two frames of 3", net.Stepped.Elements, out)
	}
}

// TestStepOfUpwardRefused names what needs frames that have not come.
func TestStepOfUpwardRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(n *timeNet)
	}{
		{"not cropped, and then summed up", "a frame of it needs 1 input frame after its own: not causal over time", func(n *timeNet) {
			n.transposed(3, 4, 2, false)
			n.node("ReduceMean", func() { n.set("axes", []int{2}) })
		}},
		{"cropped at both ends", "not causal over time", func(n *timeNet) {
			n.transposed(3, 4, 2, false)
			n.slice(1, 49)
		}},
		{"stride behind it", "it gives 2 frames for 3 of the input: calls have to have a multiple of 3 steps, here 1", func(n *timeNet) {
			n.transposed(3, 2, 2, true)
			n.conv(3, 3, 1, 3, 0, 0)
		}},
	} {
		n := newTimeNet(1, 4, 24)
		c.make(n)
		_, err := n.open(t, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; expected %q", c.name, err, c.want)
		}
	}
}

// TestStepQuantized runs the integers of a window and of its step, which have the same
// quantization, frame by frame: a ring holds what the window would have computed.
func TestStepQuantized(t *testing.T) {
	for _, c := range []struct {
		name string
		make func(seed uint64) (*timeNet, int)
		some int
	}{{"upward", upward, 25}, {"pooled", pooled, 25}} {
		compared := 0
		for seed := range uint64(80) {
			n, steps := c.make(seed)
			if !n.elsewhere && sameIntegers(t, c.name, n, seed, steps) {
				compared++
			}
		}
		if compared < c.some {
			t.Errorf("%s: %d networks compared, expected at least %d", c.name, compared, c.some)
		}
	}
}

// sameIntegers compares the integers of a window and of its step. It reports false where the
// step gives frames before the first of the window.
func sameIntegers(t *testing.T, name string, n *timeNet, seed uint64, steps int) bool {
	t.Helper()
	step, err := n.open(t, steps)
	if err != nil {
		t.Fatal(err)
	}
	r, err := onnx.Convert(n.m, onnx.Options{})
	if err != nil {
		t.Fatal(err)
	}
	whole := &Network{Graph: r.Graph, Role: r.Role, Sums: r.Sums, Carried: r.Carried, Bounds: r.Bounds}
	calls := 24 / steps
	if graph.Elems(step.Graph.Tensors[step.Graph.Outputs[0]].Shape)*calls != graph.Elems(whole.Graph.Tensors[whole.Graph.Outputs[0]].Shape) {
		return false
	}
	a, b := integers(t, whole), integers(t, step)
	x := a.Input(0)
	for i := range x {
		x[i] = byte(n.IntN(256))
	}
	if err := a.Invoke(); err != nil {
		t.Fatal(err)
	}
	b.Reset()
	shape := b.Graph().Tensors[b.Graph().Outputs[0]].Shape
	want, each := a.Output(0), shape[len(shape)-1]
	for call := range calls {
		for c := range 4 {
			copy(b.Input(0)[c*steps:], x[c*24+call*steps:][:steps])
		}
		if err := b.Invoke(); err != nil {
			t.Fatal(err)
		}
		for c := range shape[1] {
			if got, want := b.Output(0)[c*each:][:each], want[(c*calls+call)*each:][:each]; !bytes.Equal(got, want) {
				t.Errorf("%s %v, seed %d: call %d of %d frames, channel %d: %v, the window gives %v", name, opsOf(n), seed, call, steps, c, got, want)
				return true
			}
		}
		b.Carry()
	}
	return true
}

// integers quantizes a network with one range for everything, but for masks.
func integers(t *testing.T, n *Network) *reference.Interpreter {
	t.Helper()
	plan, err := unroll.ForGraph(n.Graph, n.Roles())
	if err != nil {
		t.Fatal(err)
	}
	ranges := map[string]quantize.Range{}
	for _, role := range plan.Roles() {
		ranges[role] = quantize.Range{Min: -3, Max: 3}
		if strings.Contains(role, "started") {
			ranges[role] = quantize.Range{Min: 0, Max: 1}
		}
	}
	g, err := quantize.Graph(plan, ranges, quantize.Options{})
	if err != nil {
		t.Fatal(err)
	}
	it, err := reference.New(g)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func opsOf(n *timeNet) (ops []string) {
	for _, node := range n.m.Graph.Nodes {
		ops = append(ops, node.Op)
	}
	return ops
}

// TestStepDropsTheTail makes a step of a decoder whose end is not cropped: what frames after
// the window would add to is said and left out.
func TestStepDropsTheTail(t *testing.T) {
	n := newTimeNet(9, 4, 24)
	n.conv(4, 3, 1, 1, 2, 0)
	n.transposed(3, 5, 2, false)
	net, err := n.open(t, 1)
	if err != nil {
		t.Fatal(err)
	}
	if shape := net.Graph.Tensors[net.Graph.Outputs[0]].Shape; shape[2] != 2 {
		t.Errorf("an output of shape %v, expected two frames", shape)
	}
	want := "the last 3 frames of output"
	if len(net.Assumed) == 0 || !strings.Contains(strings.Join(net.Assumed, "\n"), want) {
		t.Errorf("assumed %q, expected %q", net.Assumed, want)
	}
}
