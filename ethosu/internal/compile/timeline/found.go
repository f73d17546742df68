// SPDX-License-Identifier: Apache-2.0

package timeline

import "slices"

// Found is what a search of a timeline has found.
type Found struct {
	of        *Timeline  // its kernels, and how far they come
	transfers []Transfer // as they were
	cycles    float64
}

// Find is Search for a timeline that is to be remembered: its kernels do not change any
// more.
func (tl *Timeline) Find() (*Found, float64) {
	t := tl.Search()
	f := &Found{of: tl, cycles: t}
	for _, x := range tl.Transfers {
		f.transfers = append(f.transfers, *x)
	}
	return f, t
}

// Repeat does what Search would: it returns the cycles with every transfer at its place,
// if a timeline that has not run yet is one that was searched before.
func (tl *Timeline) Repeat(f *Found) (cycles float64, ok bool) {
	o := f.of
	if tl.MaxDMA != o.MaxDMA || tl.MaxKernels != o.MaxKernels || tl.ports != o.ports || len(tl.Kernels) != len(o.Kernels) || len(tl.Transfers) != len(f.transfers) {
		return 0, false
	}
	for j, x := range tl.Transfers {
		if was := &f.transfers[j]; x.Load != was.Load || x.After != was.After || x.From != was.From || x.Use != was.Use || x.Alone != was.Alone || x.Fixed != was.Fixed {
			return 0, false
		}
	}
	for i := range tl.Kernels {
		if a, b := &tl.Kernels[i], &o.Kernels[i]; a.Load != b.Load || !slices.Equal(a.Needs, b.Needs) {
			return 0, false
		}
	}
	for j, x := range tl.Transfers {
		x.Pos = f.transfers[j].Pos
	}
	copy(tl.settled, o.settled)
	tl.total, tl.due = o.total, o.due
	return f.cycles, true
}
