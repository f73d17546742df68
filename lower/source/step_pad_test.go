// SPDX-License-Identifier: Apache-2.0

package source

import (
	"strings"
	"testing"
)

// padded is a random network that pads once in front, with zeros or with another number, for
// all that follows: what is computed of padding is what frames before the stream are.
func padded(seed uint64) (n *timeNet, steps int) {
	n = newTimeNet(4000+seed, 4, 24)
	steps = []int{1, 2, 4, 12}[n.IntN(4)]
	if n.IntN(2) == 0 {
		n.conv(4, 2, 1, 1, 1, 0)
	}
	room := 2 + n.IntN(5)
	n.node("Pad", func() {
		n.ints(n.name("p"), 0, 0, int64(room), 0, 0, 0)
		if n.IntN(2) == 0 {
			n.number(n.name("with"), 1.5)
		}
	})
	n.frames += room
	n.elsewhere = true // what is added in the first call is rounded
	for range 1 + n.IntN(4) {
		switch n.IntN(6) {
		case 0:
			n.node("Sigmoid", nil)
		case 1:
			n.node("Add", func() { n.weights(n.name("bias"), 1, n.channels, 1) })
		case 2:
			n.conv(4, 1, 1, 1, 0, 0)
		case 3:
			if n.frames > 30-room {
				n.recurrent([]string{"GRU", "LSTM", "RNN"}[n.IntN(3)], "forward", 4, false)
			}
		default:
			if kernel := min(3, room+1); kernel > 1 {
				n.conv(4, kernel, 1, 1, 0, 0)
				room -= kernel - 1
			}
		}
	}
	if n.frames > 24 {
		n.slice(n.frames-24, n.frames)
	}
	n.conv(2, 1, 1, 1, 0, 0)
	return n, steps
}

// TestStepOfPadded makes steps of networks that pad in front of everything.
func TestStepOfPadded(t *testing.T) {
	for seed := range uint64(150) {
		n, steps := padded(seed)
		if _, err := n.open(t, steps); err != nil {
			t.Errorf("seed %d, steps %d, %v: %v", seed, steps, opsOf(n), err)
		}
	}
}

// TestStepOfPaddingRefused names padding that does not begin with the stream.
func TestStepOfPaddingRefused(t *testing.T) {
	n := newTimeNet(1, 4, 24)
	n.slice(2, 24)
	n.node("Pad", func() { n.ints("p", 0, 0, 2, 0, 0, 0); n.number("with", 2) })
	n.frames += 2
	n.conv(3, 3, 1, 1, 0, 0)
	_, err := n.open(t, 1)
	if want := "which does not begin with the stream"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("%v; expected %q", err, want)
	}
}
