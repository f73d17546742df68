// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/timeline"
)

// FetchRecords brings the records of a kernel to SRAM shortly before it runs, where
// the latency of the slow memory sets the pace: the NPU reads them anew for every
// block. Records that belong to one kernel alone cannot stay there, as copyBoth has it.
func FetchRecords(pl *Plan) error {
	if !pl.prefetch || pl.Room >= 0 || pl.refined {
		return nil
	}
	best := pl.cycles()
	fetched := 0
	for _, o := range pl.Ops {
		if o.Weights == nil || pl.copies[o.Weights] == copyBoth || pl.copies[o.Weights] == copyEach {
			continue
		}
		before := pl.time(o).Cycles
		o.fetchRecords = true
		if err := pl.setBlock(o, o.Block.D); err != nil {
			return err
		}
		transfer := pl.Memo.Cost.Copy(o.Scales.buf.Size).Cycles
		after := pl.time(o).Cycles
		o.fetchRecords = before-after > 0.1*before && before-after > 0.5*transfer
		if o.fetchRecords {
			fetched++
		}
	}
	if err := ChooseBlocks(pl); err != nil {
		return err
	}
	if fetched > 0 {
		if t := pl.cyclesBelow(0.99 * best); t < 0.99*best {
			best = t
		} else {
			for _, o := range pl.Ops {
				o.fetchRecords = false
			}
		}
	}
	if err := pl.fetchWithWeights(best); err != nil {
		return err
	}
	return ChooseBlocks(pl)
}

// fetchWithWeights tries what neither chooseCopies nor the kernels one by one find: the
// weights of several kernels from a copy and the records of each fetched before it,
// where one of the two alone leaves the other to set the pace.
func (pl *Plan) fetchWithWeights(best float64) error {
	shared := pl.sharedRecords()
	users := map[*kernel.Weights][]*Op{}
	var list []*kernel.Weights
	for _, o := range pl.Ops {
		w := o.Weights
		if w == nil || shared[w] != nil || pl.copies[w] == copyEach {
			continue
		}
		if users[w] == nil {
			list = append(list, w)
		}
		users[w] = append(users[w], o)
	}
	for _, w := range list[:min(len(list), 12)] {
		for _, try := range []copyMode{copyWeights, readDirect} {
			keep, kept := pl.copies[w], make([]bool, len(users[w]))
			for i, o := range users[w] {
				kept[i], o.fetchRecords = o.fetchRecords, true
			}
			pl.copies[w] = try
			if err := ChooseBlocks(pl); err != nil {
				return err
			}
			if t := pl.cyclesBelow(0.99 * best); t < 0.99*best {
				best = t
				continue
			}
			pl.copies[w] = keep
			for i, o := range users[w] {
				o.fetchRecords = kept[i]
			}
		}
	}
	return nil
}

// recordTransfers returns a transfer for every kernel whose records are fetched. Kernels
// that are long enough to hide it several times are as far as it may come ahead: the copy
// takes memory from there on.
func (pl *Plan) recordTransfers() []*transfer {
	var list []*transfer
	made := map[sharedKey]*repeatCopy{}
	for i, o := range pl.Ops {
		if !o.fetchRecords {
			continue
		}
		if pl.repeat[o.Weights] {
			if r := pl.repeatsOf(o.Scales); r != nil {
				key := sharedKey{o.Weights, o.Scales}
				if made[key] == nil {
					made[key] = &repeatCopy{of: o.Scales, repeats: r}
					list = append(list, pl.repeatTransfers(made[key], i)...)
				}
				made[key].users = append(made[key].users, o)
				made[key].last = i
				continue
			}
		}
		x := &transfer{Transfer: timeline.Transfer{After: -1, Use: i, From: i}, records: true}
		x.Time = pl.Memo.Cost.Copy(o.Scales.buf.Size)
		x.From = pl.reach(i, x.Cycles)
		list = append(list, x)
	}
	return list
}

// reach returns the first kernel that a transfer of so many cycles, due for kernel i, may
// stand in front of.
func (pl *Plan) reach(i int, cycles float64) int {
	for t := 0.0; i > 0 && t < ahead*cycles; {
		i--
		t += pl.time(pl.Ops[i]).Cycles
	}
	return i
}

// ahead is how many of a transfer's own times it may come ahead of its kernel.
const ahead = 4

// recordOp makes the DMA that fetches the records of a kernel.
func (pl *Plan) recordOp(x *transfer) *Transfer {
	o := pl.Ops[x.Use]
	own := *o.Scales // other kernels with the same records have copies of their own
	o.Scales = &own
	own.copy = &kernel.Buffer{Name: own.buf.Name + "/resident", Size: own.buf.Size, Resident: true}
	return &Transfer{Name: "DMA records", Source: o.Source, Step: o.Step, Src: own.buf, Dst: own.copy, Length: own.buf.Size}
}
