// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// planes is a random encoder and decoder over time and frequency, [1, C, T, F], as denoisers
// of spectra are: strides are along frequency, kernels along both, with a recurrent layer in
// between or none.
func planes(seed uint64) *timeNet {
	const frames = 12
	b := newModel(3000+seed, "planes", 17)
	b.m.Graph.Nodes = nil
	b.n = &onnx.Node{Attrs: map[string]*onnx.Attr{}}
	bins := 9
	b.input("x", 1, 2, frames, bins)
	n := &timeNet{modelBuilder: b, value: "x", channels: 2, frames: frames}
	var skips []string
	var widths, channels []int
	for range 1 + n.IntN(2) {
		skips, widths, channels = append(skips, n.value), append(widths, bins), append(channels, n.channels)
		kernel := 1 + n.IntN(3)
		n.node("Conv", func() {
			n.weights(n.name("w"), 4, n.channels, kernel, 3)
			n.weights(n.name("b"), 4)
			n.set("pads", []int{kernel - 1, 1, 0, 1})
			n.set("strides", []int{1, 2})
		})
		bins, n.channels = (bins-1)/2+1, 4
		n.node("Relu", nil)
	}
	if units := n.channels * bins; n.IntN(2) == 0 {
		n.node("Transpose", func() { n.set("perm", []int{2, 0, 1, 3}) })
		n.node("Reshape", func() { n.ints(n.name("shape"), frames, 1, int64(units)) })
		n.node("GRU", func() {
			n.weights(n.name("W"), 1, 3*units, units)
			n.weights(n.name("R"), 1, 3*units, units)
			n.weights(n.name("B"), 1, 6*units)
			n.set("hidden_size", units)
			n.set("linear_before_reset", 1)
		})
		n.node("Reshape", func() { n.ints(n.name("shape"), frames, 1, int64(n.channels), int64(bins)) })
		n.node("Transpose", func() { n.set("perm", []int{1, 2, 0, 3}) })
	}
	for i := len(skips) - 1; i >= 0; i-- {
		kernel, cropped := 1+n.IntN(3), n.IntN(2) == 0
		n.node("ConvTranspose", func() {
			n.weights(n.name("w"), n.channels, channels[i], kernel, 3)
			n.weights(n.name("b"), channels[i])
			n.set("strides", []int{1, 2})
			n.set("pads", []int{0, 1, 0, 1})
			if cropped {
				n.set("pads", []int{0, 1, kernel - 1, 1})
			}
		})
		bins, n.channels = 2*bins-1, channels[i]
		if !cropped && kernel > 1 {
			n.node("Slice", func() {
				n.ints(n.name("from"), 0)
				n.ints(n.name("to"), frames)
				n.ints(n.name("axes"), 2)
			})
		}
		if bins == widths[i] {
			n.node("Add", func() { n.n.Inputs = append(n.n.Inputs, skips[i]) })
		}
	}
	return n
}

// TestStepOfPlanes makes steps of networks over time and frequency.
func TestStepOfPlanes(t *testing.T) {
	for seed := range uint64(40) {
		n := planes(seed)
		steps := 1 + n.IntN(3)
		net, err := n.open(t, steps)
		if err != nil && strings.Contains(err.Error(), "could be time") {
			err = net.step(Options{Steps: steps, Axis: map[string]int{"x": 2}})
		}
		if err != nil {
			t.Errorf("seed %d, steps %d, %v: %v", seed, steps, opsOf(n), err)
		} else if net.Stepped.Axis["x"] != 2 {
			t.Errorf("seed %d: dimension %d is taken for time", seed, net.Stepped.Axis["x"])
		}
	}
}
