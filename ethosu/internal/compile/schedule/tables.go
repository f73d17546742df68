// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/timeline"
)

// PlaceTables gives every table a slot of table memory and lists the uploads. A
// table stays loaded until a slot of it is needed; the slot that is needed again last
// is given up, of several the one idle for longest. What is not loaded of a table leaves
// its slots to others.
func PlaceTables(pl *Plan) error {
	uses := map[*kernel.Table][]int{}
	for i, o := range pl.Ops {
		if o.UsesTable() {
			uses[o.Table] = append(uses[o.Table], i)
		}
	}
	if len(uses) == 0 {
		return nil
	}
	volatile := pl.volatile()
	var slot [8]*kernel.Table
	var lastUse [8]int
	for i := range lastUse {
		lastUse[i] = -1
	}
	next := func(t *kernel.Table, after int) int {
		for _, u := range uses[t] {
			if u > after {
				return u
			}
		}
		return 1 << 30
	}
	lastKernel := -1 // last kernel that destroyed the tables
	head := 0        // first kernel of the chain: its tables are there together, from before it
	for i, o := range pl.Ops {
		if !o.Chain.Inside() {
			head = i
		}
		if !o.UsesTable() {
			if volatile {
				slot = [8]*kernel.Table{}
				lastKernel = i
			}
			continue
		}
		t := o.Table
		n := t.Slots()
		if n != 1 && n != 4 && n != 8 {
			return fmt.Errorf("BUG: table of %d bytes", len(t.Data))
		}
		first, last := t.Taken()
		at := -1
		for s := 0; s < 8; s += n {
			if slot[s+first] == t {
				at = s
			}
		}
		if at < 0 {
			bestNext, bestIdle := -1, 0
			for s := range 8 / n {
				if s *= n; n == 4 { // large tables from the end, where small ones come last
					s = 4 - s
				}
				soonest, idle := 1<<30, -1
				if head < i && slices.Max(lastUse[s+first:s+last]) >= head {
					continue
				}
				for k := s + first; k < s+last; k++ {
					idle = max(idle, lastUse[k])
					if slot[k] != nil {
						soonest = min(soonest, next(slot[k], i-1))
					}
				}
				if soonest > bestNext || (soonest == bestNext && idle < bestIdle) {
					at, bestNext, bestIdle = s, soonest, idle
				}
			}
			free := lastKernel
			for k := at + first; k < at+last; k++ {
				free = max(free, lastUse[k])
				if old := slot[k]; old != nil {
					for j := range slot {
						if slot[j] == old {
							slot[j] = nil
						}
					}
				}
			}
			for k := at + first; k < at+last; k++ {
				slot[k] = t
			}
			src := pl.mod.Constants.Intern(t.Name, t.Loaded(), 16)
			d := &Transfer{Name: "DMA table", Source: o.Source, Step: o.Step, Src: src, Table: pl.Accel.LUTBase() + 256*at + t.From, Length: len(t.Loaded())}
			x := &transfer{op: d, Transfer: timeline.Transfer{After: free, Use: head}}
			from := pl.Memory.Home(src)
			x.Time = pl.Memo.Cost.Transfer(d.Length, from, nil)
			pl.uploads = append(pl.uploads, x)
		}
		for k := at + first; k < at+last; k++ {
			lastUse[k] = i
		}
		o.Slot = at
	}
	pl.keepTables()
	return nil
}

// often is how many uploads of a table are worth a copy of it in SRAM.
const often = 3

// keepTables copies tables that are loaded again and again to SRAM, which answers sooner
// than the memory of constants.
func (pl *Plan) keepTables() {
	if !pl.prefetch || pl.Room >= 0 {
		return
	}
	near := pl.Memory.Place(pl.Memory.Fast())
	copies := map[*kernel.Buffer]*kernel.Buffer{}
	var list []*transfer
	for _, x := range pl.uploads {
		src := x.op.Src
		if copies[src] == nil && pl.uploadsOf(src) >= often {
			to := &kernel.Buffer{Name: src.Name + "/resident", Size: src.Size, Resident: true}
			d := *x.op
			d.Dst, d.Table = to, 0
			first := &transfer{op: &d, Transfer: timeline.Transfer{After: -1, Use: x.Use}}
			first.Time = pl.Memo.Cost.Copy(d.Length)
			copies[src] = to
			list = append(list, first)
		}
		list = append(list, x)
	}
	for _, x := range list {
		if to := copies[x.op.Src]; to != nil && x.op.Dst == nil {
			x.op.Src, x.Time = to, pl.Memo.Cost.Transfer(x.op.Length, near, nil)
		}
	}
	pl.uploads = list
}

// volatile reports whether kernels without a table destroy the tables.
func (pl *Plan) volatile() bool { return pl.Accel.ReservedEndBanks == 0 && !pl.Accel.OwnMemories }
