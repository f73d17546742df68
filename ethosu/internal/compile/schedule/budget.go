// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// KeepWithinBudget decides which weights may be copied to SRAM when a budget is
// set. Feature maps come first; of the weights, those that save the most cycles
// for a byte. Weights of many uses that do not fit whole are cut: see keepPart.
func KeepWithinBudget(pl *Plan) error {
	if pl.Room < 0 || !pl.prefetch {
		return nil
	}
	room := pl.Room
	type candidate struct {
		w     *kernel.Weights
		first *Op
		uses  int
		bytes int
		save  float64 // cycles
	}
	index := map[*kernel.Weights]int{}
	var list []candidate
	for _, o := range pl.Ops {
		if o.Weights == nil {
			continue
		}
		i, ok := index[o.Weights]
		if !ok {
			i = len(list)
			index[o.Weights] = i
			list = append(list, candidate{w: o.Weights, first: o, bytes: pl.weightBytes(o)})
		}
		list[i].uses++
	}
	for i := range list {
		c := &list[i]
		transfer := pl.Memo.Cost.Copy(c.bytes).Cycles
		mode := pl.copies[c.w]
		copied := pl.time(c.first).Cycles
		pl.copies[c.w] = readDirect
		direct := pl.time(c.first).Cycles
		pl.copies[c.w] = mode
		c.save = float64(float64(c.uses)*(direct-copied)) - transfer // never fused, as everywhere
		if c.uses == 1 {
			// One use: the gain is what other kernels hide, at most their time.
			c.save = 0.2 * direct
		}
	}
	sort.SliceStable(list, func(i, j int) bool {
		return list[i].save/float64(list[i].bytes) > list[j].save/float64(list[j].bytes)
	})
	transient := 0
	for _, c := range list {
		switch {
		case c.save <= 0:
			pl.copies[c.w] = readDirect
		case c.uses == 1:
			// A copy for one use lives beside the one before it.
			if c.bytes+transient > room {
				pl.copies[c.w] = readDirect
				continue
			}
			if c.bytes > transient {
				transient = c.bytes
			}
		case c.bytes <= room-transient:
			room -= c.bytes
		default:
			channels := (room - transient) * c.w.O / c.bytes
			if channels < 16 || c.first.Kind != kernel.Conv {
				pl.copies[c.w] = readDirect
				continue
			}
			if err := pl.keepPart(c.w, channels); err != nil {
				return err
			}
			room -= c.bytes * channels / c.w.O
		}
	}
	return nil
}
