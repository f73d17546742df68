// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/vectors"
	"github.com/unroll-npu/unroll/lower/quant"
)

// TestCellClip bounds the cell of LSTMs: no value leaves the bound, some reach it, and
// those within are what they are without one after the first step.
func TestCellClip(t *testing.T) {
	clipped, free := 0, 0
	for _, c := range vectors.Load(t, "lstm-int8.json") {
		g := *c.Graph
		op := *g.Ops[0]
		attr := op.Attr.(graph.LSTMAttr)
		cell := op.Inputs[quant.LSTMCell]
		run := func(clip float32) []int16 {
			attr.CellClip = clip
			op.Attr = attr
			g.Ops = []*graph.Op{&op}
			it, err := New(&g)
			if err != nil {
				t.Fatal(err)
			}
			for i := range g.Inputs {
				for j := range it.Input(i) {
					it.Input(i)[j] = byte(37*j + 11*i)
				}
			}
			if err := it.Invoke(); err != nil {
				t.Fatal(err)
			}
			b := it.Tensor(cell)
			out := make([]int16, len(b)/2)
			for i := range out {
				out[i] = int16(get16(b, i))
			}
			return out
		}
		all, most := run(0), int16(0)
		for _, v := range all {
			most = max(most, v, -v)
		}
		if most < 8 || most == 32767 {
			continue
		}
		scale := g.Tensors[cell].Quant.Scales[0]
		bound := most / 2
		for _, v := range run((float32(bound) + 0.5) * scale) {
			switch {
			case v > bound || v < -bound:
				t.Fatalf("%v: the cell is %d, expected at most %d", c, v, bound)
			case v == bound || v == -bound:
				clipped++
			default:
				free++
			}
		}
	}
	if clipped == 0 || free == 0 {
		t.Errorf("%d values at the bound and %d within, expected some of both", clipped, free)
	}
}
