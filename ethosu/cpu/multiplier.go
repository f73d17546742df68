// SPDX-License-Identifier: Apache-2.0

package cpu

import (
	"math"

	"github.com/unroll-npu/unroll/lower/quant"
)

// multiplier is a factor m * 2^(e-31).
type multiplier struct{ m, e int32 }

func multiplierOf(m quant.Multiplier) multiplier { return multiplier{m.M, int32(m.Exp)} }

func (f multiplier) args() []Arg { return ints(int(f.m), int(f.e)) }

// times is v times the factor, rounded twice as TFLite does. What a shift to the left
// pushes out of 32 bits is lost.
func (f multiplier) times(v int32) int32 {
	if f.e > 0 {
		return highProduct(v<<f.e, f.m)
	}
	return halved(highProduct(v, f.m), -f.e)
}

// highProduct is a*b/2^31, ties upwards, saturated.
func highProduct(a, b int32) int32 {
	return clamp((int64(a)*int64(b)>>30+1)>>1, math.MinInt32, math.MaxInt32)
}

// halved is v/2^n, ties away from zero.
func halved(v, n int32) int32 {
	if n == 0 {
		return v
	}
	half := int64(1) << (n - 1)
	if v < 0 {
		return int32(-((-int64(v) + half) >> n))
	}
	return int32((int64(v) + half) >> n)
}

// doubled is v*2^n, saturated.
func doubled(v int32, n uint) int32 {
	return clamp(int64(v)<<n, math.MinInt32, math.MaxInt32)
}
