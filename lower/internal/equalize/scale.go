// SPDX-License-Identifier: Apache-2.0

package equalize

import (
	"encoding/binary"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// widest is how far a channel may move, in powers of two: far enough for any that matters
// beside the others, and no float comes near its limits.
const widest = 12

// Apply returns the graph with the channels of every chain scaled. Peaks are the largest
// magnitudes that its channels were seen to have. A channel that reaches p and is weighed
// by at most w takes a factor near the root of w over p: then neither the value nor the
// weights are the only ones to bear the difference. Peaks hold for the graph as it was, so
// that the chains of a row are all found by them. It reports whether anything changed.
func Apply(g *graph.Graph, chains []*Chain, peaks map[graph.TensorID][]float32) (scaledGraph *graph.Graph, changed bool) {
	next := *g
	next.Tensors = slices.Clone(g.Tensors)
	for _, c := range chains {
		shift := c.shifts(g, peaks[c.Value])
		if !slices.ContainsFunc(shift, func(s int) bool { return s != 0 }) {
			continue
		}
		changed = true
		scaled(&next, c.maker.Inputs[1], shift, c.maker.Kind != graph.DepthwiseConv2D, 1)
		if len(c.maker.Inputs) > 2 && c.maker.Inputs[2] != graph.None {
			scaled(&next, c.maker.Inputs[2], shift, false, 1)
		}
		for _, op := range c.readers {
			scaled(&next, op.Inputs[1], shift, false, -1)
		}
	}
	return &next, changed
}

// shifts returns the power of two that every channel is multiplied by.
func (c *Chain) shifts(g *graph.Graph, peaks []float32) []int {
	shift := make([]int, c.Channels)
	logs, sum, n := make([]float64, c.Channels), 0.0, 0
	for k := range logs {
		weight := 0.0
		for _, op := range c.readers {
			v := floats(g.Tensors[op.Inputs[1]])
			for i := k; i < len(v); i += c.Channels {
				weight = max(weight, math.Abs(float64(v[i])))
			}
		}
		if logs[k] = math.NaN(); k < len(peaks) && peaks[k] > 0 && weight > 0 {
			logs[k] = float64((math.Log2(weight) - math.Log2(float64(peaks[k]))) / 2) // rounded by itself on every machine
			sum += logs[k]
			n++
		}
	}
	for k, v := range logs {
		if !math.IsNaN(v) { // a channel that is always 0, or that nobody weighs, stays
			shift[k] = int(math.Round(max(-widest, min(widest, v-sum/float64(n)))))
		}
	}
	return shift
}

// scaled replaces a constant by another one, channel k times two to sign times shift[k].
// Channels are its first dimension, or its last one.
func scaled(g *graph.Graph, id graph.TensorID, shift []int, first bool, sign int) {
	t := *g.Tensors[id]
	v := floats(&t)
	t.Data = make([]byte, 0, 4*len(v))
	for i, x := range v {
		k := i % len(shift)
		if first {
			k = i / (len(v) / len(shift))
		}
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(float32(math.Ldexp(float64(x), sign*shift[k]))))
	}
	g.Tensors[id] = &t
}

func floats(t *graph.Tensor) []float32 {
	v := make([]float32, t.Elems())
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return v
}
