// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/weights"
)

// TestOrderDilatedU85: a kernel is taken in parts of 8x8, dilation counted in, wherever it is
// wider or higher: the order is the encoder's.
func TestOrderDilatedU85(t *testing.T) {
	for _, c := range []struct{ kh, kw, dh, dw int }{
		{1, 9, 1, 1}, {9, 1, 1, 1}, {1, 9, 1, 2}, {9, 1, 2, 1}, {3, 7, 1, 2}, {7, 3, 2, 1}, {6, 10, 2, 2}, {10, 6, 1, 2}, {5, 5, 2, 2},
	} {
		e := weights.LayoutU85{Traversal: weights.PartKernelFirst, IFMBits: 8, MACs: 256, Cores: 1, OFMBlockDepth: 16, OFMUBlockDepth: 8,
			KH: c.kh, KW: c.kw, StrideH: 1, StrideW: 1, DilationH: c.dh, DilationW: c.dw, O: 16, I: 4}
		l := orderU85{outputs: e.O, inputs: e.I, kh: c.kh, kw: c.kw, dh: c.dh, dw: c.dw, sh: 1, sw: 1,
			block: 16, micro: 8, step: 8, inBlock: 16, inMicro: 16, group: 5, streams: 1}
		ohwi := make([]int16, e.O*c.kh*c.kw*e.I)
		for i := range ohwi {
			ohwi[i] = int16(i + 1)
		}
		var got []int16
		l.visit(0, func(o, y, x, i int) {
			if o < 0 {
				got = append(got, 0)
			} else {
				got = append(got, ohwi[((o*c.kh+y)*c.kw+x)*e.I+i])
			}
		})
		if err := e.Check(); err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if want := e.Reorder(ohwi)[0]; !slices.Equal(got, want) {
			t.Errorf("%+v: %d weights in another order than the encoder's %d", c, len(got), len(want))
		}
	}
}
