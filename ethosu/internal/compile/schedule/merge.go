// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// merge makes one DMA of neighbours where that is shorter: it saves the latency of
// a transfer but makes the first wait for the second. It returns the estimate.
func (pl *Plan) merge(tl *draft) float64 {
	best := tl.Run()
	if len(tl.transfers) > 40 {
		return best
	}
	latency := float64(pl.Memory.Place(ethosu.RegionConstants).ReadLatency)
	for j := 0; j+1 < len(tl.transfers); {
		a, b := tl.transfers[j], tl.transfers[j+1]
		if !pl.mergeable(a, b) {
			j++
			continue
		}
		old, kernels, places := tl.transfers, slices.Clone(tl.Kernels), tl.Places()
		c := *a
		c.with = append(append(append([]*transfer(nil), a.with...), b), b.with...)
		if a.op != nil {
			from := pl.Memory.Home(a.op.Src)
			c.Time = pl.Memo.Cost.Transfer(b.end()-a.op.Table, from, nil)
		} else {
			c.Cycles += b.Cycles - latency
			c.Own = max(c.Own, b.Own)
			c.Pace += b.Pace
			for k := range c.Channel {
				c.Channel[k] += b.Channel[k]
			}
		}
		tl.use(slices.Concat(tl.transfers[:j], []*transfer{&c}, tl.transfers[j+2:]))
		for i := range tl.Kernels {
			var needs []int
			for _, n := range tl.Kernels[i].Needs {
				if n > j {
					n--
				}
				needs = append(needs, n)
			}
			tl.Kernels[i].Needs = needs
		}
		if t := tl.Descend(); t < best {
			best = t
			continue
		}
		tl.use(old)
		tl.Kernels = kernels
		for i, p := range places {
			tl.transfers[i].Pos = p
		}
		j++
	}
	return best
}

// mergeable reports whether two transfers can be one DMA: tables for neighbouring
// slots that were free from the start, or copies when memory is not limited.
func (pl *Plan) mergeable(a, b *transfer) bool {
	if (a.op == nil) != (b.op == nil) || a.records || b.records || a.op != nil && (a.op.Dst != nil || b.op.Dst != nil) {
		return false
	}
	if a.op == nil {
		return pl.Room < 0
	}
	base := pl.Accel.LUTBase()
	neighbours := (b.op.Table-base)/256 == (a.end()-1-base)/256+1
	return a.After < 0 && b.After < 0 && neighbours && pl.uploadsOf(a.op.Src) == 1 && pl.uploadsOf(b.op.Src) == 1
}

// end returns the first byte of table memory behind an upload.
func (x *transfer) end() int {
	o := x.op
	if n := len(x.with); n > 0 {
		o = x.with[n-1].op
	}
	return o.Table + o.Length
}

// uploadsOf returns how often a table is uploaded.
func (pl *Plan) uploadsOf(b *kernel.Buffer) int {
	n := 0
	for _, x := range pl.uploads {
		if x.op.Src == b {
			n++
		}
	}
	return n
}
