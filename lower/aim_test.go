// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"math"
	"testing"
)

// k decisions that were lost, and their deviation, are within the bound.
func TestAim(t *testing.T) {
	for _, c := range []struct {
		bound float64
		n     int
		want  float64
	}{{0.003, 2000, 4.0 / 2000}, {0.05, 40, 1.0 / 40}, {0.003, 100, 0.000584}, {0.01, 1_000_000, 0.0099}} {
		got := aimDecisions(c.bound, c.n)
		if k := got * float64(c.n); math.Abs(got-c.want) > 5e-5 || math.Abs(k+math.Sqrt(k)-c.bound*float64(c.n)) > 1e-9*float64(c.n) {
			t.Errorf("%v of %d decisions: %v, expected %v", c.bound, c.n, got, c.want)
		}
	}
}
