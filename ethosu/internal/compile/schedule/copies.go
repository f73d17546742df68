// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// DecidePrefetch sets whether weights are copied to SRAM before use: only where
// constants lie in a slower memory than feature maps.
func DecidePrefetch(pl *Plan) error {
	pl.prefetch = pl.Memory.SlowConstants(pl.Accel)
	if pl.prefetch {
		for _, w := range pl.mod.Weights.All() {
			pl.copies[w] = copyWeights
		}
	}
	return nil
}

// ChooseCopies decides for every weight tensor whether kernels read it where it
// is or from a copy in SRAM, and whether the records come along: whatever makes
// the estimated schedule shortest.
func ChooseCopies(pl *Plan) error {
	if !pl.prefetch {
		return nil
	}
	shared := pl.sharedRecords()
	var list []*kernel.Weights
	allowed := map[*kernel.Weights][]copyMode{}
	for _, o := range pl.Ops {
		w := o.Weights
		if w == nil || pl.copies[w] == readDirect || pl.copies[w] == copyEach || allowed[w] != nil {
			continue
		}
		list = append(list, w)
		allowed[w] = []copyMode{readDirect, copyWeights}
		if shared[w] != nil {
			allowed[w] = append(allowed[w], copyBoth)
		}
	}
	best := math.Inf(1)
	try := func(set func()) (float64, error) {
		set()
		if err := ChooseBlocks(pl); err != nil {
			return 0, err
		}
		return pl.cyclesBelow(best), nil
	}
	start := map[*kernel.Weights]copyMode{}
	for i, mode := range []copyMode{copyWeights, copyBoth, readDirect} {
		t, err := try(func() {
			for _, w := range list {
				pl.copies[w] = min(mode, allowed[w][len(allowed[w])-1])
			}
		})
		if err != nil {
			return err
		}
		if i == 0 || t < best {
			best = t
			for _, w := range list {
				start[w] = pl.copies[w]
			}
		}
	}
	for _, w := range list {
		pl.copies[w] = start[w]
	}
	for _, w := range list[:min(len(list), 12)] {
		keep := pl.copies[w]
		for _, mode := range allowed[w] {
			if mode == start[w] {
				continue
			}
			t, err := try(func() { pl.copies[w] = mode })
			if err != nil {
				return err
			}
			if t < best {
				best, keep = t, mode
			}
		}
		pl.copies[w] = keep
	}
	pl.copyHeavyRecords(shared)
	return ChooseBlocks(pl)
}

// sharedRecords returns the records of every weight tensor whose kernels all have
// the same ones.
func (pl *Plan) sharedRecords() map[*kernel.Weights]*Coded {
	shared := map[*kernel.Weights]*Coded{}
	for _, o := range pl.Ops {
		if o.Weights == nil {
			continue
		}
		if r, ok := shared[o.Weights]; ok && r != o.Scales {
			shared[o.Weights] = nil
		} else if !ok {
			shared[o.Weights] = o.Scales
		}
	}
	return shared
}

// copyHeavyRecords copies the records, too, of kernels that run often and take
// less time than reading their records would. The cycle model counts the bytes of
// records with those of the weights and does not see this.
func (pl *Plan) copyHeavyRecords(shared map[*kernel.Weights]*Coded) {
	uses := map[*kernel.Weights]int{}
	for _, o := range pl.Ops {
		uses[o.Weights]++
	}
	slow := pl.Memory.Place(ethosu.RegionConstants)
	for _, o := range pl.Ops {
		w := o.Weights
		if w != nil && pl.copies[w] == copyWeights && shared[w] != nil && uses[w] > 2 &&
			slow.ReadCycles(pl.Accel, o.Scales.Total()) > pl.time(o).Cycles {
			pl.copies[w] = copyBoth
		}
	}
}
