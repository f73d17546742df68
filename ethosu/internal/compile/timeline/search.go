// SPDX-License-Identifier: Apache-2.0

package timeline

// Search looks for the places of transfers that make the estimate shortest. It
// starts with the better of two: every transfer in front of its first use, and every
// transfer as early as it can start without holding up a kernel; then moves them one
// after the other. Of equals it takes the latest place, which needs memory for the
// shortest time.
func (tl *Timeline) Search() float64 {
	tl.Quick()
	return tl.Descend()
}

// Quick takes the better of both places that Search starts with.
func (tl *Timeline) Quick() float64 {
	tl.early()
	early, places := tl.Run(), tl.Places()
	for j, x := range tl.Transfers {
		x.Pos = x.Use
		if x.Fixed {
			tl.pin(j)
		}
	}
	late := tl.Run()
	if early < late-slack {
		for j, x := range tl.Transfers {
			x.Pos = places[j]
		}
		return tl.Run()
	}
	return late
}

// slack is the cycles that make no difference: estimates are sums of many fractions.
const slack = 0.01

// early places every transfer where the one before it leaves the engine.
func (tl *Timeline) early() {
	at := moment{State: tl.ports.Start()}
	for j, x := range tl.Transfers {
		if x.Fixed {
			tl.pin(j)
		}
	}
	for i := range tl.Kernels {
		for int(at.transfers.issued) < len(tl.Transfers) {
			j := int(at.transfers.issued)
			x := tl.Transfers[j]
			due := x.Use <= i
			if x.Fixed {
				if j > 0 {
					x.Pos = min(max(x.Pos, tl.Transfers[j-1].Pos), x.Use)
				}
				if x.Pos > i {
					break
				}
			} else if !due && (i < x.From || int(at.kernels.ended) <= x.After || tl.blocked(&at, x)) {
				break
			} else {
				x.Pos = i
			}
			tl.transfer(&at)
		}
		tl.kernel(&at, i)
	}
}

// pin puts a transfer at its fixed place: behind the kernel after the one that it waits
// for, so that the NPU has something to do when that one ends.
func (tl *Timeline) pin(j int) {
	x := tl.Transfers[j]
	x.Pos = max(x.After+1, 0)
	if x.After >= 0 {
		x.Pos++
	}
	if j > 0 {
		x.Pos = max(x.Pos, tl.Transfers[j-1].Pos)
	}
	x.Pos = min(x.Pos, x.Use)
}

// Places returns the position of every transfer.
func (tl *Timeline) Places() []int {
	p := make([]int, 0, len(tl.Transfers))
	for _, x := range tl.Transfers {
		p = append(p, x.Pos)
	}
	return p
}

// Descend moves transfers one after the other while the estimate gets shorter.
func (tl *Timeline) Descend() float64 {
	best := tl.Run()
	for pass := 0; pass < 2; pass++ {
		start := best
		for j, x := range tl.Transfers {
			if x.Fixed {
				continue
			}
			lo := x.earliest()
			if j > 0 {
				lo = max(lo, tl.Transfers[j-1].Pos)
			}
			hi := x.Use
			if j+1 < len(tl.Transfers) {
				hi = min(hi, tl.Transfers[j+1].Pos)
			}
			old := x.Pos
			bestPos, bestTime := old, best
			tl.candidates(lo, hi, func(p int) {
				t := best
				if p != old {
					x.Pos = p
					t = tl.estimate(min(p, old), j, false)
				}
				if t < bestTime-slack || (t < bestTime+slack && p > bestPos) {
					bestPos, bestTime = p, t
				}
			})
			if x.Pos = bestPos; bestPos != old {
				tl.estimate(min(bestPos, old), j, true)
			}
			best = bestTime
			best = tl.push(j, best)
		}
		if best > start-slack {
			break
		}
	}
	return best
}

// pushes limits how far ahead of its predecessor a transfer may come.
const pushes = 8

// push moves a transfer in front of where the ones before it stand, which move along,
// when the estimate gets shorter. Each of them alone may be as well off later.
func (tl *Timeline) push(j int, best float64) float64 {
	if j == 0 {
		return best
	}
	lowest := max(tl.Transfers[j-1].Pos-pushes, tl.Transfers[j].earliest())
	first := j // of those that may move
	for first > 0 && tl.Transfers[first-1].Pos > lowest {
		first--
	}
	moving := tl.Transfers[first : j+1]
	old := tl.places[:0]
	for _, x := range moving {
		old = append(old, x.Pos)
	}
	tl.places = old
	chosen := -1
	for p := tl.Transfers[j-1].Pos - 1; p >= lowest; p-- {
		ok := true
		for i := len(moving) - 1; i >= 0 && old[i] > p; i-- {
			x := moving[i]
			x.Pos = p
			ok = ok && !x.Fixed && x.earliest() <= p
		}
		if !ok {
			break
		}
		if t := tl.estimate(p, j, false); t < best-slack {
			best, chosen = t, p
		}
	}
	for i, p := range old {
		if chosen >= 0 {
			p = min(p, chosen)
		}
		moving[i].Pos = p
	}
	if chosen >= 0 {
		tl.estimate(chosen, j, true)
	}
	return best
}

// candidates calls try with the places in [lo, hi] worth trying: the ends, the
// neighbourhood of hi, and behind kernels long enough to hide a transfer.
func (tl *Timeline) candidates(lo, hi int, try func(int)) {
	near := max(lo, hi-29) // where long kernels count
	for p := lo; p <= hi; p++ {
		if p == lo || p >= hi-3 || (p > 0 && tl.Kernels[p-1].Own > 500 && hi-p < 30) {
			try(p)
		} else if p < near {
			p = near - 1
		}
	}
}
