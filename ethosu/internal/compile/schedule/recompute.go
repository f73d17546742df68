// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Recompute computes a value twice where that is shorter than waiting for it: a kernel that
// reads nothing of the one before it starts at once, where one that does waits for the
// write and for its own read.
//
// A table of a value that others read, too, cannot be part of the kernel that computes the
// value; it can be part of a second such kernel, which then waits for nothing. The tanh of
// the state of an LSTM is that of the sum that the state is.
//
// A result for the caller may lie in a slower memory than other feature maps. What reads it
// again reads one in the faster memory, and a second kernel writes the caller's.
func Recompute(pl *Plan) error {
	if pl.Accel.OwnMemories { // a chain has the value without waiting
		return nil
	}
	if err := pl.sumUnderTables(); err != nil {
		return err
	}
	return pl.keepNear()
}

// sumUnderTables replaces kernels that only look up a table by ones that compute what is
// looked up, too, in front of the kernel that computes it for others.
func (pl *Plan) sumUnderTables() error {
	for i := 0; i < len(pl.Ops); i++ {
		t := pl.Ops[i]
		if !t.onlyLooksUp() {
			continue
		}
		k := pl.writerOf(t.IFM, i)
		if k < 0 || !pl.Ops[k].canLookUp() || !t.sameElements(pl.Ops[k]) {
			continue
		}
		o := pl.Ops[k].again()
		o.Name, o.Source, o.Step = o.Name+"+"+t.Name, t.Source, t.Step
		zero := o.OFM.Zero // of what is looked up
		o.OFM, o.Fn, o.Table = t.again().OFM, t.Fn, t.Table
		o.OFM.Zero = zero
		o.Lo, o.Hi = max(o.Lo, t.Lo), min(o.Hi, t.Hi)
		if !free(o, pl.Ops[k:i]) {
			continue
		}
		worth, err := pl.shorter(o, i)
		if err != nil {
			return err
		}
		if worth {
			copy(pl.Ops[k+1:i+1], pl.Ops[k:i])
			pl.Ops[k] = o
		}
	}
	return nil
}

// shorter reports whether kernel o instead of the lookup at i gains more than it takes
// longer: the lookup no longer waits for the value, and what reads its result right behind
// it no longer waits either, since the kernel of the value is between them.
func (pl *Plan) shorter(o *Op, i int) (bool, error) {
	t := pl.Ops[i]
	before, err := pl.chooseBlock(t, 0)
	if err != nil {
		return false, err
	}
	after, err := pl.chooseBlock(o, 0)
	if err != nil {
		return false, err
	}
	latency := func(f *kernel.Map) float64 {
		m := pl.Memory.Home(f.Buf)
		return float64(m.WriteLatency + m.ReadLatency)
	}
	gain := latency(t.IFM)
	if i+1 < len(pl.Ops) && pl.Ops[i+1].reads(t) {
		gain += latency(t.OFM)
	}
	return after.Cycles-before.Cycles < gain, nil
}

// onlyLooksUp reports whether a kernel gives int8 values as they are to a table.
func (o *Op) onlyLooksUp() bool {
	return o.Kind == kernel.Elementwise && o.Mode == kernel.Mul && o.Fn == kernel.FnTable && len(o.Table.Data) == 256 &&
		o.Scalar && o.ScalarValue == 1 && o.IFM2.Zero == 0 && o.IFM.Zero == 0 && o.OFM.Zero == 0 &&
		o.IFM.Type == graph.Int8 && o.OFM.Type == graph.Int8 && o.Out == (kernel.Scale{Mul: 1})
}

// canLookUp reports whether an elementwise kernel with an int8 result may have a table.
func (o *Op) canLookUp() bool {
	return o.Kind == kernel.Elementwise && o.Fn == kernel.FnNone && o.OFM.Type == graph.Int8 && o.IFM.Type == graph.Int8
}

// sameElements reports whether a kernel reads all that another one writes, element by
// element.
func (o *Op) sameElements(of *Op) bool {
	a, b := o.IFM, of.OFM
	return a.Buf == b.Buf && a.Off == b.Off && a.Low == nil && b.Low == nil && a.H == b.H && a.W == b.W && a.C == b.C &&
		(a.H == 1 || a.StrideY == b.StrideY) && (a.W == 1 || a.StrideX == b.StrideX)
}

// again returns a copy of a kernel with maps of its own.
func (o *Op) again() *Op {
	p := &Op{Kernel: o.Kernel}
	for _, f := range []**kernel.Map{&p.IFM, &p.IFM2, &p.OFM} {
		if *f != nil {
			m := **f
			*f = &m
		}
	}
	return p
}

// writerOf returns the last kernel before i that writes any of what a map reads, or -1.
func (pl *Plan) writerOf(f *kernel.Map, i int) int {
	for i--; i >= 0 && !pl.Ops[i].OFM.Meets(f); i-- {
	}
	return i
}

// keepNear lets kernels write results for the caller that others read again to the memory
// of feature maps where that answers sooner, and writes those for the caller again.
func (pl *Plan) keepNear() error {
	near := pl.Memory.Place(pl.Memory.Fast())
	for i := 0; i < len(pl.Ops); i++ {
		o := pl.Ops[i]
		b := o.OFM.Buf
		if o.Kind != kernel.Elementwise || !b.Bound || o.OFM.Low != nil || !o.OFM.Dense() {
			continue
		}
		if here, there := pl.Memory.Home(b), pl.Memory.Home(&kernel.Buffer{}); here == there || here.ReadLatency+here.WriteLatency <= near.ReadLatency+near.WriteLatency {
			continue
		}
		again := pl.readers(i)
		if len(again) == 0 {
			continue
		}
		p, f := o.again(), *o.OFM
		f.Buf, f.Off, f.Name = &kernel.Buffer{Name: f.Name + "/near", Size: kernel.Align(f.End() - f.Off)}, 0, f.Name+"/near"
		p.OFM = &f
		gain, err := pl.gainsNear(i, again, &f)
		if err != nil {
			return err
		}
		takes, err := pl.busy(o)
		if err != nil {
			return err
		}
		if gain <= takes {
			continue
		}
		for _, r := range again {
			*r.at = r.nearer(o.OFM, &f)
		}
		pl.Ops = slices.Insert(pl.Ops, i, p)
		i++
	}
	return nil
}

// gainsNear returns the cycles by which what reads the result of kernel i is sooner done when
// it reads map f instead: the wait of a kernel right behind it, and its own time.
func (pl *Plan) gainsNear(i int, again []reader, f *kernel.Map) (float64, error) {
	gain := 0.0
	for _, r := range again {
		before, err := pl.busy(r.op)
		if err != nil {
			return 0, err
		}
		old := *r.at
		*r.at = r.nearer(pl.Ops[i].OFM, f)
		after, err := pl.busy(r.op)
		*r.at = old
		if err != nil {
			return 0, err
		}
		gain += before - after
	}
	if again[0].op == pl.Ops[i+1] {
		m := pl.Memory.Home(pl.Ops[i].OFM.Buf)
		gain += float64(m.WriteLatency + m.ReadLatency)
	}
	return gain, nil
}

// busy returns the cycles of a kernel that waits for nothing.
func (pl *Plan) busy(o *Op) (float64, error) {
	c, err := pl.chooseBlock(o, 0)
	return c.Cycles - float64(pl.Memory.Home(o.IFM.Buf).ReadLatency+pl.Memory.Home(o.OFM.Buf).WriteLatency), err
}

// reader is a kernel and the map by which it reads what another one wrote.
type reader struct {
	op *Op
	at **kernel.Map
}

// nearer returns the reader's map of the same elements in another place of what it reads.
func (r *reader) nearer(from, to *kernel.Map) *kernel.Map {
	g := **r.at
	g.Buf, g.Off, g.Name = to.Buf, g.Off-from.Off, to.Name
	return &g
}

// readers returns the kernels behind i that read what it writes, until something else is
// written there. Kernels that read more than that are left out.
func (pl *Plan) readers(i int) []reader {
	of := pl.Ops[i].OFM
	var list []reader
	for _, o := range pl.Ops[i+1:] {
		for _, f := range []**kernel.Map{&o.IFM, &o.IFM2} {
			if m := *f; m != nil && m.Buf == of.Buf && m.Low == nil && m.Off >= of.Off && m.End() <= of.End() {
				list = append(list, reader{o, f})
			}
		}
		if o.OFM.Meets(of) {
			break
		}
	}
	return list
}
