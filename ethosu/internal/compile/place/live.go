// SPDX-License-Identifier: Apache-2.0

package place

import (
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
)

// live computes the live range of every buffer that needs memory.
func (l *Layout) live() []*storage {
	seen := map[*storage]bool{}
	var list []*storage
	touch := func(b *kernel.Buffer, i int) {
		if b.Constant() {
			return
		}
		s := l.root(b)
		if !seen[s] {
			seen[s] = true
			s.first, s.last = i, i
			list = append(list, s)
		}
		s.first, s.last = min(s.first, i), max(s.last, i)
	}
	index := map[*schedule.Op]int{} // kernels
	for i, o := range l.ops {
		// The kernels of a chain read and write from its start to its end.
		first, last := l.unit(i)
		o.Reads(func(b *kernel.Buffer) { touch(b, first); touch(b, last) })
		o.Writes(func(b *kernel.Buffer) { touch(b, first); touch(b, last) })
		if o.Kernel != nil {
			index[o.Kernel] = i
		} else if o.Transfer.Dst != nil {
			// Kernels in front of a transfer may still run when it starts. If it
			// overwrote their memory, it would have to wait for them.
			first := l.outstanding(i)
			if k, ok := index[o.Transfer.After]; ok {
				first = max(first, k+1)
			}
			touch(o.Transfer.Dst, first)
		}
	}
	for _, group := range [][]kernel.Bound{l.mod.Inputs, l.mod.Outputs, l.mod.Variables} {
		for _, v := range group {
			touch(v.Buf, max(min(l.root(v.Buf).first, len(l.ops)-1), 0))
		}
	}
	for _, s := range list {
		if s.fromCall {
			s.first = -1
		}
		if s.toCaller {
			s.last = len(l.ops)
		}
	}
	return list
}

// outstanding returns the first kernel that may still run when operation i starts.
func (l *Layout) outstanding(i int) int {
	n := 0
	for j := i - 1; j >= 0; j-- {
		if l.ops[j].Kernel != nil {
			if l.ops[j].Kernel.Chain.Inside() {
				continue // a chain is one
			}
			if n++; n == l.in.Accel.MaxKernels {
				return j
			}
		}
	}
	return 0
}

// unit returns the first and the last operation that run as one with operation i: those
// of its chain.
func (l *Layout) unit(i int) (first, last int) {
	first, last = i, i
	for first > 0 && l.ops[first].Kernel != nil && l.ops[first].Kernel.Chain.Inside() {
		first--
	}
	for l.ops[last].Kernel != nil && l.ops[last].Kernel.Chain.Out > 0 {
		last++
	}
	return first, last
}
