// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestNearest: the value of many digits and that of float64 agree where float64 can tell, and
// the first decides where it cannot.
func TestNearest(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, k := range []graph.Kind{graph.Exp, graph.Log, graph.Sin, graph.Cos, graph.Tanh, graph.Logistic} {
		for range 200 {
			x := math.Float32frombits(r.Uint32())
			if r.IntN(2) == 0 {
				x = float32(r.NormFloat64())
			}
			if k == graph.Log {
				x = float32(math.Abs(float64(x)))
			}
			if x != x || math.Abs(float64(x)) > 100 && k != graph.Log && k != graph.Sin && k != graph.Cos {
				continue
			}
			c := map[graph.Kind]curve{graph.Exp: {math.Exp, exactExp}, graph.Log: {math.Log, exactLog}, graph.Tanh: {math.Tanh, exactTanh}, graph.Logistic: {logistic, exactLogistic}}[k]
			if k == graph.Sin || k == graph.Cos {
				q := int64(0)
				c.quick = math.Sin
				if k == graph.Cos {
					c.quick, q = math.Cos, 1
				}
				exact, _ := exactTurn(big64(float64(x)), q).Float64()
				if want := c.quick(float64(x)); math.Abs(exact-want) > 1e-12*math.Abs(want) {
					t.Errorf("%v(%g) is %g, expected %g", k, x, exact, want)
				}
				continue
			}
			exact, _ := c.exact(big64(float64(x))).Float64()
			if want := c.quick(float64(x)); math.Abs(exact-want) > 1e-13*math.Abs(want) {
				t.Errorf("%v(%g) is %g, expected %g", k, x, exact, want)
			}
		}
	}
	// 1/(1+exp(-2^-23)) is 2^-77 below the middle of two numbers.
	if got := reals[graph.Logistic](nil, 1.0/(1<<23)); got != 0.5 {
		t.Errorf("LOGISTIC of 2^-23 is %g, expected 0.5", got)
	}
	if got := reals[graph.Logistic](nil, -1.0/(1<<24)); got != 0.5 {
		t.Errorf("LOGISTIC of -2^-24 is %g, expected 0.5, the even one of the two beside it", got)
	}
}
