// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"cmp"
	"math"
	"slices"
)

// The decisions next to the border between two classes that an expectation goes by: a
// tenth of all, but at least so many.
const (
	borderPart  = 10
	leastBorder = 25
)

// ExpectedLoss estimates which part of all decisions another score's network, a float one,
// has right and this one's has not, on other data of the same kind. Both are of the same
// sequences.
//
// Lost decisions are rare, and which of them fall on a sequence at hand is luck: of two
// graphs that lose four in a thousand one may show two and one six, and a search among many
// graphs finds the lucky ones. What decides how many are lost elsewhere is known better:
// how many decisions are how close to the border, and by how much quantization moves the
// margin of those. With a density p of margins at the border and a margin that falls by
// s where it falls, the expectation is p times the mean of s. Both are taken from the
// decisions with the smallest margins, those at the border counting most. Beyond them it
// takes large errors to lose one, and such are counted.
func (s Score) ExpectedLoss(other Score) float64 {
	type decision struct {
		margin, slip float64
		lost         bool
	}
	n := min(len(s.Right), len(other.Right))
	var right []decision
	for i := range n {
		if !other.Right[i] {
			continue
		}
		named := argmax(other.Outputs[i])
		d := decision{margin: marginOf(other.Outputs[i], named), lost: !s.Right[i]}
		d.slip = math.Max(d.margin-marginOf(s.Outputs[i], named), 0)
		right = append(right, d)
	}
	if len(right) == 0 {
		return 0
	}
	slices.SortStableFunc(right, func(a, b decision) int { return cmp.Compare(a.margin, b.margin) })
	border := min(max(n/borderPart, leastBorder), len(right))
	reach, sum, far := right[border-1].margin, 0.0, 0
	for i, d := range right {
		switch {
		case d.lost && d.slip > reach: // no matter where it was
			far++
		case i < border && reach > 0:
			sum += float64((1 - d.margin/reach) * math.Min(d.slip, reach))
		case d.lost:
			far++
		}
	}
	if reach > 0 {
		sum *= 2 / reach
	}
	return (sum + float64(far)) / float64(n)
}

// marginOf is by how much an output of a decision exceeds the largest of the others.
func marginOf(out []float32, k int) float64 {
	next := math.Inf(-1)
	for j, v := range out {
		if j != k {
			next = math.Max(next, float64(v))
		}
	}
	if math.IsInf(next, -1) {
		return 0 // one output decides nothing
	}
	return float64(out[k]) - next
}
