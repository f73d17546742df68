// SPDX-License-Identifier: Apache-2.0

//go:build !amd64

package mac

func matVec(acc []int32, x, w []int16, stride int) { portable(acc, x, w, stride) }

// HaveBytes reports whether this processor has MatVecBytes.
func HaveBytes() bool { return false }

func matVecBytes([]int32, []uint8, []int8, int) { panic("BUG: no byte kernel on this processor") }
