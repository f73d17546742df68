// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Trace runs a graph, float or quantized, on samples as Collect does and returns
// the values of one tensor at the ends of sequences, in an order that depends on
// the samples and rounds alone.
func Trace(g *graph.Graph, watch graph.TensorID, samples [][]float32, rounds int) ([]float32, error) {
	exec, err := floatexec.NewExact(g)
	if err != nil {
		return nil, err
	}
	lanes := newLanes(exec, g, samples)
	own := make([][]float32, len(lanes))
	for i, l := range lanes {
		l.runner.Visit = func(id graph.TensorID, v floatexec.View) {
			if id != watch || l.between {
				return
			}
			for b := range l.batch {
				own[i] = append(own[i], v.Row(b)...)
			}
		}
	}
	for range rounds {
		if err := lanes.round(); err != nil {
			return nil, err
		}
	}
	var out []float32
	for _, v := range own {
		out = append(out, v...)
	}
	return out, nil
}
