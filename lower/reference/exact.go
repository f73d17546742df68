// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"math"
	"math/big"
	"sync"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	for k, f := range map[graph.Kind]curve{
		graph.Exp:      {math.Exp, exactExp},
		graph.Log:      {math.Log, exactLog},
		graph.Sin:      {math.Sin, func(x *big.Float) *big.Float { return exactTurn(x, 0) }},
		graph.Cos:      {math.Cos, func(x *big.Float) *big.Float { return exactTurn(x, 1) }},
		graph.Tanh:     {math.Tanh, exactTanh},
		graph.Logistic: {logistic, exactLogistic},
	} {
		reals[k] = func(_ *graph.Op, x float32) float32 { return f.nearest(x) }
	}
}

// curve is a function of real numbers whose result is the nearest float32: one of float64
// that is right to 2^-40 of its value, and one of as many digits as it takes, for the few
// results that are so near to the middle of two numbers that the first cannot tell.
type curve struct {
	quick func(float64) float64
	exact func(*big.Float) *big.Float
}

func (c curve) nearest(x float32) float32 {
	y := c.quick(float64(x))
	margin := float64(math.Abs(y) * (1.0 / (1 << 40)))
	below, above := float32(y-margin), float32(y+margin)
	if below == above || y != y || math.IsInf(y, 0) {
		return float32(y)
	}
	v, _ := c.exact(big64(float64(x))).Float32()
	return v
}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// digits are the bits of exact values: an angle may lose 128 of them and the difference of
// two exponentials 150.
const digits = 640

func big64(x float64) *big.Float { return new(big.Float).SetPrec(digits).SetFloat64(x) }

func fresh() *big.Float { return new(big.Float).SetPrec(digits) }

// inverseTangent is arctan(1/n).
func inverseTangent(n float64) *big.Float {
	sum, term, square := fresh(), fresh().Quo(big64(1), big64(n)), big64(-n*n)
	for k := 1.0; term.MantExp(nil) > -digits; k += 2 {
		sum.Add(sum, fresh().Quo(term, big64(k)))
		term.Quo(term, square)
	}
	return sum
}

// exactConstants are ln 2 and pi/2.
var exactConstants = sync.OnceValue(func() [2]*big.Float {
	ln2, power := fresh(), big64(1)
	for k := 1.0; k < digits; k++ {
		power.Quo(power, big64(2))
		ln2.Add(ln2, fresh().Quo(power, big64(k)))
	}
	pi := fresh().Mul(big64(4), inverseTangent(5))
	pi.Sub(pi, inverseTangent(239))
	return [2]*big.Float{ln2, pi.Mul(pi, big64(2))} // pi/4 = 4 arctan(1/5) - arctan(1/239)
})

// split returns the whole number that is nearest to x/unit, and what is left of x.
func split(x, unit *big.Float) (*big.Int, *big.Float) {
	turns := fresh().Quo(x, unit)
	half := big64(0.5)
	if turns.Sign() < 0 {
		half.Neg(half)
	}
	n, _ := turns.Add(turns, half).Int(nil)
	return n, fresh().Sub(x, fresh().Mul(unit, fresh().SetInt(n)))
}

// series adds up every second or every term of the exponential's series from term n on.
func series(x *big.Float, n, step int, sign float64) *big.Float {
	sum, term := fresh(), big64(1)
	factor := big64(sign)
	for k := 1; k <= n; k++ {
		term.Quo(term.Mul(term, x), big64(float64(k)))
	}
	for k := n; term.Sign() != 0 && term.MantExp(nil) > -digits-160; {
		sum.Add(sum, term)
		for range step {
			k++
			term.Quo(term.Mul(term, x), big64(float64(k)))
		}
		term.Mul(term, factor)
	}
	return sum
}

func exactExp(x *big.Float) *big.Float {
	n, rest := split(x, exactConstants()[0])
	v := series(rest, 0, 1, 1)
	return v.SetMantExp(v, int(n.Int64()))
}

// exactLog improves on a first value by steps that triple the number of right digits.
func exactLog(x *big.Float) *big.Float {
	first, _ := x.Float64()
	y := big64(math.Log(first))
	for range 3 {
		e := exactExp(y)
		step := fresh().Quo(fresh().Sub(x, e), fresh().Add(x, e))
		y.Add(y, step.Mul(step, big64(2)))
	}
	return y
}

func exactTurn(x *big.Float, quarter int64) *big.Float {
	n, rest := split(x, exactConstants()[1])
	n.Add(n, big.NewInt(quarter))
	q := new(big.Int).And(n, big.NewInt(3)).Int64()
	v := series(rest, int(1-q&1), 2, -1)
	if q >= 2 {
		v.Neg(v)
	}
	return v
}

func exactTanh(x *big.Float) *big.Float {
	e := exactExp(fresh().Add(x, x))
	return fresh().Quo(fresh().Sub(e, big64(1)), fresh().Add(e, big64(1)))
}

func exactLogistic(x *big.Float) *big.Float {
	e := exactExp(fresh().Neg(x))
	return fresh().Quo(big64(1), e.Add(e, big64(1)))
}
