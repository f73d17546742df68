// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"encoding/binary"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Feed returns a function that writes the data inputs of one call of the quantized
// graph: call n is part n%c of sequence n/c of the set, wrapping around at its end, c
// being the calls that one sequence takes (see cadence). It reports whether a sequence starts, where
// states are to be reset, and may be used concurrently.
func (r *Result) Feed(set Samples) (func(call int, in [][]byte) (reset bool), error) {
	c, err := cadenceOf(r.net, r.Int8)
	if err != nil {
		return nil, err
	}
	t := r.Int8.Tensors[r.Int8.Inputs[0]]
	size := r.net.Steps * r.net.Features
	return func(call int, in [][]byte) bool {
		row := make([]float32, size)
		load(r.net, set, call/c.calls%set.Len(), row)
		part := make([]float32, c.steps*r.net.Features)
		c.feed(part, row, call%c.calls*c.steps)
		quantizeInto(in[0], part, t)
		return call%c.calls == 0
	}, nil
}

// quantizeInto is TFLite's QUANTIZE of float32: half away from zero, saturating.
func quantizeInto(dst []byte, x []float32, t *graph.Tensor) {
	lo, hi := t.Type.Limits()
	scale, zp := t.Scale(), float64(t.ZeroPoint())
	for i, v := range x {
		q := math.Round(float64(v/scale)) + zp
		n := int64(max(float64(lo), min(float64(hi), q)))
		switch t.Type {
		case graph.Int8:
			dst[i] = byte(n)
		case graph.Int16:
			binary.LittleEndian.PutUint16(dst[2*i:], uint16(n))
		}
	}
}

// Calls returns the number of calls that Feed gives before it wraps around, 0 where the
// sequences of the set are no calls.
func (r *Result) Calls(set Samples) int {
	c, err := cadenceOf(r.net, r.Int8)
	if err != nil {
		return 0
	}
	return c.calls * set.Len()
}
