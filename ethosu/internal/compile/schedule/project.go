// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
	"slices"
	"sort"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
)

// ProjectRows makes one convolution of kernels that do the same to different rows of
// one buffer: the product of every time step's input with the input weights. The
// weights are then read once, not once for each step, and no step waits for them. The
// results become rows of one buffer that lives until the last step has read its own,
// which takes memory; projectIfFaster decides whether that pays.
//
// What reads the rows of the new buffer may be of that form in turn, so it is done
// until nothing is left.
func ProjectRows(pl *Plan) error {
	if pl.Rows == NoRows {
		return nil
	}
	merged := map[*Op]bool{} // not again: with a limit, two could become one
	for {
		o := pl.projectOnce(merged)
		if o == nil {
			return nil
		}
		merged[o] = true
	}
}

// rowShape is one side of a kernel that works on a row: w pixels of c channels.
type rowShape struct {
	w, c, sx int
	dt       graph.DType
	zp       int
}

// rowKernel says what a kernel does to its row. Kernels that agree, and whose records
// are equal, differ in their addresses alone.
type rowKernel struct {
	from     *kernel.Buffer
	ifm, ofm rowShape
	weights  *kernel.Weights
	table    *kernel.Table
	fn       kernel.Function
	lo, hi   int
	round    int
	out      kernel.Scale
	global   bool
	acc40    bool
	part     bool
}

// rowOf returns what kernel o does to its row, and false when it is nothing that could
// be done to several at once: anything but a 1x1 convolution into a buffer of its own.
func rowOf(o *Op) (rowKernel, bool) {
	if o.Kind != kernel.Conv || o.KH*o.KW*o.StrideH*o.StrideW != 1 || o.PadTop|o.PadBottom|o.PadLeft|o.PadRight != 0 {
		return rowKernel{}, false
	}
	side := func(f *kernel.Map) (rowShape, bool) {
		s := rowShape{w: f.W, c: f.C, dt: f.Type, zp: f.Zero}
		if f.W > 1 {
			s.sx = f.StrideX
		}
		return s, f.H == 1 && f.Low == nil
	}
	in, ok := side(o.IFM)
	out, alone := side(o.OFM)
	b := o.OFM.Buf
	bytes := out.w * out.c * out.dt.Size()
	if !ok || !alone || b.Bound || b.FromCall || b.ToCaller || b.Own != 0 || o.OFM.Off != 0 || b.Size != kernel.Align(bytes) || out.w > 1 && out.sx != out.c*out.dt.Size() {
		return rowKernel{}, false
	}
	return rowKernel{o.IFM.Buf, in, out, o.Weights, o.Table, o.Fn, o.Lo, o.Hi, o.Round, o.Out, o.Global, o.Acc40, o.PartKernel}, true
}

// projectOnce merges the kernels of the first set that can be merged and returns the
// one that they became, or nil when there is no such set. It leaves out those given.
func (pl *Plan) projectOnce(leave map[*Op]bool) *Op {
	type set struct {
		records []weights.Record
		members []int
	}
	sets := map[rowKernel][]*set{}
	var list []*set
	for i, o := range pl.Ops {
		k, ok := rowOf(o)
		if !ok || leave[o] {
			continue
		}
		var s *set
		for _, t := range sets[k] {
			if slices.Equal(t.records, o.Records) {
				s = t
				break
			}
		}
		if s == nil {
			s = &set{records: o.Records}
			sets[k] = append(sets[k], s)
			list = append(list, s)
		}
		s.members = append(s.members, i)
	}
	for _, s := range list {
		for _, run := range pl.evenRows(s.members) {
			if at, ok := pl.roomBetween(run); ok {
				return pl.mergeRows(run, at)
			}
		}
	}
	return nil
}

// evenRows cuts kernels into runs whose rows follow each other at one distance, in the
// order of the rows.
func (pl *Plan) evenRows(members []int) [][]int {
	sort.SliceStable(members, func(a, b int) bool { return pl.Ops[members[a]].IFM.Off < pl.Ops[members[b]].IFM.Off })
	off := func(k int) int { return pl.Ops[members[k]].IFM.Off }
	var runs [][]int
	for from := 0; from+1 < len(members); {
		f := pl.Ops[members[from]].IFM
		d, to := off(from+1)-off(from), from+2
		for to < len(members) && off(to)-off(to-1) == d && (pl.Rows == 0 || to-from < pl.Rows) {
			to++
		}
		if d < (f.W-1)*f.StrideX+f.C*f.Type.Size() { // equal or overlapping rows
			from++
			continue
		}
		runs = append(runs, members[from:to])
		from = to
	}
	return runs
}

// roomBetween returns a place in the stream for one kernel instead of those of a run:
// behind what writes the rows that it reads, in front of what reads its results. It
// returns false when there is none.
func (pl *Plan) roomBetween(run []int) (at int, ok bool) {
	from := pl.Ops[run[0]].IFM.Buf
	to := map[*kernel.Buffer]int{} // kernel that writes it
	member := map[int]bool{}
	for _, i := range run {
		to[pl.Ops[i].OFM.Buf] = i
		member[i] = true
	}
	if len(to) != len(run) {
		return 0, false // two write one buffer
	}
	lo, hi, ok := 0, len(pl.Ops), true
	for i, o := range pl.Ops {
		result := func(b *kernel.Buffer) {
			j, is := to[b]
			switch {
			case !is || i == j:
			case i < j:
				ok = false
			default:
				hi = min(hi, i)
			}
		}
		o.Reads(result)
		o.Writes(result)
		o.Writes(func(b *kernel.Buffer) {
			if b != from {
				return
			}
			for _, j := range run {
				switch {
				case !meets(o.OFM, pl.Ops[j].IFM):
				case i < j:
					lo = max(lo, i+1)
				default:
					hi = min(hi, i)
				}
			}
		})
	}
	return max(lo, slices.Min(run)), ok && max(lo, slices.Min(run)) <= hi
}

// meets reports whether two maps, before they have addresses, may share bytes.
func meets(a, b *kernel.Map) bool {
	if a.Low != nil || b.Low != nil {
		return true
	}
	end := func(f *kernel.Map) int { return f.Off + (f.H-1)*f.StrideY + (f.W-1)*f.StrideX + f.C*f.Type.Size() }
	return a.Buf != b.Buf || a.Off < end(b) && b.Off < end(a)
}

// mergeRows puts one kernel at index at instead of those of a run, and makes their
// results views of one buffer. It returns the kernel.
func (pl *Plan) mergeRows(run []int, at int) *Op {
	first, last := pl.Ops[run[0]], pl.Ops[run[len(run)-1]]
	stride := first.OFM.Buf.Size
	all := &kernel.Buffer{Name: fmt.Sprintf("%s to %s", first.OFM.Name, last.OFM.Name), Size: stride * len(run)}
	p := *first
	in, out := *first.IFM, *first.OFM
	in.Name = fmt.Sprintf("%s to %s", first.IFM.Name, last.IFM.Name)
	out.Buf, out.Name = all, all.Name
	stack(&in, len(run), pl.Ops[run[1]].IFM.Off-in.Off)
	stack(&out, len(run), stride)
	p.IFM, p.OFM = &in, &out

	row := map[*kernel.Buffer]int{}
	merged := map[int]bool{}
	for k, i := range run {
		row[pl.Ops[i].OFM.Buf] = k
		merged[i] = true
	}
	ops := make([]*Op, 0, len(pl.Ops))
	for i, o := range pl.Ops {
		if i == at {
			ops = append(ops, &p)
		}
		if merged[i] {
			continue
		}
		for _, f := range []*kernel.Map{o.IFM, o.IFM2, o.OFM} {
			if f == nil {
				continue
			}
			if k, ok := row[f.Buf]; ok {
				f.Buf, f.Off = all, f.Off+k*stride
			}
			if k, ok := row[f.Low]; ok {
				f.Low, f.LowOff = all, f.LowOff+k*stride
			}
		}
		ops = append(ops, o)
	}
	if at == len(pl.Ops) {
		ops = append(ops, &p)
	}
	pl.Ops = ops
	pl.Joined = max(pl.Joined, len(run))
	return &p
}

// stack makes a map of one row one of n rows so many bytes apart.
func stack(f *kernel.Map, n, distance int) {
	if f.W == 1 {
		f.W, f.StrideX, f.StrideY = n, distance, n*distance
		return
	}
	f.H, f.StrideY = n, distance
}
