// SPDX-License-Identifier: Apache-2.0

package mac

import "golang.org/x/sys/cpu"

var (
	hasAVX2 = cpu.X86.HasAVX2
	hasVNNI = cpu.X86.HasAVX512F && cpu.X86.HasAVX512VL && cpu.X86.HasAVX512VNNI
)

// HaveBytes reports whether this processor has MatVecBytes.
func HaveBytes() bool { return hasVNNI }

func matVecBytes(acc []int32, x []uint8, w []int8, stride int) {
	if !hasVNNI {
		panic("BUG: no byte kernel on this processor")
	}
	matVecVNNI(&acc[0], &x[0], &w[0], len(acc), len(x), stride)
}

func matVec(acc []int32, x, w []int16, stride int) {
	if !hasAVX2 {
		portable(acc, x, w, stride)
		return
	}
	matVecAVX2(&acc[0], &x[0], &w[0], len(acc), len(x), 2*stride)
}
