// SPDX-License-Identifier: Apache-2.0

package reference

import "golang.org/x/sys/cpu"

var haveAVX2 = cpu.X86.HasAVX2

// dot multiplies packed weights with x; len(acc) is a multiple of groupRows
// and len(x) of blockCols, neither zero.
func dot(acc []int32, w []int8, x []int16) {
	if !haveAVX2 {
		dotPortable(acc, w, x)
		return
	}
	_ = w[len(acc)*len(x)-1]
	dotAVX2(&acc[0], &w[0], &x[0], len(acc)/groupRows, len(x)/blockCols)
}
