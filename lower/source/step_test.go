// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// timeNet writes networks over time, of nodes as PyTorch exports them: values are
// [1, C, T].
type timeNet struct {
	*modelBuilder
	value    string
	channels int
	frames   int // of value
	count    int

	// elsewhere says that a step rounds integers elsewhere than the window does: where the
	// first step of a recurrent layer, whose state is known to be zero, is written in a
	// shorter form, or numbers are constants in a window and computed in the step.
	elsewhere bool
}

func newTimeNet(seed uint64, channels, frames int) *timeNet {
	b := newModel(seed, "time", 17)
	b.m.Graph.Nodes = nil
	b.n = &onnx.Node{Attrs: map[string]*onnx.Attr{}}
	b.input("x", 1, channels, frames)
	return &timeNet{modelBuilder: b, value: "x", channels: channels, frames: frames}
}

func (n *timeNet) node(op string, prepare func()) {
	n.n = &onnx.Node{Op: op, Attrs: map[string]*onnx.Attr{}, Inputs: []string{n.value}}
	if prepare != nil {
		prepare()
	}
	n.count++
	n.value = fmt.Sprintf("v%d", n.count)
	n.n.Outputs = append(n.n.Outputs, n.value)
	n.m.Graph.Nodes = append(n.m.Graph.Nodes, n.n)
}

func (n *timeNet) name(what string) string { return fmt.Sprintf("%s%d", what, n.count) }

// conv pads before and behind, in an attribute.
func (n *timeNet) conv(out, kernel, dilation, stride, before, behind int) {
	n.node("Conv", func() {
		n.weights(n.name("w"), out, n.channels, kernel)
		n.weights(n.name("b"), out)
		n.set("pads", []int{before, behind})
		n.set("dilations", []int{dilation})
		n.set("strides", []int{stride})
	})
	n.frames = (n.frames+before+behind-(kernel-1)*dilation-1)/stride + 1
	n.channels = out
}

func (n *timeNet) pad(before int) {
	n.node("Pad", func() { n.ints(n.name("p"), 0, 0, int64(before), 0, 0, 0) })
	n.frames += before
}

func (n *timeNet) slice(from, to int) {
	n.node("Slice", func() {
		n.ints(n.name("from"), int64(from))
		n.ints(n.name("to"), int64(to))
		n.ints(n.name("axes"), 2)
	})
	n.frames = to - from
}

// recurrent leaves [1, C, T], or the last state alone, [1, C].
func (n *timeNet) recurrent(op, direction string, units int, last bool) {
	n.elsewhere = true
	gates := map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[op]
	n.node("Transpose", func() { n.set("perm", []int{2, 0, 1}) })
	dirs := 1
	if direction == "bidirectional" {
		dirs = 2
	}
	n.node(op, func() {
		n.weights(n.name("W"), dirs, gates*units, n.channels)
		n.weights(n.name("R"), dirs, gates*units, units)
		n.weights(n.name("B"), dirs, 2*gates*units)
		n.set("hidden_size", units)
		n.set("direction", direction)
		n.set("linear_before_reset", n.IntN(2))
		if last {
			n.n.Outputs = []string{""}
		}
	})
	n.channels = dirs * units
	if last {
		n.node("Squeeze", func() { n.ints(n.name("axis"), 0) })
		return
	}
	n.node("Transpose", func() { n.set("perm", []int{2, 1, 3, 0}) }) // [B, D, H, T]
	n.node("Reshape", func() { n.ints(n.name("shape"), 1, int64(n.channels), int64(n.frames)) })
}

func (n *timeNet) open(t *testing.T, steps int) (*Network, error) {
	t.Helper()
	n.m.Graph.Outputs = []*onnx.Declared{{Name: n.value, Kind: "tensor"}}
	r, err := onnx.Convert(n.m, onnx.Options{})
	if err != nil {
		t.Fatalf("%s: %v", n.m.File, err)
	}
	net := &Network{Format: "ONNX", Graph: r.Graph, Role: r.Role, Sums: r.Sums, Carried: r.Carried, Bounds: r.Bounds}
	if err = net.step(Options{Steps: steps}); err != nil && strings.Contains(err.Error(), "say so by --time") {
		err = net.step(Options{Steps: steps, Axis: map[string]int{"x": 2}})
	}
	return net, err
}

// TestStepOfCausal makes steps of random networks that are causal over time: all of them
// are to be had, and proven.
func TestStepOfCausal(t *testing.T) {
	for seed := range uint64(150) {
		n := newTimeNet(seed, 3+int(seed%3), 24)
		steps := []int{1, 2, 4, 12}[n.IntN(4)]
		rate := 1
		for range 1 + n.IntN(5) {
			kernel, dilation := 2+n.IntN(3), 1+n.IntN(2)
			reach := (kernel - 1) * dilation
			if n.frames <= reach+6 {
				break
			}
			switch n.IntN(10) {
			case 0, 1:
				n.conv(2+n.IntN(4), kernel, dilation, 1, reach, 0)
			case 2: // padding on both sides, cropped at the end
				before := n.frames
				n.conv(2+n.IntN(4), kernel, dilation, 1, reach, reach)
				n.slice(0, before)
			case 3:
				n.conv(2+n.IntN(4), kernel, dilation, 1, 0, 0)
			case 4:
				if rate*2 <= steps && steps%(rate*2) == 0 {
					rate *= 2
					n.conv(2+n.IntN(4), kernel, 1, 2, n.IntN(kernel), 0)
				}
			case 5:
				n.pad(kernel - 1)
				n.node([]string{"MaxPool", "AveragePool"}[n.IntN(2)], func() { n.set("kernel_shape", []int{kernel}) })
				n.frames -= kernel - 1
			case 6: // residual, with a convolution that is not padded
				before, count := n.value, n.frames
				n.conv(n.channels, kernel, dilation, 1, 0, 0)
				value := n.value
				n.value = before
				n.slice(count-n.frames, count)
				n.frames = count - reach
				n.node("Add", func() { n.n.Inputs = append(n.n.Inputs, value) })
			case 7:
				n.recurrent([]string{"RNN", "GRU", "LSTM"}[n.IntN(3)], "forward", 3+n.IntN(3), false)
			case 8:
				n.node("Relu", nil)
			case 9: // beside each other
				before := n.value
				n.node("Tanh", nil)
				n.node("Concat", func() { n.set("axis", 1); n.n.Inputs = append(n.n.Inputs, before) })
				n.channels *= 2
			}
		}
		switch n.IntN(6) {
		case 0:
			n.recurrent([]string{"RNN", "GRU", "LSTM"}[n.IntN(3)], "forward", 4, true)
		case 1:
			n.node("ReduceMean", func() { n.set("axes", []int{2}); n.set("keepdims", 0) })
		case 2:
			n.conv(3, 1, 1, 1, 0, 0)
			n.node("Flatten", nil)
			n.node("Gemm", func() { n.weights("out_w", n.channels*n.frames, 3) })
		case 3:
			n.conv(2, 1, 1, 1, 0, 0)
			n.node("Gather", func() { n.ints("last", int64(n.frames-1)); n.set("axis", 2) })
		default: // a result for every frame
			n.conv(2, 1, 1, 1, 0, 0)
		}
		net, err := n.open(t, steps)
		if err != nil {
			var ops []string
			for _, node := range n.m.Graph.Nodes {
				ops = append(ops, node.Op)
			}
			t.Errorf("seed %d, steps %d, %v: %v", seed, steps, ops, err)
			continue
		}
		if net.Stepped.Axis["x"] != 2 {
			t.Errorf("seed %d: dimension %d is taken for time", seed, net.Stepped.Axis["x"])
		}
	}
}

// TestStepOfOthers names what is not causal, and what a step cannot know.
func TestStepOfOthers(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(n *timeNet)
	}{
		{"same padding", `a frame of it needs 1 input frame after its own: not causal over time`, func(n *timeNet) { n.conv(3, 3, 1, 1, 1, 1); n.conv(3, 1, 1, 1, 0, 0) }},
		{"backward", "from the last one to the first", func(n *timeNet) { n.recurrent("GRU", "reverse", 3, false) }},
		{"backward, last state", "from the last frame to the first", func(n *timeNet) { n.recurrent("GRU", "reverse", 3, true) }},
		{"bidirectional", "from the last one to the first", func(n *timeNet) { n.recurrent("LSTM", "bidirectional", 3, false) }},
		{"normalized over time", "depends on all others", func(n *timeNet) { n.conv(3, 1, 1, 1, 0, 0); n.node("Softmax", func() { n.set("axis", 2) }) }},
		{"mean of all taken off", "needs the whole window", func(n *timeNet) {
			n.conv(3, 1, 1, 1, 0, 0)
			x := n.value
			n.node("ReduceMean", func() { n.set("axes", []int{2}) })
			n.node("Sub", func() { n.n.Inputs = append(n.n.Inputs, x) })
		}},
		{"position", "differs from frame to frame", func(n *timeNet) {
			n.conv(3, 1, 1, 1, 0, 0)
			n.node("Relu", nil)
			n.node("Add", func() { n.weights("place", 1, 3, 24) })
		}},
		{"stride", "a multiple of 2 steps", func(n *timeNet) { n.conv(3, 2, 1, 2, 0, 0) }},
		{"reflected", "mirrors frames", func(n *timeNet) {
			n.conv(3, 1, 1, 1, 0, 0)
			n.node("Relu", nil)
			n.node("Pad", func() { n.set("mode", "reflect"); n.ints("p", 0, 0, 2, 0, 0, 0) })
			n.frames += 2
			n.conv(3, 3, 1, 1, 0, 0)
		}},
		{"turned around", "not causal over time", func(n *timeNet) {
			n.conv(3, 1, 1, 1, 0, 0)
			n.node("Slice", func() {
				n.ints("from", 23)
				n.ints("to", -100)
				n.ints("axes", 2)
				n.ints("steps", -1)
			})
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

// TestStepIsSmall holds the step of a convolution and a GRU to the operators of one frame.
func TestStepIsSmall(t *testing.T) {
	n := newTimeNet(5, 4, 24)
	n.conv(6, 3, 1, 1, 2, 0)
	n.recurrent("GRU", "forward", 5, false)
	n.conv(2, 1, 1, 1, 0, 0)
	net, err := n.open(t, 1)
	if err != nil {
		t.Fatal(err)
	}
	if len(net.Graph.Ops) > 30 {
		t.Errorf("%d operators for one frame", len(net.Graph.Ops))
	}
	var names []string
	for _, s := range net.StateNames() {
		names = append(names, s[0]+"="+s[1])
	}
	slices.Sort(names)
	if len(names) != 2 || net.Stepped.Elements != 2*4+5 {
		t.Errorf("states %q of %d values, expected two frames of 4 and a state of 5", names, net.Stepped.Elements)
	}
}

// TestOtherwise blames recurrent layers where there are some.
func TestOtherwise(t *testing.T) {
	if got := (&Network{}).otherwise(); strings.Contains(got, "recurrent") {
		t.Error(got)
	}
	if got := (&Network{Carried: map[string]bool{"h": true}}).otherwise(); !strings.Contains(got, "recurrent") {
		t.Error(got)
	}
}

// TestOpenWindow asks how many frames a network takes together where the file leaves it open,
// and not where none of its operators does.
func TestOpenWindow(t *testing.T) {
	for _, op := range []string{"ReduceMean", "CumSum", "Tanh"} {
		b := newModel(9, op, 14)
		b.m.Graph.Inputs = []*onnx.Declared{{Name: "x", Kind: "tensor", Type: onnx.Float, Ranked: true, Dims: []onnx.Dim{{Size: 1}, {Size: -1, Name: "frames"}, {Size: 5}}}}
		b.n.Inputs = []string{"x"}
		switch op {
		case "ReduceMean":
			b.set("axes", []int{1})
		case "CumSum":
			b.ints("axis", 1)
		}
		b.outputs("y")
		_, err := openWindow(b.m, Options{Steps: 2}, func(o Options) (*Network, error) { return convertONNX("net.onnx", b.m, o) })
		if op == "Tanh" && err != nil || op != "Tanh" && (err == nil || !strings.Contains(err.Error(), "say it with --shape x=1,FRAMES,5")) {
			t.Errorf("%s: error %v", op, err)
		}
	}
}
