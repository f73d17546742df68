// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// PeaksOfSequences returns the largest magnitude of every channel, an index of the last
// dimension, of the given tensors over all calls.
func PeaksOfSequences(g *graph.Graph, values []graph.TensorID, set Sequences) (map[graph.TensorID][]float32, error) {
	exec, err := floatexec.NewExact(g)
	if err != nil {
		return nil, err
	}
	fresh := func() map[graph.TensorID][]float32 {
		m := map[graph.TensorID][]float32{}
		for _, id := range values {
			shape := g.Tensors[id].Shape
			m[id] = make([]float32, shape[len(shape)-1])
		}
		return m
	}
	lanes := sequenceLanes(exec, g, set)
	own := make([]map[graph.TensorID][]float32, len(lanes))
	for i, l := range lanes {
		own[i] = fresh()
		l.runner.Visit = func(id graph.TensorID, v floatexec.View) {
			peaks := own[i][id]
			if peaks == nil {
				return
			}
			for b := range l.batch {
				for k, x := range v.Row(b) {
					k %= len(peaks)
					peaks[k] = max(peaks[k], x, -x)
				}
			}
		}
	}
	if err := lanes.round(); err != nil {
		return nil, err
	}
	all := fresh()
	for _, m := range own {
		for id, peaks := range m {
			for k, x := range peaks {
				all[id][k] = max(all[id][k], x)
			}
		}
	}
	return all, nil
}
