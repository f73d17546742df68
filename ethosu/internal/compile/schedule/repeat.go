// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"maps"
	"math"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/cost"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/timeline"
	"github.com/unroll-npu/unroll/ethosu/weights"
)

// period is the bytes after which equal records repeat in whole units of memory.
const period = 16 / 2 * weights.RecordBytes

// RepeatRecords fetches one period of records that repeat, as those of products without
// bias and with one scale do, and makes the others of it by transfers within the fast
// memory, each of which doubles what is there. Kernels whose records and weights are the
// same share what is made.
func RepeatRecords(pl *Plan) error {
	if !pl.prefetch || pl.Room >= 0 {
		return nil
	}
	r := &repeater{pl: pl, users: map[*kernel.Weights][]*Op{}}
	for _, o := range pl.Ops {
		w := o.Weights
		if w == nil || pl.copies[w] == copyEach || pl.repeatsOf(o.Scales) == nil {
			continue
		}
		if r.users[w] == nil {
			r.list = append(r.list, w)
		}
		r.users[w] = append(r.users[w], o)
	}
	if len(r.list) == 0 {
		return nil
	}
	r.list = r.list[:min(len(r.list), 12)]
	r.best, r.held = pl.cyclesAndHeld()
	start := r.best
	for _, w := range r.list {
		if err := r.try(math.Inf(1), func() { r.repeat(w) }); err != nil {
			return err
		}
	}
	// Copies of weights may have been worth it for the time that records take. How many bytes
	// each has is not known before they are encoded: less than that is no difference.
	if err := r.try(0.99*start, func() {
		for _, w := range r.list {
			r.repeat(w)
		}
		for w, mode := range pl.copies {
			if mode != copyEach {
				pl.copies[w] = readDirect
			}
		}
	}); err != nil {
		return err
	}
	return ChooseBlocks(pl)
}

// repeater is the weights whose records may be made of a period, and who reads them.
type repeater struct {
	pl    *Plan
	list  []*kernel.Weights
	users map[*kernel.Weights][]*Op
	best  float64 // cycles of the plan as it stands
	held  int     // bytes that its copies have at a time
}

// repeat sets that the records of weights are made of a period.
func (r *repeater) repeat(w *kernel.Weights) {
	r.pl.repeat[w] = true
	if r.pl.copies[w] == copyBoth {
		r.pl.copies[w] = copyWeights
	}
	for _, o := range r.users[w] {
		o.fetchRecords = true
	}
}

// try changes the plan and undoes that where it is not faster by what the SRAM is worth
// that it takes, or not below a limit.
func (r *repeater) try(limit float64, change func()) error {
	pl := r.pl
	repeat, copies, fetched := maps.Clone(pl.repeat), maps.Clone(pl.copies), make([]bool, len(pl.Ops))
	for i, o := range pl.Ops {
		fetched[i] = o.fetchRecords
	}
	change()
	if err := ChooseBlocks(pl); err != nil {
		return err
	}
	t, n := pl.cyclesAndHeld()
	if t < limit && t+worth(max(n-r.held, 0)) < r.best-slackCycles {
		r.best, r.held = t, n
		return nil
	}
	pl.repeat, pl.copies = repeat, copies
	for i, o := range pl.Ops {
		o.fetchRecords = fetched[i]
	}
	return nil
}

// cyclesAndHeld returns the cycles of the schedule, and the bytes of copies that are in
// SRAM at a time.
func (pl *Plan) cyclesAndHeld() (float64, int) {
	tl := pl.newTimeline()
	t := pl.search(tl)
	return t, pl.held(tl)
}

// repeats says how packed records repeat: bytes from..to do, those in front of and behind
// them are taken as they are. Of the ones that repeat the first ones are fetched.
type repeats struct{ from, to, first int }

// repeatsOf returns how records repeat, or nil where they do not, or so few of them that
// one transfer takes less time.
func (pl *Plan) repeatsOf(c *Coded) *repeats {
	if r, ok := pl.coded.repeats[c]; ok {
		return r
	}
	r := &repeats{}
	r.from, r.to = repeated(c.buf.Data)
	least := pl.Memo.Cost.Copy(c.buf.Size).Cycles
	for n := period; n < r.to-r.from; n *= 2 {
		t := 0.0
		try := repeats{r.from, r.to, n}
		for _, p := range try.pieces(c.buf.Size) {
			t += pl.pieceTime(p).Cycles
		}
		if t < least {
			least, r.first = t, n
		}
	}
	if r.first == 0 {
		r = nil
	}
	pl.coded.repeats[c] = r
	return r
}

// repeated returns the longest part of packed records that consists of whole units of
// memory and repeats after every period.
func repeated(data []byte) (from, to int) {
	const unit = 16
	start := 0 // from here on bytes are those of a period before
	for i := period; i <= len(data); i++ {
		if i < len(data) && data[i] == data[i-period] {
			continue
		}
		if a, b := kernel.RoundUp(start, unit), i/unit*unit; b-a > max(to-from, period) {
			from, to = a, b
		}
		start = i - period + 1
	}
	return from, to
}

// piece is a transfer that makes a part of records that repeat.
type piece struct {
	made           bool // of what is in the copy already, not of the constants
	from, to, size int  // bytes, in what is fetched or in the copy
}

// pieces returns the transfers that make so many bytes of records, in their order.
func (r *repeats) pieces(size int) []piece {
	have := r.from + r.first
	list := []piece{{size: have}}
	if r.to < size {
		list = append(list, piece{from: have, to: r.to, size: size - r.to})
	}
	for have < r.to {
		n := min((have-r.from)/period*period, r.to-have)
		list = append(list, piece{made: true, from: r.from, to: have, size: n})
		have += n
	}
	return list
}

// fetched returns what of records is fetched, side by side.
func (r *repeats) fetched(data []byte) []byte {
	return append(append([]byte(nil), data[:r.from+r.first]...), data[r.to:]...)
}

// sharedKey is what kernels agree in that share a copy of their records.
type sharedKey struct {
	w       *kernel.Weights
	records *Coded
}

// repeatCopy is a copy of records that repeat.
type repeatCopy struct {
	of *Coded
	*repeats
	users []*Op
	last  int // of the kernels that read it

	own *Coded // once a transfer makes the first part of it
}

// repeatPart is a transfer that makes a part of a copy.
type repeatPart struct {
	piece
	copy *repeatCopy
}

// begins reports whether the copy takes memory from here on.
func (p *repeatPart) begins() bool { return p.to == 0 }

// repeatTransfers returns the transfers that make a copy for kernel i and later ones.
func (pl *Plan) repeatTransfers(c *repeatCopy, i int) []*transfer {
	var list []*transfer
	total := 0.0
	for _, p := range c.pieces(c.of.buf.Size) {
		x := &transfer{Transfer: timeline.Transfer{After: -1, Use: i, Alone: p.made}, records: true, part: &repeatPart{p, c}}
		x.Time = pl.pieceTime(p)
		total += x.Cycles
		list = append(list, x)
	}
	from := pl.reach(i, total)
	for _, x := range list {
		x.From = from
	}
	return list
}

func (pl *Plan) pieceTime(p piece) cost.Time {
	if fast := pl.Memory.Place(pl.Memory.Fast()); p.made {
		return pl.Memo.Cost.Transfer(p.size, fast, fast)
	}
	return pl.Memo.Cost.Copy(p.size)
}

// repeatOp makes the DMA of a part, and of the first one the copy that the kernels read.
func (pl *Plan) repeatOp(x *transfer) *Transfer {
	p, c := x.part, x.part.copy
	if p.begins() {
		own, name := *c.of, c.of.buf.Name
		own.made = own.buf.Data
		own.buf = pl.mod.Constants.Intern(name, c.fetched(own.made), 16)
		own.copy = &kernel.Buffer{Name: name + "/resident", Size: len(own.made), Resident: true}
		for _, o := range c.users {
			o.Scales = &own
		}
		c.own = &own
	}
	o := pl.Ops[x.Use]
	d := &Transfer{Name: "DMA records", Source: o.Source, Step: o.Step, Src: c.own.buf, Dst: c.own.copy, From: p.from, To: p.to, Length: p.size}
	if p.made {
		d.Name, d.Src = "DMA equal records", c.own.copy
	}
	return d
}
