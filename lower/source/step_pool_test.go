// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"
)

// pool pads in front, or not at all.
func (n *timeNet) pool(op string, kernel, stride, before int, count bool) {
	n.node(op, func() {
		n.set("kernel_shape", []int{kernel})
		n.set("strides", []int{stride})
		n.set("pads", []int{before, 0})
		if count {
			n.set("count_include_pad", 1)
		}
	})
	n.elsewhere = n.elsewhere || op == "AveragePool" && !count && before > 0
	n.frames = (n.frames+before-kernel)/stride + 1
}

// pooled is a random network of causal poolings and of padding that repeats the first frame.
func pooled(seed uint64) (n *timeNet, steps int) {
	n = newTimeNet(2000+seed, 4, 24)
	steps = []int{1, 2, 4, 12}[n.IntN(4)]
	rate := 1
	for range 1 + n.IntN(3) {
		kernel, stride := 2+n.IntN(3), 1
		if steps%(rate*2) == 0 && n.IntN(2) == 0 {
			stride = 2
			rate *= 2
		}
		if n.frames < 12 {
			break
		}
		switch n.IntN(5) {
		case 0:
			n.pool("MaxPool", kernel, stride, kernel-stride+n.IntN(stride), false)
		case 1:
			n.pool("AveragePool", kernel, stride, kernel-stride, true)
		case 2:
			n.pool("AveragePool", kernel, stride, kernel-stride, false)
		case 3:
			n.node("Pad", func() { n.set("mode", "edge"); n.ints(n.name("p"), 0, 0, int64(kernel-stride), 0, 0, 0) })
			n.frames += kernel - stride
			if n.IntN(2) == 0 {
				n.node("Tanh", nil)
				n.elsewhere = true // the kernel's scale gives way to that of sums
			}
			n.conv(4, kernel, 1, stride, 0, 0)
		case 4:
			n.conv(4, kernel, 1, stride, kernel-stride, 0)
		}
		n.node("Relu", nil)
	}
	if n.IntN(4) == 0 {
		n.recurrent("GRU", "forward", 3, false)
	}
	n.conv(2, 1, 1, 1, 0, 0)
	return n, steps
}

// TestStepOfPooled makes steps of networks that pool over time.
func TestStepOfPooled(t *testing.T) {
	for seed := range uint64(120) {
		n, steps := pooled(seed)
		if _, err := n.open(t, steps); err != nil {
			t.Errorf("seed %d, steps %d, %v: %v", seed, steps, opsOf(n), err)
		}
	}
}

// TestStepOfPoolingRefused names poolings that need frames that have not come, or more of
// them in a call.
func TestStepOfPoolingRefused(t *testing.T) {
	for _, c := range []struct {
		name, want string
		make       func(n *timeNet)
	}{
		{"stride", "it gives one frame for 2 of the input: calls have to have a multiple of 2 steps, here 1", func(n *timeNet) { n.pool("MaxPool", 2, 2, 0, false) }},
		{"behind", "needs the whole window", func(n *timeNet) {
			n.node("MaxPool", func() { n.set("kernel_shape", []int{3}); n.set("pads", []int{0, 2}) })
		}},
		{"cut and then repeated", "does not begin with the stream", func(n *timeNet) {
			n.slice(2, 24)
			n.pool("MaxPool", 3, 1, 2, false)
		}},
	} {
		n := newTimeNet(1, 4, 24)
		n.conv(4, 1, 1, 1, 0, 0)
		c.make(n)
		n.conv(2, 1, 1, 1, 0, 0)
		_, err := n.open(t, 1)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; expected %q", c.name, err, c.want)
		}
	}
}
