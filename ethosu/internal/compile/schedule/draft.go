// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math"
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/timeline"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// transfer is a DMA that the schedule may place: a table upload or a copy to SRAM.
type transfer struct {
	timeline.Transfer
	op      *Transfer       // of a table; a copy gets its own when it has its place
	w       *kernel.Weights // the weights it copies, nil for records and tables
	with    []*transfer     // further ones that follow it in the same DMA
	records bool            // it fetches the records of one kernel, or of several that share them
	part    *repeatPart     // it makes a part of them
}

// draft is a timeline of the plan as it stands, with what its transfers move.
type draft struct {
	*timeline.Timeline
	transfers []*transfer
}

// use makes list the transfers of the timeline.
func (tl *draft) use(list []*transfer) {
	moves := make([]*timeline.Transfer, len(list))
	for j, x := range list {
		moves[j] = &x.Transfer
	}
	tl.transfers = list
	tl.SetTransfers(moves)
}

// cycles returns the cycles of the plan as it stands with its transfers where they are best.
func (pl *Plan) cycles() float64 { return pl.cyclesBelow(math.Inf(1)) }

// cyclesBelow is cycles where that is below a limit, and infinite where it is not: many
// plans show by what they ask of one memory that they are worse than the best one.
func (pl *Plan) cyclesBelow(limit float64) float64 {
	tl := pl.newTimeline()
	if tl.Bound() >= limit {
		return math.Inf(1)
	}
	return pl.search(tl)
}

// searched is how many timelines a plan remembers: decisions end where they began, and
// the next one begins there again.
const searched = 4

// search is Search of a timeline that may be one that was searched before.
func (pl *Plan) search(tl *draft) float64 {
	for _, known := range pl.searched {
		if t, ok := tl.Repeat(known); ok {
			return t
		}
	}
	found, t := tl.Find()
	if len(pl.searched) == searched {
		pl.searched = append(pl.searched[:0], pl.searched[1:]...)
	}
	pl.searched = append(pl.searched, found)
	return t
}

// newTimeline returns the timeline of the present kernels with every transfer
// in front of its first use. Before weights are encoded it works with estimates
// of their size.
func (pl *Plan) newTimeline() *draft {
	list := append([]*transfer(nil), pl.uploads...)
	if pl.prefetch {
		list = append(append(list, pl.weightCopies()...), pl.recordTransfers()...)
	}
	sort.SliceStable(list, func(i, j int) bool { return list[i].Use < list[j].Use })
	pl.pace(list)
	tl := &draft{Timeline: timeline.New(len(pl.Ops), pl.Accel.MaxDMA, pl.Accel.MaxKernels, pl.Memory.Ports(pl.Accel))}
	tl.use(list)
	weights := map[*kernel.Weights]int{}
	for j, x := range list {
		x.Pos = x.Use
		if x.w != nil && pl.copies[x.w] != copyEach {
			weights[x.w] = j
		}
	}
	needs := make([]int, 0, len(pl.Ops))
	for i, o := range pl.Ops {
		tl.Kernels[i].Load = pl.behind(tl.Timeline, i)
		if o.Weights != nil {
			if j, ok := weights[o.Weights]; ok {
				needs = append(needs, j)
				tl.Kernels[i].Needs = needs[len(needs)-1 : len(needs) : len(needs)]
			}
		}
	}
	for j, x := range list {
		if x.w == nil || pl.copies[x.w] == copyEach {
			tl.Kernels[x.Use].Needs = append(tl.Kernels[x.Use].Needs, j)
		}
	}
	return tl
}

// firstCommands are the bytes of the commands of the first kernel.
const firstCommands = 292

// behind returns what kernel i asks for behind the one before it. Where it reads nothing of
// that one, it computes its first block while the last one of that one leaves.
func (pl *Plan) behind(tl *timeline.Timeline, i int) perf.Load {
	o := pl.Ops[i]
	t := pl.time(o)
	if i == 0 {
		if pl.Accel.OwnMemories { // the first commands set every register
			t.Load.Fetch(pl.Accel, pl.Memory.Place(ethosu.RegionConstants), firstCommands)
		}
		return t.Load
	}
	before := pl.Ops[i-1]
	w := pl.time(before)
	switch {
	case o.Chain.Inside():
	case before.OFM.Meets(o.IFM):
		t.Own += w.Write + t.Reads[0]
	case o.IFM2 != nil && !o.Scalar && before.OFM.Meets(o.IFM2):
		t.Own += w.Write + t.Reads[1]
	default:
		tl.Kernels[i-1].Own -= w.Drain
	}
	return t.Load
}

// copyBytes is the size of the copy of a kernel's weights.
func (pl *Plan) copyBytes(o *Op) int {
	n := pl.weightBytes(o)
	if o.Stream != nil {
		n = o.Stream.Total()
	}
	if pl.copies[o.Weights] == copyBoth {
		n += o.Scales.buf.Size
	}
	if pl.operands != nil && pl.operands.with == o.Weights {
		n += pl.operands.dst.Size
	}
	return n
}

// weightCopies returns a transfer for every weight tensor that is copied, or for
// every use of it.
func (pl *Plan) weightCopies() []*transfer {
	var list []*transfer
	seen := map[*kernel.Weights]bool{}
	for i, o := range pl.Ops {
		if o.Weights == nil || pl.copies[o.Weights] == readDirect || seen[o.Weights] {
			continue
		}
		seen[o.Weights] = pl.copies[o.Weights] != copyEach
		x := &transfer{w: o.Weights, Transfer: timeline.Transfer{After: -1, Use: i}}
		x.Time = pl.Memo.Cost.Copy(pl.copyBytes(o))
		list = append(list, x)
	}
	return list
}
