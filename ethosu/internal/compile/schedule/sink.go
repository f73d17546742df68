// SPDX-License-Identifier: Apache-2.0

package schedule

import "github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"

// SinkOperations moves every operation down to its first dependent when that
// shortens the life of its result without making an operand live longer by more.
// Feature maps then need less memory; it is done when there is a budget.
func SinkOperations(pl *Plan) error {
	if pl.Room >= 0 {
		pl.sink()
	}
	return nil
}

// OrderForOverlap sinks operations, too, where the estimated schedule gets shorter:
// a recurrent product that does not wait for the input projection can compute while
// the projection's weights arrive.
func OrderForOverlap(pl *Plan) error {
	pl.Ops, _ = pl.ordered()
	return nil
}

// ordered returns the operations in the better of the two orders and its estimate.
func (pl *Plan) ordered() ([]*Op, float64) {
	best := pl.cycles()
	if pl.Room >= 0 || !pl.prefetch || pl.KeepOrder {
		return pl.Ops, best
	}
	old := pl.Ops
	pl.Ops = append([]*Op(nil), old...)
	pl.sink()
	sunk, t := pl.Ops, pl.cycles()
	pl.Ops = old
	if t > 0.995*best {
		return old, best
	}
	return sunk, t
}

func (pl *Plan) sink() {
	for i := len(pl.Ops) - 2; i >= 0; i-- {
		j := pl.firstDependent(i)
		if j <= i+1 || !pl.worthSinking(i, j) {
			continue
		}
		o := pl.Ops[i]
		copy(pl.Ops[i:], pl.Ops[i+1:j])
		pl.Ops[j-1] = o
	}
}

// firstDependent returns the first operation behind i that must stay behind it.
func (pl *Plan) firstDependent(i int) int {
	reads, writes := map[*kernel.Buffer]bool{}, map[*kernel.Buffer]bool{}
	pl.Ops[i].Reads(func(b *kernel.Buffer) { reads[b] = true })
	pl.Ops[i].Writes(func(b *kernel.Buffer) { writes[b] = true })
	for j := i + 1; j < len(pl.Ops); j++ {
		hit := false
		pl.Ops[j].Reads(func(b *kernel.Buffer) { hit = hit || writes[b] })
		pl.Ops[j].Writes(func(b *kernel.Buffer) { hit = hit || writes[b] || reads[b] })
		if hit {
			return j
		}
	}
	return len(pl.Ops)
}

// worthSinking weighs the result of operation i against operands that nothing else
// reads from there to j.
func (pl *Plan) worthSinking(i, j int) bool {
	o := pl.Ops[i]
	gain := 0
	o.Writes(func(b *kernel.Buffer) {
		if r := b; !r.ToCaller && !r.FromCall {
			gain += r.Size
		}
	})
	dying := map[*kernel.Buffer]bool{}
	o.Reads(func(b *kernel.Buffer) {
		if r := b; !r.Constant() && !r.ToCaller {
			dying[r] = true
		}
	})
	for k := j; k < len(pl.Ops) && len(dying) > 0; k++ {
		pl.Ops[k].Reads(func(b *kernel.Buffer) { delete(dying, b) })
	}
	for b := range dying {
		gain -= b.Size
	}
	return gain > 0
}
