// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// keepPart keeps some output channels of weights in SRAM when there is room for so
// many and not for all. What remains is read from the constants by its kernels; or,
// where the schedule gets shorter, cut into parts that take turns in two buffers,
// each part arriving while kernels before it compute. Kernels of resident parts
// stand between them, so that the slow memory never pauses.
func (pl *Plan) keepPart(w *kernel.Weights, channels int) error {
	ops := pl.Ops
	plan := func(turn int, limit float64) (float64, bool, error) {
		pl.Ops = ops
		sizes, ok := ringSizes(w.O, channels, turn)
		if !ok {
			return 0, false, nil
		}
		parts, err := pl.split(w, sizes...)
		if err != nil {
			return 0, false, err
		}
		for i, part := range parts {
			mode := copyWeights
			switch {
			case i%2 == 1 && turn == 0:
				mode = readDirect
			case i%2 == 1:
				mode = copyEach
			}
			pl.copies[part] = mode
		}
		return pl.cyclesBelow(limit), true, nil
	}
	best, chosen := math.Inf(1), 0
	for turn := 0; turn <= 128; turn += 16 {
		// Every part is a kernel and a transfer more at every use, which is command
		// stream in flash.
		t, ok, err := plan(turn, 0.97*best)
		if err != nil {
			return err
		}
		if ok && (turn == 0 || t < 0.97*best) {
			best, chosen = t, turn
		}
	}
	_, _, err := plan(chosen, 0) // how long it takes is known
	return err
}

// maxPairs limits how many kernels one becomes.
const maxPairs = 12

// ringSizes cuts o output channels into pairs, a resident part and one of the
// given size that takes its turn in a buffer for two, with memory for so many
// channels at a time. A turn of 0 means a resident part and one that needs no
// memory.
func ringSizes(o, channels, turn int) ([]int, bool) {
	if turn == 0 {
		kept := channels / 16 * 16
		return []int{kept, o - kept}, true
	}
	pairs := kernel.CeilDiv(o-channels, turn) + 2
	kept := o - pairs*turn
	if pairs > maxPairs || kept < 16*pairs {
		return nil, false
	}
	var sizes []int
	for left := pairs; left > 1; left-- {
		n := kernel.RoundUp(kernel.CeilDiv(kept, left), 16)
		sizes = append(sizes, n, turn)
		kept -= n
	}
	return append(sizes, kept, turn), true
}

// pace makes every transfer of weights that take turns wait for the kernel of the
// one two before it, whose memory it takes over.
func (pl *Plan) pace(list []*transfer) {
	var turns []*transfer
	for _, x := range list {
		if x.w != nil && pl.copies[x.w] == copyEach {
			if n := len(turns); n >= 2 {
				x.After = turns[n-2].Use
			}
			x.Fixed = true
			turns = append(turns, x)
		}
	}
}
