// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

// OutputError compares an output of the quantized graph with the float graph's.
type OutputError struct {
	Name     string  `json:"name"`
	Relative float64 `json:"relative_error"` // root mean square over the deviation of the float output
	RMSE     float64 `json:"rmse"`
	Mean     float64 `json:"mean_error"` // of the differences' magnitudes
	Worst    float64 `json:"worst"`      // largest difference
}

// dataOutputs returns the outputs of real numbers that are no states, or all of them
// where there are only states.
func dataOutputs(g *graph.Graph) []graph.TensorID {
	state := map[graph.TensorID]bool{}
	for _, s := range g.States {
		state[s.Out] = true
	}
	var data, all []graph.TensorID
	for _, id := range g.Outputs {
		if g.Tensors[id].Type != graph.Float32 {
			continue
		}
		all = append(all, id)
		if !state[id] {
			data = append(data, id)
		}
	}
	if len(data) == 0 {
		return all
	}
	return data
}

// bound returns the loss that is accepted of an output.
func (q *graphQuantizer) bound(id graph.TensorID) float64 {
	switch {
	case q.o.MaxLoss > 0:
		return q.o.MaxLoss
	case isProbability(q.float, id):
		return DefaultAccuracyLoss
	}
	return DefaultRelativeLoss
}

// loss returns the largest loss of an output, measured by the bound of the first one
// where outputs have bounds of two kinds.
func (q *graphQuantizer) loss(outputs []OutputError) float64 {
	ids := dataOutputs(q.float)
	most := 0.0
	for i, o := range outputs {
		loss := o.Relative
		if isProbability(q.float, ids[i]) {
			loss = o.Mean
		}
		most = math.Max(most, loss*q.bound(ids[0])/q.bound(ids[i]))
	}
	return most
}

// isProbability reports whether a tensor has values of LOGISTIC or SOFTMAX, moved or
// averaged at most.
func isProbability(g *graph.Graph, id graph.TensorID) bool {
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		if !slices.Contains(op.Outputs, id) {
			continue
		}
		switch {
		case op.Kind == graph.Logistic || op.Kind == graph.Softmax:
			return true
		case op.Kind.Keeps() || op.Kind == graph.Mean:
			id = op.DataInputs()[0]
		default:
			return false
		}
	}
	return false
}

// errors runs a quantized graph on the reference interpreter over all calls, states
// carried, and compares its data outputs with the float graph's.
func (q *graphQuantizer) errors(ctx context.Context, g *graph.Graph) ([]OutputError, error) {
	got, err := runCalls(ctx, q.float, g, q.calls)
	if err != nil {
		return nil, err
	}
	var list []OutputError
	for i, id := range dataOutputs(q.float) {
		t := q.float.Tensors[id]
		list = append(list, compareOutput(t.Name, q.want[id], got[i]))
	}
	return list, nil
}

func compareOutput(name string, want, got []float32) OutputError {
	e := OutputError{Name: name}
	var mean, deviation, noise float64
	for _, v := range want {
		mean += float64(v)
	}
	mean /= float64(max(len(want), 1))
	for i, v := range want {
		d, n := float64(v)-mean, float64(got[i])-float64(v)
		deviation += float64(d * d)
		noise += float64(n * n)
		e.Worst = math.Max(e.Worst, math.Abs(n))
		e.Mean += math.Abs(n)
	}
	e.Mean /= float64(max(len(want), 1))
	e.RMSE = math.Sqrt(noise / float64(max(len(want), 1)))
	if deviation == 0 {
		deviation = 1
	}
	e.Relative = math.Sqrt(noise / deviation)
	return e
}
