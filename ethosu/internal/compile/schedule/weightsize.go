// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"math/bits"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// weightBytes is the length of the weight stream of a kernel: exact when it was encoded
// already, else a guess from the distribution of values.
func (pl *Plan) weightBytes(o *Op) int {
	w := o.Weights
	for _, s := range pl.coded.list {
		if s.w == w {
			return s.Total()
		}
	}
	if pl.fast[w] {
		if pl.coded.fast[w] == 0 {
			k := pl.Memo.Cost.Work(&o.Kernel, nil)
			k.Block = k.OFM // of any depth: only the last block has padding
			pl.coded.fast[w] = pl.fastBytes(o, &k)
		}
		return pl.coded.fast[w]
	}
	if pl.coded.guesses[w] == 0 {
		pl.coded.guesses[w] = entropyBytes(w)
	}
	return pl.coded.guesses[w]
}

// Reuses reports whether several kernels read the same weights from a copy in SRAM.
func (pl *Plan) Reuses() bool {
	seen := map[*kernel.Weights]bool{}
	for _, o := range pl.Ops {
		if o.Weights == nil || pl.copies[o.Weights] == readDirect {
			continue
		}
		if seen[o.Weights] {
			return true
		}
		seen[o.Weights] = true
	}
	return false
}

// WeightBytes returns the bytes of all encoded weights.
func (pl *Plan) WeightBytes() int {
	n := 0
	for _, s := range pl.coded.list {
		n += s.Total()
	}
	return n
}

// entropyBytes is about what a stream of the weights takes. Its logarithms are whole
// numbers, because decisions rest on it and programs are the same on every machine.
func entropyBytes(w *kernel.Weights) int {
	var count [256]int
	for _, b := range w.Values {
		count[b]++
	}
	n := len(w.Values)
	sum := int64(n) * log2(n) // in units of 1/65536
	for _, c := range count {
		sum -= int64(c) * log2(c)
	}
	return kernel.Align(int(sum/(8<<16)*51/50) + n/100 + 16)
}

// log2 returns the binary logarithm of x in units of 1/65536, 0 for x = 0.
func log2(x int) int64 {
	if x == 0 {
		return 0
	}
	whole := bits.Len64(uint64(x)) - 1
	y := uint64(x) << 31 >> whole // in 1..2, in units of 1/2^31
	log := int64(whole)
	for range 16 {
		y = y * y >> 31
		log <<= 1
		if y >= 1<<32 {
			y >>= 1
			log |= 1
		}
	}
	return log
}
