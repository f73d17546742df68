// SPDX-License-Identifier: Apache-2.0

package weights

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// plainSlices is what chooseSlices is defined by: the dynamic program with whole totals,
// state by state. Of equal states the first is taken.
func plainSlices(s *section) (segs []segment) {
	step := len(s.w)/2048 + 1
	zdivs, change := 1, int64(changePlain)
	if s.runs {
		zdivs, change = 4, changeRuns
	}
	costs, plain := indexBits(s.raw()), 1<<s.raw()
	if n := len(s.pal.entries); n > 0 {
		plain = n
	}
	states := zdivs * len(modes)
	total := make([]int64, states)
	var from [][]int
	least := 0
	for at := 0; at < len(s.w); at += step {
		end := min(at+step, len(s.w))
		came, next := make([]int, states), make([]int64, states)
		for i := range states {
			came[i], next[i] = i, total[i]
			if floor := total[least] + change; next[i] > floor {
				came[i], next[i] = least, floor
			}
			cost, bad := int64(0), false
			for _, v := range s.w[at:end] {
				bits := costs[v][i%len(modes)]
				bad = bad || bits == illegal || modes[i%len(modes)].wdiv == wdivRaw && int(v) >= plain
				cost += int64(bits)
			}
			if bad {
				cost = 1 << 24
			}
			if s.runs {
				first := at + 1
				if at == 0 {
					first = 0
				}
				for _, z := range s.z[first : end+1] {
					cost += int64(z>>(i/len(modes)) + 1 + i/len(modes))
				}
			}
			next[i] += cost
		}
		from, total, least = append(from, came), next, 0
		for i, t := range total {
			if t < total[least] {
				least = i
			}
		}
	}
	cur, end := least, len(s.w)
	for b := len(from) - 1; b >= 0; b-- {
		prev := from[b][cur]
		if prev != cur || b == 0 {
			segs = append(segs, segment{cur, end})
			cur, end = prev, b*step
		}
	}
	slices.Reverse(segs)
	return segs
}

// TestSlicesPlain cuts random sections, with and without palettes and zero runs, of steps of
// one weight and of several, into the slices of the program in plain arithmetic.
func TestSlicesPlain(t *testing.T) {
	changes, runs := 0, 0
	for seed := range uint64(60) {
		rng := rand.New(rand.NewPCG(seed, 31))
		w := make([]int16, 1+rng.IntN([]int{8, 300, 3000, 9000}[rng.IntN(4)]))
		sigma, zeros := 1.0, 0.0
		for i := range w {
			if rng.IntN(1+len(w)/4) == 0 || i == 0 {
				sigma, zeros = math.Exp(rng.Float64()*5), max(0, rng.Float64()*2-1)
			}
			if rng.Float64() >= zeros {
				w[i] = clip(rng.NormFloat64()*sigma, 255)
			}
		}
		var h histogram
		h.scan(w)
		var list []params
		h.each(few, func(p *params) {
			q := *p
			q.entries = slices.Clone(p.entries)
			list = append(list, q)
		})
		for i := range list {
			s := list[i].section(w)
			s.chooseSlices()
			want := &section{runs: s.runs, w: s.w}
			for _, seg := range plainSlices(s) {
				code := modes[seg.config%len(modes)]
				if code.zdiv = zdivOff; s.runs {
					code.zdiv = seg.config / len(modes)
					runs++
				}
				for pos := len(want.ends); ; pos++ {
					from := 0
					if pos > 0 {
						from = want.ends[pos-1]
					}
					if from >= seg.end {
						break
					}
					want.codes, want.ends = append(want.codes, code), append(want.ends, min(from+maxSlice, seg.end))
				}
			}
			if !slices.Equal(s.codes, want.codes) || !slices.Equal(s.ends, want.ends) {
				t.Fatalf("seed %d, %d weights, parameters %d:\n%v %v, in plain arithmetic\n%v %v", seed, len(w), i, s.codes, s.ends, want.codes, want.ends)
			}
			changes += len(s.ends) - 1
		}
	}
	if changes < 500 || runs < 500 {
		t.Errorf("%d changes, %d slices with zero runs: the test has lost what it is for", changes, runs)
	}
}
