// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// fastEnough is how many of its cycles weights for the fast decoder may take at most,
// where they are not smaller as well: they are stored in more bytes.
const fastEnough = 0.97

// ChooseFormats decides which weights are for the fast decoder of an Ethos-U85: bytes as
// they are, or indices into a table of few values, at several times the weights a cycle.
// The standard decoders take fewer bytes, which counts where the weights arrive more slowly
// than they are decoded.
func ChooseFormats(pl *Plan) error {
	if !pl.Accel.OwnMemories {
		return nil
	}
	pl.fast = map[*kernel.Weights]bool{}
	cycles := map[*kernel.Weights]*[2]float64{}
	var list []*kernel.Weights
	for _, o := range pl.Ops {
		w := o.Weights
		if w == nil || w.Depthwise {
			continue
		}
		sum := cycles[w]
		first := sum == nil
		if first {
			sum = &[2]float64{}
			cycles[w], list = sum, append(list, w)
		}
		for k := range sum {
			pl.fast[w] = k == 1
			c, err := pl.chooseBlock(o, 0)
			if err != nil {
				delete(pl.fast, w)
				return err
			}
			if sum[k] += c.Cycles; first && pl.copies[w] != readDirect {
				sum[k] += pl.Memo.Cost.Copy(pl.weightBytes(o)).Cycles
			}
		}
		delete(pl.fast, w)
	}
	for _, w := range list {
		if c := cycles[w]; c[1] < fastEnough*c[0] {
			pl.fast[w] = true
		}
	}
	return nil
}

// fastBytes is the length of the stream of a kernel's weights for the fast decoder.
func (pl *Plan) fastBytes(o *Op, w *perf.Work) int {
	var seen [256]bool
	values := 0
	for _, b := range o.Weights.Values {
		if !seen[b] {
			seen[b] = true
			values++
		}
	}
	if !seen[0] { // which pads
		values++
	}
	bits := 8
	switch {
	case values <= 4:
		bits = 2
	case values <= 16:
		bits = 4
	}
	return 32 + kernel.RoundUp(perf.WeightsU85(pl.Accel, w)*bits/8, 32)
}
