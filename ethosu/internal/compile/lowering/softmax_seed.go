// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/quant"
)

// A softmax of few classes divides by the sum s of its row in six kernels:
//
//	x = two values of a table for s, about 2^50 / s
//	m = s*x >> (50-q)        eps = 2^q - m     the error of x
//	S = 2^q + eps + eps^2                      corrects it up to eps^3
//	y = (e*x >> 31) * S >> (23+q)
//
// instead of the reference's three steps of Newton's method in fifteen. Its reciprocal is
// off by up to 6 units of 2^-31 in a way that is its own; another one rounds a result
// elsewhere now and then. Where the two may differ can be listed: a result of v+1 begins
// where e reaches 8*s*(2v+1), give or take the errors of either, so that for an entry e
// of the table of exponentials and a v only sums next to e/(8*(2v+1)) decide. For these,
// few thousand for all entries, the exponentials are moved by some units and every segment
// of the table of reciprocals is drawn anew until the results are the reference's. Where
// that fails the long form is taken. So every sum and entry give the reference's result:
// those listed because each was computed in both ways, the others because both forms
// are on the same side there.
const (
	one       = 1 << 19 // the exponential of 0 in a sum: the least sum
	mostOf    = 16      // classes that the table of reciprocals has room for beside the other one
	tableStep = 8       // log2 of the sums that share an index of the table
	segmentOf = 7 + tableStep

	// nearby bounds how far e is from 8*s*(2v+1) where a form's result may be on the other
	// side: the reference's reciprocal moves that by 1 + 2*6.2, ours by 21.7 + 8 (q = 27: two
	// roundings and the cube of eps; 16 classes: the rounding of e*x), and e itself is moved by
	// up to maxMove.
	nearby  = 64
	maxMove = 16

	leastSeen = 1 << 22 // an exponential that is smaller by more than nearby gives 0 with any sum
)

// segment is an entry of a table of 16 bits.
type segment struct{ base, slope int64 }

// near is a result that has to be looked at: of entry i of the exponentials with a sum,
// which is in the reference above v or not.
type near struct {
	i, v   int
	sum    int64
	above  bool
	weight int // of the result when an exponential is moved
}

// seeded is a softmax with a table of reciprocals.
type seeded struct {
	exp      [256]int32
	segments []segment
	q        int
	behind   int64 // how many indices the lower half of x is behind
}

type softmaxKey struct {
	exp     [256]int32
	classes int
}

// plan is planSeeded, once for each softmax.
func (m *Memo) plan(exp [256]int32, classes int) (*seeded, bool) {
	if m == nil {
		return planSeeded(exp, classes)
	}
	key := softmaxKey{exp, classes}
	s, known := m.seeded[key]
	if !known {
		s, _ = planSeeded(exp, classes)
		if m.seeded == nil {
			m.seeded = map[softmaxKey]*seeded{}
		}
		m.seeded[key] = s
	}
	return s, s != nil
}

// planSeeded returns the short form for a table of exponentials and a number of
// classes, and false where there is none.
func planSeeded(exp [256]int32, classes int) (*seeded, bool) {
	if classes < 2 || classes > mostOf {
		return nil, false
	}
	list := listNear(exp, classes)
	for _, behind := range []int64{0, 131, 777, 1400, 3001} { // what is not found with one is with another one
		for _, q := range []int{28, 27} {
			for i := range list {
				list[i].weight = 1
			}
			for range insists {
				s := &seeded{exp: exp, segments: reciprocals(classes), q: q, behind: behind}
				s.moveExponentials(list)
				failed, ok := s.redraw(list)
				if ok {
					return s, true
				}
				s.insist(list, failed)
			}
		}
	}
	return nil, false
}

// insists is how often exponentials are moved anew, with more weight on the results that
// no segment gave.
const insists = 6

// insist gives more weight to the results of a segment that are wrong as it stands: where
// an exponential cannot give all of its own, others are left to their segments.
func (s *seeded) insist(list []near, failed int) {
	for i := range list {
		c := &list[i]
		if index(c.sum)>>7 != int64(failed) {
			continue
		}
		x, correction := s.seed(s.segments[failed], c.sum)
		if (s.result(int64(s.exp[c.i]), x, correction) > c.v) != c.above {
			c.weight += 2
		}
	}
}

// reciprocals returns segments whose error is least, for sums of a number of classes.
func reciprocals(classes int) []segment {
	h := math.Ldexp(1, segmentOf-19)
	at := func(j int) float64 { // chords are above the curve: half of that
		z := 1 + float64(float64(j)*h)
		return 32767 * (1/z - h*h/8/(z*z*z))
	}
	var list []segment
	for j := 0; j <= (classes-1)*one>>segmentOf; j++ {
		base := math.Round(at(j))
		list = append(list, segment{int64(base), int64(math.Round(at(j+1) - base))})
	}
	return list
}

// index returns which index of the table of reciprocals a sum has.
func index(sum int64) int64 { return (sum - one + 1<<(tableStep-1)) >> tableStep }

// at returns the table's value of an index.
func (g segment) at(v int64) int64 { return g.base + (g.slope*(v&127)+64)>>7 }

// seed returns x and S of a sum, as the kernels compute them, with a segment for its index.
// The lower half of x is that of an index before, for which the segments are settled.
func (s *seeded) seed(g segment, sum int64) (x, correction int64) {
	v := index(sum)
	before, low := max(v-s.behind, 0), g
	if j := before >> 7; j != v>>7 {
		low = s.segments[j]
	}
	x = g.at(v)<<16 + low.at(before)
	m := (sum*x + 1<<(49-s.q)) >> (50 - s.q)
	eps := 1<<s.q - m
	return x, 2<<s.q - m + (eps*eps+1<<(s.q-1))>>s.q
}

// result returns the result, from 0 to 255, of an exponential.
func (s *seeded) result(e, x, correction int64) int {
	n := 23 + s.q
	p := (e*x + 1<<30) >> 31
	return int(min((p*correction+1<<(n-1))>>n, 255))
}

// softmaxResult returns what the reference gives, from 0 to 255.
func softmaxResult(e, sum int32) int {
	h := quant.CLZ(sum)
	sc := quant.OneOverOnePlus(int32(uint32(sum)<<h - 1<<31))
	return int(min(quant.RDBPOT(quant.SRDHM(sc, e), 12-h+31-8), 255))
}

// listNear returns the results to look at of all sums that rows have.
func listNear(exp [256]int32, classes int) []near {
	var list []near
	for i, entry := range exp {
		e := int64(entry)
		if e < leastSeen-nearby {
			continue
		}
		least := int64(one)
		if i != 255 { // beside the largest element
			least += int64(quant.RDBPOT(entry, 12))
		}
		for v := range 255 {
			m := 8 * int64(2*v+1)
			for sum := max((e-nearby)/m, least); sum <= min((e+nearby)/m, int64(classes)*one); sum++ {
				if d := e - sum*m; d <= nearby && d >= -nearby {
					list = append(list, near{i: i, v: v, sum: sum, above: softmaxResult(entry, int32(sum)) > v, weight: 1})
				}
			}
		}
	}
	return list
}

// moveExponentials moves every entry to where most of its results are right, without
// another share of the sum.
func (s *seeded) moveExponentials(list []near) {
	for len(list) > 0 {
		n := 1
		for n < len(list) && list[n].i == list[0].i {
			n++
		}
		i := list[0].i
		e := int64(s.exp[i])
		share := int64(quant.RDBPOT(s.exp[i], 12)) << 12
		lo, hi := max(e-maxMove, share-2048), min(e+maxMove, share+2047, math.MaxInt32)
		wrong := make([]int, hi-lo+1) // for every value
		for _, c := range list[:n] {
			x, correction := s.seed(s.segments[index(c.sum)>>7], c.sum)
			from := lo // the least value with a result above v
			for to := hi + 1; from < to; {
				if mid := (from + to) / 2; s.result(mid, x, correction) > c.v {
					to = mid
				} else {
					from = mid + 1
				}
			}
			for k := range wrong {
				if (lo+int64(k) >= from) != c.above {
					wrong[k] += c.weight
				}
			}
		}
		best := e
		for move := range int64(maxMove + 1) {
			for _, to := range []int64{e - move, e + move} {
				if to >= lo && to <= hi && wrong[to-lo] < wrong[best-lo] {
					best = to
				}
			}
		}
		s.exp[i] = int32(best)
		list = list[n:]
	}
}

// redraw looks for segments with which all results are right, near the first ones, and
// reports whether there are such, or the first one of which there is none.
func (s *seeded) redraw(list []near) (failed int, ok bool) {
	of := make([][]near, len(s.segments))
	for _, c := range list {
		j := index(c.sum) >> 7
		of[j] = append(of[j], c)
	}
	for j := range s.segments {
		if !s.redrawOne(j, of[j]) {
			return j, false
		}
	}
	return 0, true
}

// farthest is how far a segment is moved, in units of its base and slope.
const farthest = 12

func (s *seeded) redrawOne(j int, list []near) bool {
	first := s.segments[j]
	for r := int64(0); r <= farthest; r++ {
		for db := -r; db <= r; db++ {
			step := max(2*r, 1) // of the square around the first one the edge is new
			if db == r || db == -r {
				step = 1
			}
			for ds := -r; ds <= r; ds += step {
				if g := (segment{first.base + db, first.slope + ds}); s.right(j, g, list) {
					s.segments[j] = g
					return true
				}
			}
		}
	}
	return false
}

// right reports whether a segment gives a small error for all its sums, and right results
// for those that are listed.
func (s *seeded) right(j int, g segment, list []near) bool {
	if g.base > 32767 || g.base < 1 || g.base+g.slope < 1 || g.slope > 0 {
		return false
	}
	for _, c := range list {
		x, correction := s.seed(g, c.sum)
		if (s.result(int64(s.exp[c.i]), x, correction) > c.v) != c.above {
			return false
		}
	}
	// With one index eps falls as the sum rises.
	half := int64(1) << (tableStep - 1)
	for o := range int64(128) {
		middle := one + (int64(j)<<7+o)<<tableStep
		for _, sum := range [2]int64{middle - half, middle + half - 1} {
			if _, correction := s.seed(g, sum); correction > (1<<s.q)+(1<<s.q)/exact || correction < (1<<s.q)-(1<<s.q)/exact {
				return false
			}
		}
	}
	return true
}

// exact is one over the largest eps, whose cube is 2^-28.5.
const exact = 724

// table returns the table of reciprocals, whose segments are its first ones, loaded up to
// the last of them.
func (s *seeded) table() *kernel.Table {
	data := make([]byte, 2048)
	for j, g := range s.segments {
		binary.LittleEndian.PutUint16(data[4*j:], uint16(g.base))
		binary.LittleEndian.PutUint16(data[4*j+2:], uint16(int16(g.slope)))
	}
	return &kernel.Table{Name: "softmax reciprocal table", Data: data, To: kernel.Align(4 * len(s.segments))}
}
