// SPDX-License-Identifier: Apache-2.0

// Package nudge makes streams that are almost right, for tests of what reads them.
package nudge

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Command changes one command of a stream in place, mostly by what lies at the limits of
// rules: one more or less, an alignment, nothing, twice as much, one bit. It returns what
// it changed. The instructions of list are those of words.
func Command(r *rand.Rand, list []isa.Instruction, words []uint32) string {
	in := list[r.IntN(len(list))]
	at, shift := in.Word, 16
	if in.Code.HasPayload() && r.IntN(8) > 0 {
		at, shift = in.Word+1, 0
	}
	v := words[at] >> shift
	switch r.IntN(10) {
	case 0, 1, 2:
		v++
	case 3, 4:
		v--
	case 5:
		v += 8 << r.IntN(3)
	case 6:
		v -= 8 << r.IntN(3)
	case 7:
		v = 0
	case 8:
		v *= 2
	case 9:
		v ^= 1 << r.IntN(32-shift)
	}
	words[at] = v<<shift | words[at]&(1<<shift-1)
	return fmt.Sprintf("%s %d=%x", strings.TrimPrefix(in.Code.String(), "NPU_"), in.Word, v&(0xFFFFFFFF>>shift))
}
