// SPDX-License-Identifier: Apache-2.0

package schedule

import "github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"

// held returns the most bytes of copies that are in SRAM at a time: each from where its
// transfer stands to the last kernel that reads it.
func (pl *Plan) held(tl *draft) int {
	last := map[*kernel.Weights]int{}
	for i, o := range pl.Ops {
		if o.Weights != nil {
			last[o.Weights] = i
		}
	}
	change := make([]int, len(pl.Ops)+1)
	for _, x := range tl.transfers {
		for _, y := range append([]*transfer{x}, x.with...) {
			switch o := pl.Ops[y.Use]; {
			case y.part != nil:
				if !y.part.begins() {
					continue // it was there before
				}
				change[x.Pos] += o.Scales.buf.Size
				change[y.part.copy.last+1] -= o.Scales.buf.Size
			case y.records:
				change[x.Pos] += o.Scales.buf.Size
				change[y.Use+1] -= o.Scales.buf.Size
			case y.w == nil:
			case pl.copies[y.w] == copyEach:
				change[x.Pos] += pl.copyBytes(o)
				change[y.Use+1] -= pl.copyBytes(o)
			default:
				change[x.Pos] += pl.copyBytes(o)
				change[last[y.w]+1] -= pl.copyBytes(o)
			}
		}
	}
	most, now := 0, 0
	for _, n := range change {
		now += n
		most = max(most, now)
	}
	return most
}

// settle moves transfers of copies down, from where the schedule is shortest, as far as
// what that costs is less than what the SRAM that it saves is worth.
func (pl *Plan) settle(tl *draft) {
	if !pl.Accel.OwnMemories || pl.Room >= 0 || len(tl.transfers) > 100 {
		return
	}
	best := tl.Run() + worth(pl.held(tl))
	for again := true; again; {
		again = false
		for j := len(tl.transfers) - 1; j >= 0; j-- {
			x := tl.transfers[j]
			if x.Fixed || x.w == nil && !x.records {
				continue
			}
			old, chosen := x.Pos, x.Pos
			end := x.Use
			if j+1 < len(tl.transfers) {
				end = min(end, tl.transfers[j+1].Pos)
			}
			for p := old + 1; p <= end; p++ {
				x.Pos = p
				if t := tl.Run() + worth(pl.held(tl)); t < best-slackCycles {
					best, chosen, again = t, p, true
				}
			}
			x.Pos = chosen
		}
	}
	tl.Run()
}

// worth returns the cycles that bytes of SRAM have to gain.
func worth(bytes int) float64 { return float64(bytes) * SRAMPrice }
