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

// RescaleRows makes one convolution of kernels that multiply different rows of one buffer by
// the same weights and differ in how they scale the sums, as ProjectRows does of those that
// do not differ: a converter that calibrates every step by itself gives each a scale of its
// own. The one kernel writes the sums, of 32 bits, and each of the others becomes one that
// scales its row: a sum over a depth of 1, which has the output stage's whole scale, so that
// every result stays what it was. Weights are then decoded once, and there is one list of
// records. It is done where the cycle model says that it pays.
func RescaleRows(pl *Plan) error {
	if pl.Rows == NoRows {
		return nil
	}
	for _, s := range pl.rescaledSets() {
		// The operations move: a set has them by themselves.
		index := map[*Op]int{}
		for i, o := range pl.Ops {
			index[o] = i
		}
		var members []int
		for _, o := range s {
			members = append(members, index[o])
		}
		var runs [][]*Op
		for _, run := range pl.evenRows(members) {
			var ops []*Op
			for _, i := range run {
				ops = append(ops, pl.Ops[i])
			}
			runs = append(runs, ops)
		}
		for _, run := range runs {
			if err := pl.rescaleRun(run); err != nil {
				return err
			}
		}
	}
	return nil
}

// rescaledSets returns the kernels that compute the same sums of different rows, in the
// order of the first of each set.
func (pl *Plan) rescaledSets() [][]*Op {
	type set struct {
		bias    []int64
		members []*Op
	}
	sets := map[rowKernel][]*set{}
	var list []*set
	for _, o := range pl.Ops {
		k, ok := rowOf(o)
		if !ok || !oneScale(o) {
			continue
		}
		k.ofm.zp, k.lo, k.hi = 0, 0, 0
		bias := make([]int64, len(o.Records))
		for i, r := range o.Records {
			bias[i] = r.Bias
		}
		var s *set
		for _, t := range sets[k] {
			if slices.Equal(t.bias, bias) {
				s = t
			}
		}
		if s == nil {
			s = &set{bias: bias}
			sets[k] = append(sets[k], s)
			list = append(list, s)
		}
		s.members = append(s.members, o)
	}
	var out [][]*Op
	for _, s := range list {
		if len(s.members) > 1 {
			out = append(out, s.members)
		}
	}
	return out
}

// oneScale reports whether a kernel gives int8 results and all of its channels one scale.
func oneScale(o *Op) bool {
	if o.IFM.Type != graph.Int8 || o.OFM.Type != graph.Int8 || o.Fn != kernel.FnNone || o.Global || o.Acc40 || o.Round != kernel.RoundTFL {
		return false
	}
	for _, r := range o.Records {
		if r.Scale != o.Records[0].Scale || r.Shift != o.Records[0].Shift {
			return false
		}
	}
	return true
}

// rescaleRun makes one kernel of a run where that is shorter.
func (pl *Plan) rescaleRun(run []*Op) error {
	index := make([]int, len(run))
	for k, o := range run {
		index[k] = slices.Index(pl.Ops, o)
	}
	sort.Ints(index)
	at, ok := pl.roomBetween(index)
	if !ok {
		return nil
	}
	sums, err := pl.sumsOf(run)
	if err != nil {
		return err
	}
	c, err := pl.chooseBlock(sums, 0)
	if err != nil {
		return nil // no block has room for its accumulators
	}
	took, takes := 0.0, c.Cycles
	scaled := map[*Op]*Op{}
	for k, o := range run {
		before, err := pl.chooseBlock(o, 0)
		if err != nil {
			return err
		}
		s, after := pl.scaleOf(o, sums, k)
		if s == nil {
			return nil
		}
		scaled[o] = s
		took, takes = took+before.Cycles, takes+after
	}
	if takes >= 0.97*took { // it takes memory, too
		return nil
	}
	var ops, early []*Op
	for _, i := range index {
		if i < at {
			early = append(early, scaled[pl.Ops[i]])
		}
	}
	for i, o := range pl.Ops {
		if i == at {
			ops = append(append(ops, sums), early...)
		}
		if s := scaled[o]; s == nil {
			ops = append(ops, o)
		} else if i >= at {
			ops = append(ops, s)
		}
	}
	if at == len(pl.Ops) {
		ops = append(append(ops, sums), early...)
	}
	pl.Ops = ops
	pl.Joined = max(pl.Joined, len(run))
	return nil
}

// sumsOf returns the kernel that writes the sums of all kernels of a run.
func (pl *Plan) sumsOf(run []*Op) (*Op, error) {
	first, last := run[0], run[len(run)-1]
	p := first.again()
	size := graph.Int32.Size()
	row := kernel.Align(size * first.OFM.W * first.OFM.C)
	name := fmt.Sprintf("sums of %s to %s", first.OFM.Name, last.OFM.Name)
	p.IFM.Name = fmt.Sprintf("%s to %s", first.IFM.Name, last.IFM.Name)
	stack(p.IFM, len(run), run[1].IFM.Off-first.IFM.Off)
	p.OFM = &kernel.Map{Buf: &kernel.Buffer{Name: name, Size: row * len(run)}, H: 1, W: first.OFM.W, C: first.OFM.C, StrideX: size * first.OFM.C, StrideY: row, Type: graph.Int32, Name: name}
	stack(p.OFM, len(run), row)
	p.Lo, p.Hi = kernel.TypeRange(graph.Int16) // which 32 bits do not have
	p.Records = make([]weights.Record, len(first.Records))
	for i, r := range first.Records {
		p.Records[i] = weights.Record{Bias: r.Bias, Scale: 1}
	}
	p.Scales = pl.packRecords(first.Weights.Name+" sums records", p)
	return p, nil
}

// scaleOf returns the kernel that scales row k of the sums as o scales its own, and its
// cycles, or nil where no block fits.
func (pl *Plan) scaleOf(o, sums *Op, k int) (best *Op, cycles float64) {
	n, size := o.OFM.W*o.OFM.C, graph.Int32.Size()
	widths := []int{n}
	for w := min(n-1, widest); w >= narrowest; w-- {
		if n%w == 0 {
			widths = append(widths, w)
		}
	}
	for _, w := range widths {
		s := o.again()
		s.Kind, s.Mode, s.Name = kernel.Pool, kernel.PoolReduceSum, o.Name+" scale"
		s.Weights, s.Records, s.Scales = nil, nil, nil
		s.Global, s.Out = true, kernel.Scale{Mul: o.Records[0].Scale, Shift: int(o.Records[0].Shift)}
		s.IFM = &kernel.Map{Buf: sums.OFM.Buf, Off: k * kernel.Align(size*n), H: n / w, W: w, C: 1, StrideX: size, StrideY: size * w, Type: graph.Int32, Name: o.OFM.Name + "/sums"}
		s.OFM.H, s.OFM.W, s.OFM.C, s.OFM.StrideX, s.OFM.StrideY = n/w, w, 1, 1, w
		c, err := pl.chooseBlock(s, 0)
		if err == nil && (best == nil || c.Cycles < cycles) {
			best, cycles = s, c.Cycles
		}
	}
	return best, cycles
}

// A row is as well several rows of pixels: those of one block, or not much fewer.
const widest, narrowest = 64, 8
