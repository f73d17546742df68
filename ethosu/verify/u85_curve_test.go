// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestCurveEdges: how far an entry of a table of sigmoid may be off, and which slopes nothing
// reads.
func TestCurveEdges(t *testing.T) {
	at := func(i int) int { return int(math.Round(65536/(1+math.Exp(-float64(i)/24)))) - 32768 }
	for _, c := range []struct {
		name        string
		i           int
		base, slope int // instead of the curve's, where not 0
		bad         bool
	}{
		{name: "the curve"},
		{name: "a value above", i: 0, base: 2},
		{name: "a value below", i: 0, base: -2},
		{name: "a value too high", i: 0, base: 3, bad: true},
		{name: "a value too low", i: 0, base: -3, bad: true},
		{name: "a way that ends above", i: -1, slope: 2 - at(-1)},
		{name: "a way that ends too high", i: -1, slope: 3 - at(-1), bad: true},
		{name: "a way that ends too low", i: -1, slope: -3 - at(-1), bad: true},
		{name: "a way down", i: 254, slope: -1, bad: true},
		{name: "a way down from the last entry", i: 255, slope: -1, bad: true},
		{name: "a way from the last entry", i: 255, slope: 100},
		{name: "a way from the first entry", i: -256, base: -32765, slope: 1},
		{name: "a way from the second entry", i: -255, slope: 100, bad: true},
	} {
		check := checkerOf(t, "ethos-u85-256")
		table := make([]byte, 2048)
		for i := -256; i < 256; i++ {
			base, slope := at(i), at(i+1)-at(i)
			if i == -256 {
				slope = 1 // what tells the table of sigmoid
			}
			if i == c.i && c.base != 0 {
				base = c.base
				if i > -256 { // the way ends where it did
					slope = at(i+1) - base
				}
			}
			if i == c.i && c.slope != 0 {
				slope = c.slope
			}
			binary.LittleEndian.PutUint32(table[4*(i+256):], uint32(uint16(slope))<<16|uint32(uint16(base)))
		}
		check.loaded.put(0, table)
		k := &kernelU85{KernelU85: &isa.KernelU85{}}
		k.Activation.Function = isa.FuncSigmoid
		check.curveU85(k, isa.Span{Region: isa.SHRAM, Start: 0, End: 2048})
		want := fmt.Sprintf("entry %d of the table of SIGMOID", c.i+256)
		if c.bad != (len(check.findings) == 1 && check.findings[0].Unproven && strings.HasPrefix(check.findings[0].Msg, want)) || !c.bad && len(check.findings) > 0 {
			t.Errorf("%s: %v", c.name, check.findings)
		}
	}
}
