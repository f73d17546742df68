// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// SplitWeights cuts a convolution in two by output channels where the transfer of
// its weights is on the way of everything else: the first part computes while the
// weights of the last part arrive. All kernels that share the weights are cut the
// same way, which costs a little each time, so the estimate decides.
func SplitWeights(pl *Plan) error {
	if !pl.prefetch {
		return nil
	}
	uses := map[*kernel.Weights]*Op{}
	count := map[*kernel.Weights]int{}
	var list []*kernel.Weights
	for _, o := range pl.Ops {
		count[o.Weights]++
		if o.Weights != nil && o.Kind == kernel.Conv && uses[o.Weights] == nil && pl.copies[o.Weights] != readDirect && pl.copies[o.Weights] != copyEach {
			uses[o.Weights] = o
			list = append(list, o.Weights)
		}
	}
	gain := func(w *kernel.Weights) float64 {
		o := uses[w]
		t := pl.Memo.Cost.Copy(pl.copyBytes(o)).Cycles
		k := pl.time(o).Cycles
		return k * t / (t + k)
	}
	sort.SliceStable(list, func(i, j int) bool { return gain(list[i]) > gain(list[j]) })
	best := pl.cycles()
	_, bestOrdered := pl.ordered()
	for _, w := range list[:min(len(list), 3)] {
		if gain(w) < 300 || w.O < 32 {
			continue
		}
		o := uses[w]
		t := pl.Memo.Cost.Copy(pl.copyBytes(o)).Cycles
		k := pl.time(o).Cycles
		last := kernel.RoundUp(int(float64(w.O)*k/(t+k)), 16)
		for _, n := range []int{last, last + 16} {
			if n >= w.O {
				continue
			}
			cut := (w.O - n) / 16 * 16
			if cut < 16 {
				continue
			}
			old := pl.Ops
			if _, err := pl.split(w, cut, w.O-cut); err != nil {
				return err
			}
			// Many kernels become twice as many: that has to be worth it, also when
			// another order gains from the same wait.
			worth := 0.997
			if count[w] > 2 {
				worth = 0.98
			}
			if c := pl.cyclesBelow(worth * best); c < worth*best {
				if _, o := pl.ordered(); o < worth*bestOrdered {
					best, bestOrdered = c, o
					break
				}
			}
			pl.Ops = old
		}
	}
	return nil
}

// split replaces every kernel with weights w by one for each of the given numbers of output
// channels, which are all of w's together. What is left of w after each is weights of its
// own, too, by which the next ones are named; no kernel is made for it.
func (pl *Plan) split(w *kernel.Weights, sizes ...int) ([]*kernel.Weights, error) {
	var parts []*kernel.Weights
	rest := w
	for _, n := range sizes {
		part := rest
		if n < rest.O {
			part, rest = pl.mod.Weights.Slice(rest, 0, n), pl.mod.Weights.Slice(rest, n, rest.O)
		}
		parts = append(parts, part)
	}
	for _, part := range parts {
		pl.copies[part] = pl.copies[w]
		if pl.fast[w] {
			pl.fast[part] = true
		}
	}
	packed := map[*Coded][]*Coded{} // of steps with the same records
	ops := make([]*Op, 0, 2*len(pl.Ops))
	for _, o := range pl.Ops {
		if o.Weights != w {
			ops = append(ops, o)
			continue
		}
		scales := packed[o.Scales]
		known := scales != nil && o.Scales != nil
		if !known {
			scales = make([]*Coded, len(parts))
			packed[o.Scales] = scales
		}
		from := 0
		for i, part := range parts {
			p := *o
			out := *o.OFM
			out.Off += from * out.Type.Size()
			out.C = part.O
			p.OFM, p.Weights = &out, part
			p.Records = o.Records[from : from+out.C]
			from += out.C
			if !known {
				scales[i] = pl.packRecords(part.Name+" records", &p)
			}
			p.Scales = scales[i]
			if err := pl.setBlock(&p, 0); err != nil {
				return nil, err
			}
			ops = append(ops, &p)
		}
	}
	pl.Ops = ops
	return parts, nil
}
