package mac

import "golang.org/x/sys/cpu"

var hasAVX2 = cpu.X86.HasAVX2

func matVec(acc []int32, x, w []int16, stride int) {
	if !hasAVX2 {
		portable(acc, x, w, stride)
		return
	}
	matVecAVX2(&acc[0], &x[0], &w[0], len(acc), len(x), 2*stride)
}
