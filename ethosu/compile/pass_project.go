package compile

import (
	"fmt"
	"slices"
	"sort"

	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
)

// projectRows makes one convolution of kernels that do the same to different rows of
// one buffer: the product of every time step's input with the input weights. The
// weights are then read once, not once for each step, and no step waits for them. The
// results become rows of one buffer that lives until the last step has read its own,
// which takes memory; projectIfFaster decides whether that pays.
//
// What reads the rows of the new buffer may be of that form in turn, so it is done
// until nothing is left.
func projectRows(m *module) error {
	if m.rows == noRows {
		return nil
	}
	merged := map[*op]bool{} // not again: with a limit, two could become one
	for {
		o := m.projectOnce(merged)
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
func rowOf(o *op) (rowKernel, bool) {
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
func (m *module) projectOnce(leave map[*op]bool) *op {
	type set struct {
		records []weights.Record
		members []int
	}
	sets := map[rowKernel][]*set{}
	var list []*set
	for i, o := range m.ops {
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
		for _, run := range m.evenRows(s.members) {
			if at, ok := m.roomBetween(run); ok {
				return m.mergeRows(run, at)
			}
		}
	}
	return nil
}

// evenRows cuts kernels into runs whose rows follow each other at one distance, in the
// order of the rows.
func (m *module) evenRows(members []int) [][]int {
	sort.SliceStable(members, func(a, b int) bool { return m.ops[members[a]].IFM.Off < m.ops[members[b]].IFM.Off })
	off := func(k int) int { return m.ops[members[k]].IFM.Off }
	var runs [][]int
	for from := 0; from+1 < len(members); {
		f := m.ops[members[from]].IFM
		d, to := off(from+1)-off(from), from+2
		for to < len(members) && off(to)-off(to-1) == d && (m.rows == 0 || to-from < m.rows) {
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
func (m *module) roomBetween(run []int) (at int, ok bool) {
	from := m.ops[run[0]].IFM.Buf
	to := map[*kernel.Buffer]int{} // kernel that writes it
	member := map[int]bool{}
	for _, i := range run {
		to[m.ops[i].OFM.Buf] = i
		member[i] = true
	}
	if len(to) != len(run) {
		return 0, false // two write one buffer
	}
	lo, hi, ok := 0, len(m.ops), true
	for i, o := range m.ops {
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
		o.reads(result)
		o.writes(result)
		o.writes(func(b *kernel.Buffer) {
			if b != from {
				return
			}
			for _, j := range run {
				switch {
				case !meets(o.OFM, m.ops[j].IFM):
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
func (m *module) mergeRows(run []int, at int) *op {
	first, last := m.ops[run[0]], m.ops[run[len(run)-1]]
	stride := first.OFM.Buf.Size
	all := &kernel.Buffer{Name: fmt.Sprintf("%s to %s", first.OFM.Name, last.OFM.Name), Size: stride * len(run)}
	p := *first
	in, out := *first.IFM, *first.OFM
	in.Name = fmt.Sprintf("%s to %s", first.IFM.Name, last.IFM.Name)
	out.Buf, out.Name = all, all.Name
	stack(&in, len(run), m.ops[run[1]].IFM.Off-in.Off)
	stack(&out, len(run), stride)
	p.IFM, p.OFM = &in, &out

	row := map[*kernel.Buffer]int{}
	merged := map[int]bool{}
	for k, i := range run {
		row[m.ops[i].OFM.Buf] = k
		merged[i] = true
	}
	ops := make([]*op, 0, len(m.ops))
	for i, o := range m.ops {
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
	if at == len(m.ops) {
		ops = append(ops, &p)
	}
	m.ops = ops
	m.together = max(m.together, len(run))
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

// noRows as module.rows leaves every kernel its row.
const noRows = -1

// projectIfFaster compiles with any number of rows as one kernel and, when there were
// such rows, without, and returns the program with the fewer cycles. Under a budget the
// results may live too long for all rows at once to fit, or to pay; then half of them
// may, or a quarter.
func projectIfFaster(budget int, compile func(rows int) (m *module, together int, err error)) (*module, error) {
	best, together, err := compile(0)
	if together == 0 {
		return best, err
	}
	var least int64
	try := func(m *module) (bool, error) {
		r, err := perf.Estimate(m.program())
		if err != nil || best != nil && best != m && r.Total >= least {
			return false, err
		}
		best, least = m, r.Total
		return true, nil
	}
	if best != nil {
		if _, err := try(best); err != nil {
			return nil, err
		}
	}
	without, _, failed := compile(noRows)
	if failed != nil {
		return best, err
	}
	if better, err := try(without); err != nil || !better {
		return best, err
	}
	for rows := (together + 1) / 2; budget > 0 && rows >= 2; rows /= 2 {
		m, _, failed := compile(rows)
		if failed != nil {
			continue
		}
		if better, err := try(m); err != nil || better {
			return best, err
		}
	}
	return best, nil
}
