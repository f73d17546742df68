//go:build !amd64

package mac

func matVec(acc []int32, x, w []int16, stride int) { portable(acc, x, w, stride) }
