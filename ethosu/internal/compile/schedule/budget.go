// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
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
	for _, k := range pl.Residency().keep(pl.Room) {
		if k.channels == 0 {
			pl.copies[k.w] = readDirect
		} else if err := pl.keepPart(k.w, k.channels); err != nil {
			return err
		}
	}
	return nil
}

// Residency is what the weights of a plan gain in SRAM, before any are cut. The room is no
// part of it.
type Residency struct {
	list []resident // by falling gain for a byte
}

type resident struct {
	w     *kernel.Weights
	conv  bool // it can be cut
	uses  int
	bytes int
	save  float64 // cycles
}

// Residency weighs the weights of a plan.
func (pl *Plan) Residency() *Residency {
	r := &Residency{}
	if !pl.prefetch {
		return r
	}
	index := map[*kernel.Weights]int{}
	var first []*Op
	for _, o := range pl.Ops {
		if o.Weights == nil {
			continue
		}
		i, ok := index[o.Weights]
		if !ok {
			i = len(r.list)
			index[o.Weights] = i
			first = append(first, o)
			r.list = append(r.list, resident{w: o.Weights, conv: o.Kind == kernel.Conv, bytes: pl.weightBytes(o)})
		}
		r.list[i].uses++
	}
	for i := range r.list {
		c := &r.list[i]
		transfer := pl.Memo.Cost.Copy(c.bytes).Cycles
		mode := pl.copies[c.w]
		copied := pl.time(first[i]).Cycles
		pl.copies[c.w] = readDirect
		direct := pl.time(first[i]).Cycles
		pl.copies[c.w] = mode
		c.save = float64(float64(c.uses)*(direct-copied)) - transfer // never fused, as everywhere
		if c.uses == 1 {
			// One use: the gain is what other kernels hide, at most their time.
			c.save = 0.2 * direct
		}
	}
	sort.SliceStable(r.list, func(i, j int) bool {
		return r.list[i].save/float64(r.list[i].bytes) > r.list[j].save/float64(r.list[j].bytes)
	})
	return r
}

// keeping is what becomes of weights that are not kept whole.
type keeping struct {
	w        *kernel.Weights
	channels int // that may be kept, 0 for none
}

// keep returns the weights that do not stay in so many bytes of SRAM whole.
func (r *Residency) keep(room int) []keeping {
	var list []keeping
	transient := 0
	for i := range r.list {
		c := &r.list[i]
		switch {
		case c.save <= 0:
			list = append(list, keeping{c.w, 0})
		case c.uses == 1:
			// A copy for one use lives beside the one before it.
			if c.bytes+transient > room {
				list = append(list, keeping{c.w, 0})
				continue
			}
			if c.bytes > transient {
				transient = c.bytes
			}
		case c.bytes <= room-transient:
			room -= c.bytes
		default:
			channels := (room - transient) * c.w.O / c.bytes
			if channels < 16 || !c.conv {
				list = append(list, keeping{c.w, 0})
				continue
			}
			list = append(list, keeping{c.w, channels})
			room -= c.bytes * channels / c.w.O
		}
	}
	return list
}

// Kept describes what stays in so many bytes of SRAM: programs of one network that differ in
// a limited room alone, and keep the same, are the same. No pass after KeepWithinBudget
// looks at how much a limited room is, but RefineWeights.
func (r *Residency) Kept(room int) string {
	number := map[*kernel.Weights]int{}
	for i := range r.list {
		number[r.list[i].w] = i
	}
	var b []byte
	for _, k := range r.keep(room) {
		b = fmt.Appendf(b, "%d", number[k.w])
		if k.channels > 0 { // all that ringSizes makes of them
			b = fmt.Appendf(b, ":%d:%d", k.channels/16, kernel.CeilDiv(k.w.O-k.channels, 16))
		}
		b = append(b, ' ')
	}
	return string(b)
}
