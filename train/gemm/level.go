// SPDX-License-Identifier: Apache-2.0

package gemm

import (
	"fmt"
	"time"
)

// Level is a set of kernels.
type Level int

// Kernel sets, those of amd64 from the slowest to the fastest.
const (
	Portable Level = iota // plain Go
	AVX2                  // AVX2 and FMA
	AVX512                // AVX-512F
	NEON                  // Arm's, with fused multiply-adds
)

func (l Level) String() string {
	names := [...]string{"portable", "avx2", "avx512", "neon"}
	if l >= 0 && int(l) < len(names) {
		return names[l]
	}
	return fmt.Sprintf("Level(%d)", int(l))
}

// Kernels returns the kernel set in use on this machine.
func Kernels() Level { return level }

// Peak measures the multiply-add rate of one core with operands in registers,
// in FLOP per second: the ceiling for any product with these kernels. It takes
// the best of five runs of a few milliseconds each.
func Peak() float64 {
	best := 0.0
	for range 5 {
		start := time.Now()
		flop := spin(1 << 20)
		best = max(best, flop/time.Since(start).Seconds())
	}
	return best
}
