// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
)

// CalibrationOf says which calls decided the ranges of a graph.
func CalibrationOf(g *graph.Graph, calls Sequences, source string) (*facts.Calibration, error) {
	h := sha256.New()
	var b []byte
	for i := range calls.Len() {
		for call := range calls.Calls(i) {
			for _, in := range calibrate.DataInputs(g) {
				row := make([]float32, g.Tensors[g.Inputs[in]].Elems())
				if err := calls.Feed(i, call, in, row); err != nil {
					return nil, err
				}
				b = b[:0]
				for _, v := range row {
					b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
				}
				h.Write(b)
			}
		}
	}
	return &facts.Calibration{Source: source, Sequences: calls.Len(), SHA256: hex.EncodeToString(h.Sum(nil))}, nil
}
