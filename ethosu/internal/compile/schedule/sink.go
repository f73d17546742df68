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
	behind := map[*kernel.Buffer]int{} // how often the operations behind i read a buffer
	for i := len(pl.Ops) - 1; i >= 0; i-- {
		o := pl.Ops[i]
		if freed := o.freed(); freed > 0 {
			j := pl.firstDependent(i)
			if j > i+1 && freed > pl.heldUntil(i, j, behind) {
				copy(pl.Ops[i:], pl.Ops[i+1:j])
				pl.Ops[j-1] = o
			}
		}
		o.Reads(func(b *kernel.Buffer) { behind[b]++ })
	}
}

// freed returns the bytes of results that need no memory before the operation runs.
func (o *Op) freed() int {
	n := 0
	o.Writes(func(b *kernel.Buffer) {
		if !b.ToCaller && !b.FromCall {
			n += b.Size
		}
	})
	return n
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

// heldUntil returns the bytes of operands of operation i that nothing reads from j on:
// they live longer where i moves to j. behind counts what reads each buffer behind i.
func (pl *Plan) heldUntil(i, j int, behind map[*kernel.Buffer]int) int {
	left := map[*kernel.Buffer]int{} // readers from j on
	pl.Ops[i].Reads(func(b *kernel.Buffer) {
		if !b.Constant() && !b.ToCaller {
			left[b] = behind[b]
		}
	})
	for _, o := range pl.Ops[i+1 : j] {
		o.Reads(func(b *kernel.Buffer) {
			if _, ok := left[b]; ok {
				left[b]--
			}
		})
	}
	held := 0
	for b, n := range left {
		if n == 0 {
			held += b.Size
		}
	}
	return held
}
