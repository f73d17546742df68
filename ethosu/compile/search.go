package compile

// search looks for the places of transfers that make the estimate shortest. It
// starts twice, with every transfer in front of its first use, and in front of the
// first use of the transfer before it, which is as early as it can start without
// holding up kernels; then moves them one after the other. Of equals it takes the
// latest place, which needs memory for the shortest time.
func (tl *timeline) search() float64 {
	for j, x := range tl.transfers {
		x.pos = x.use
		if x.fixed {
			tl.pin(j)
		}
	}
	best := tl.descend()
	late := tl.places()
	for j, x := range tl.transfers {
		x.pos = max(x.after+1, 0)
		if j > 0 {
			x.pos = max(x.pos, min(tl.transfers[j-1].use, x.use), tl.transfers[j-1].pos)
		}
		if x.fixed {
			tl.pin(j)
		}
	}
	if t := tl.descend(); t < best {
		return t
	}
	for j, x := range tl.transfers {
		x.pos = late[j]
	}
	return best
}

// pin puts a transfer at its fixed place: records in front of the kernel beside which
// they are due, others behind the kernel after the one that they wait for, so that the
// NPU has something to do when that one ends.
func (tl *timeline) pin(j int) {
	x := tl.transfers[j]
	x.pos = max(x.after+1, 0)
	if x.after >= 0 {
		x.pos++
	}
	if x.records {
		x.pos = x.start
	}
	if j > 0 {
		x.pos = max(x.pos, tl.transfers[j-1].pos)
	}
	x.pos = min(x.pos, x.use)
}

func (tl *timeline) places() []int {
	p := make([]int, len(tl.transfers))
	for j, x := range tl.transfers {
		p[j] = x.pos
	}
	return p
}

// descend moves transfers one after the other while the estimate gets shorter.
func (tl *timeline) descend() float64 {
	best := tl.run()
	for pass := 0; pass < 2; pass++ {
		start := best
		for j, x := range tl.transfers {
			if x.fixed {
				continue
			}
			lo := x.after + 1
			if j > 0 {
				lo = max(lo, tl.transfers[j-1].pos)
			}
			hi := x.use
			if j+1 < len(tl.transfers) {
				hi = min(hi, tl.transfers[j+1].pos)
			}
			bestPos, bestTime := x.pos, best
			for _, p := range tl.candidates(lo, hi) {
				x.pos = p
				if t := tl.run(); t < bestTime || (t == bestTime && p > bestPos) {
					bestPos, bestTime = p, t
				}
			}
			x.pos, best = bestPos, bestTime
			best = tl.push(j, best)
		}
		if best == start {
			break
		}
	}
	return best
}

// pushes limits how far ahead of its predecessor a transfer may come.
const pushes = 8

// push moves a transfer in front of where the ones before it stand, which move along,
// when the estimate gets shorter. Each of them alone may be as well off later.
func (tl *timeline) push(j int, best float64) float64 {
	if j == 0 {
		return best
	}
	old := tl.places()
	chosen := -1
	for p := old[j-1] - 1; p >= max(old[j-1]-pushes, tl.transfers[j].after+1); p-- {
		ok := true
		for i := j; i >= 0 && old[i] > p; i-- {
			x := tl.transfers[i]
			x.pos = p
			ok = ok && !x.fixed && x.after < p
		}
		if !ok {
			break
		}
		if t := tl.run(); t < best {
			best, chosen = t, p
		}
	}
	for i, p := range old[:j+1] {
		if chosen >= 0 {
			p = min(p, chosen)
		}
		tl.transfers[i].pos = p
	}
	return best
}

// candidates lists places in [lo, hi] worth trying: the ends, the neighbourhood of
// hi, and behind kernels long enough to hide a transfer.
func (tl *timeline) candidates(lo, hi int) []int {
	var c []int
	for p := lo; p <= hi; p++ {
		if p == lo || p >= hi-3 || (p > 0 && tl.kernels[p-1].t > 500 && hi-p < 30) {
			c = append(c, p)
		}
	}
	return c
}
