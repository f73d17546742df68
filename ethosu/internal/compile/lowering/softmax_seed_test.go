// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"math"
	"testing"

	"github.com/unroll-npu/unroll/lower/quant"
)

// exponentials is the table of a softmax of values with a scale.
func exponentials(scale float64) (exp [256]int32) {
	m := quant.QuantizeMultiplier(scale * (1 << 26))
	least := -int32(math.Floor(math.Ldexp(31*(1<<26), -m.Exp)))
	for i := range exp {
		if d := int32(i) - 255; d >= least {
			exp[i] = quant.ExpNeg(quant.MBQM(d, m), 5)
		}
	}
	return exp
}

// reciprocalSlack is how far the reference's reciprocal is off at most, in units of 2^-31.
const reciprocalSlack = 6.2

// TestReciprocals holds the errors against what nearby takes for granted, over every sum of
// 16 classes: one form differs from exact division only where the other may, too.
func TestReciprocals(t *testing.T) {
	step := int64(1)
	if testing.Short() {
		step = 61
	}
	var reference, ours float64
	s := &seeded{segments: reciprocals(mostOf), q: 27}
	for sum := int64(one); sum <= mostOf*one; sum += step {
		h := quant.CLZ(int32(sum))
		exact := math.Ldexp(1, 62-int(h)) / float64(sum)
		reference = max(reference, math.Abs(float64(quant.OneOverOnePlus(int32(uint32(sum)<<h-1<<31)))-exact))
		x, correction := s.seed(s.segments[index(sum)>>7], sum)
		ours = max(ours, math.Abs(float64(x)*float64(correction)*float64(sum)/math.Ldexp(1, 31+27+19)-1))
	}
	if reference > reciprocalSlack {
		t.Errorf("the reference's reciprocal is off by %g units of 2^-31, expected at most %g", reference, reciprocalSlack)
	}
	if limit := math.Ldexp(2+math.Exp2(-0.49), -28); ours > limit {
		t.Errorf("the short form's reciprocal is off by %g, expected at most %g", ours, limit)
	}
	if need := max(1+2*reciprocalSlack, math.Ldexp(2+math.Exp2(-0.49), 3)+mostOf/2+maxMove); need > nearby {
		t.Errorf("results within %g of a tie may differ, %d are looked at", need, nearby)
	}
}

// TestSeededSoftmax compares the short form with the reference for every sum that rows can
// have and every exponential that gives more than 0, for several scales.
func TestSeededSoftmax(t *testing.T) {
	step := int64(1)
	if testing.Short() {
		step = 97
	}
	for _, c := range []struct {
		scale   float64
		classes int
	}{{0.4, 10}, {0.137, 4}, {0.0521, 2}, {1, 16}} {
		exp := exponentials(c.scale)
		s, ok := planSeeded(exp, c.classes)
		if !ok {
			t.Errorf("no short form for %d classes of scale %g", c.classes, c.scale)
			continue
		}
		for i := range exp {
			if quant.RDBPOT(exp[i], 12) != quant.RDBPOT(s.exp[i], 12) {
				t.Errorf("scale %g: entry %d has another share of the sum: %d for %d", c.scale, i, s.exp[i], exp[i])
			}
		}
		wrong := 0
		for sum := int64(one); sum <= int64(c.classes)*one; sum += step {
			x, correction := s.seed(s.segments[index(sum)>>7], sum)
			for i := 255; i >= 0 && exp[i] >= 1<<21; i-- {
				if i != 255 && sum < one+int64(quant.RDBPOT(exp[i], 12)) {
					continue
				}
				if got, want := s.result(int64(s.exp[i]), x, correction), softmaxResult(exp[i], int32(sum)); got != want {
					if wrong++; wrong < 5 {
						t.Errorf("%d classes of scale %g, sum %d, entry %d: %d, expected %d", c.classes, c.scale, sum, i, got, want)
					}
				}
			}
		}
	}
}

// TestSeededScales shows that the short form exists for nearly all scales, and that
// it is refused where there is no room for its table.
func TestSeededScales(t *testing.T) {
	found, tried := 0, 0
	for k := range 40 {
		for _, classes := range []int{2, 10, 12} {
			tried++
			if _, ok := planSeeded(exponentials(0.02*math.Pow(1.1, float64(k))), classes); ok {
				found++
			}
		}
	}
	if found < tried*99/100 {
		t.Errorf("%d of %d softmaxes have a short form", found, tried)
	}
	for k := range 20 { // with more to try there is none that has not
		if _, ok := planSeeded(exponentials(0.0731*math.Pow(1.013, float64(k))), 10); !ok {
			t.Errorf("no short form for scale %d of those near 0.074", k)
		}
	}
	for _, classes := range []int{1, mostOf + 1} {
		if _, ok := planSeeded(exponentials(0.1), classes); ok {
			t.Errorf("a short form for %d classes", classes)
		}
	}
}
