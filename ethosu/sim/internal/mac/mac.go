// SPDX-License-Identifier: Apache-2.0

package mac

// Step is the multiple that vector lengths are padded to.
const Step = 32

// MaxLen is the longest vector for which products of 9-bit inputs and weights
// cannot leave 32 bits.
const MaxLen = 32768

// Pad rounds a length up to a multiple of Step.
func Pad(n int) int { return (n + Step - 1) / Step * Step }

// MatVec sets acc[r] to the sum of x[i]*w[r*stride+i] over i < len(x), for every r.
// len(x) is a multiple of Step and at most MaxLen, stride is at least len(x), and
// w holds len(acc) rows. Values beyond 9 bits may wrap.
func MatVec(acc []int32, x, w []int16, stride int) {
	if len(acc) == 0 || len(x) == 0 {
		clear(acc)
		return
	}
	_ = w[(len(acc)-1)*stride+len(x)-1]
	matVec(acc, x, w, stride)
}

// ByteStep is the multiple that vectors of bytes are padded to.
const ByteStep = 64

// MatVecBytes is MatVec for unsigned inputs and signed weights of 8 bits. It only
// works where HaveBytes says so; len(x) is a multiple of ByteStep.
func MatVecBytes(acc []int32, x []uint8, w []int8, stride int) {
	if len(acc) == 0 || len(x) == 0 {
		clear(acc)
		return
	}
	_ = w[(len(acc)-1)*stride+len(x)-1]
	matVecBytes(acc, x, w, stride)
}

func portable(acc []int32, x, w []int16, stride int) {
	for r := range acc {
		acc[r] = dot(x, w[r*stride:])
	}
}

// dot is unrolled by eight; the slices of constant length need no bounds checks.
func dot(x, w []int16) int32 {
	var a, b, c, d int32
	w = w[:len(x)]
	for len(x) >= 8 && len(w) >= 8 {
		p, q := (*[8]int16)(x), (*[8]int16)(w)
		a += int32(p[0])*int32(q[0]) + int32(p[4])*int32(q[4])
		b += int32(p[1])*int32(q[1]) + int32(p[5])*int32(q[5])
		c += int32(p[2])*int32(q[2]) + int32(p[6])*int32(q[6])
		d += int32(p[3])*int32(q[3]) + int32(p[7])*int32(q[7])
		x, w = x[8:], w[8:]
	}
	return a + b + c + d
}
