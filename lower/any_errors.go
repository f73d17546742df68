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
	Name     string   `json:"name"`
	Relative float64  `json:"relative_error"` // root mean square over the deviation of the float output: see compareOutput
	RMSE     float64  `json:"rmse"`
	Mean     float64  `json:"mean_error"`        // of the differences' magnitudes
	Worst    float64  `json:"worst"`             // largest difference
	Decided  *Decided `json:"decided,omitempty"` // of an output that decides

	// Element is the one that loses most, of an output of several that deviate.
	Element *ElementError `json:"worst_element,omitempty"`
}

// ElementError is the error of an element along a dimension of an output: see quantities.
type ElementError struct {
	Dimension int     `json:"dimension"`
	Index     int     `json:"index"`
	Relative  float64 `json:"relative_error"` // root mean square over its own deviation
}

// Decided says what became of the decisions of an output: a single probability decides at
// 0.5, a distribution by its largest. Nobody knows which of them are right, so that every
// one that changes counts.
type Decided struct {
	Decisions int     `json:"decisions"`
	Changed   int     `json:"changed"`
	Expected  float64 `json:"expected"` // part that changes by how close decisions are, on these data: see Score.ExpectedLoss
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

// errors runs a quantized graph on the reference interpreter over all calls, states
// carried, and compares its data outputs with the float graph's.
func (q *graphQuantizer) errors(ctx context.Context, g *graph.Graph) ([]OutputError, error) {
	got, err := runCalls(ctx, q.float, g, q.calls)
	if err != nil {
		return nil, err
	}
	var list []OutputError
	for i, id := range dataOutputs(q.float) {
		list = append(list, compareOutput(q.float, id, q.want[id], got[i]))
	}
	return list, nil
}

// compareOutput compares the values of an output after every call. The elements along one
// dimension are different quantities: each deviates from a mean of its own, so that
// what lies far from zero, or far from the others, does not hide what is lost.
func compareOutput(float *graph.Graph, id graph.TensorID, want, got []float32) OutputError {
	e := OutputError{Name: float.Tensors[id].Name}
	noise, n := 0.0, float64(max(len(want), 1))
	for i, v := range want {
		d := float64(got[i]) - float64(v)
		noise += float64(d * d)
		e.Worst = math.Max(e.Worst, math.Abs(d))
		e.Mean += math.Abs(d)
	}
	e.Mean /= n
	e.RMSE = math.Sqrt(noise / n)
	axis, size, inner := quantities(float.Tensors[id].Shape, want)
	own, total := deviations(want, size, inner), 0.0
	lost := make([]float64, size)
	for i, v := range want {
		d := float64(got[i]) - float64(v)
		lost[i/inner%size] += float64(d * d)
	}
	for k, v := range own {
		total += v
		if size == 1 || v == 0 {
			continue
		}
		if r := math.Sqrt(lost[k] / v); e.Element == nil || r > e.Element.Relative {
			e.Element = &ElementError{Dimension: axis, Index: k, Relative: r}
		}
	}
	e.Relative = math.Sqrt(noise / sizeOf(total, want))
	if width := decisionWidth(float, id); width > 0 {
		e.Decided = compareDecisions(want, got, width)
	}
	return e
}

// quantities finds the dimension along which the elements of an output are different
// quantities, its size and the distance of neighbours: the last one, but another where most
// of what is left of the deviation is between the means along that one. The first of
// several is the batch.
func quantities(shape []int, values []float32) (axis, size, inner int) {
	axis, size, inner = max(len(shape)-1, 0), 1, 1
	if len(shape) > 0 {
		size = max(shape[axis], 1)
	}
	least := sum(deviations(values, size, 1))
	step := size
	for a := axis - 1; a > 0; a-- {
		if n := max(shape[a], 1); n > 1 {
			if d := sum(deviations(values, n, step)); d > 0 && d < least/2 {
				axis, size, inner, least = a, n, step, d
			}
			step *= n
		}
	}
	return axis, size, inner
}

// deviations sums for each of size elements, inner apart, the squared deviations of its values
// from their mean. Both are counted from its first value, so that what is constant deviates by
// exactly nothing.
func deviations(values []float32, size, inner int) []float64 {
	mean, out := make([]float64, size), make([]float64, size)
	from := func(i int) float64 { return float64(values[i]) - float64(values[i/inner%size*inner]) }
	for i := range values {
		mean[i/inner%size] += from(i)
	}
	each := float64(max(len(values)/size, 1))
	for i := range values {
		k := i / inner % size
		d := from(i) - mean[k]/each
		out[k] += float64(d * d)
	}
	return out
}

func sum(list []float64) float64 {
	t := 0.0
	for _, v := range list {
		t += v
	}
	return t
}

// sizeOf is the sum of squares that an error is relative to: deviations, the squares
// themselves where nothing deviates, and 1 for each where all are zero.
func sizeOf(deviations float64, values []float32) float64 {
	if deviations > 0 {
		return deviations
	}
	squares := 0.0
	for _, v := range values {
		squares += float64(float64(v) * float64(v))
	}
	if squares > 0 {
		return squares
	}
	return float64(max(len(values), 1))
}

// compareDecisions compares outputs of so many values for each decision.
func compareDecisions(want, got []float32, width int) *Decided {
	rows := func(values []float32) (s Score) {
		for at := 0; at+width <= len(values); at += width {
			row := values[at : at+width]
			if width == 1 {
				row = []float32{row[0] - 0.5, 0.5 - row[0]}
			}
			s.Outputs, s.Right = append(s.Outputs, row), append(s.Right, true)
		}
		return s
	}
	float, quantized := rows(want), rows(got)
	d := &Decided{Decisions: len(float.Outputs)}
	for i, row := range float.Outputs {
		if quantized.Right[i] = argmax(row) == argmax(quantized.Outputs[i]); !quantized.Right[i] {
			d.Changed++
		}
	}
	d.Expected = quantized.ExpectedLoss(float)
	return d
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

// aim returns the loss that keeps the bound of an output elsewhere, of which the calls gave
// so many values.
func (q *graphQuantizer) aim(id graph.TensorID, values int) float64 {
	if width := decisionWidth(q.float, id); width > 0 {
		return aimDecisions(q.bound(id), values/width)
	}
	return aimNumbers(q.bound(id))
}

// loss returns the largest loss of an output, in the unit of the first one and by what is
// aimed at where outputs are measured in several ways.
func (q *graphQuantizer) loss(outputs []OutputError) float64 {
	ids := dataOutputs(q.float)
	unit, most := 0.0, 0.0
	for i, o := range outputs {
		aim := aimNumbers(q.bound(ids[i]))
		loss := o.Relative
		if isProbability(q.float, ids[i]) {
			loss = o.Mean
		}
		part := loss / aim
		if o.Decided != nil {
			aim = aimDecisions(q.bound(ids[i]), o.Decided.Decisions)
			part = math.Max(part, o.Decided.Expected/aim)
		}
		if i == 0 {
			unit = aim
		}
		most = math.Max(most, part)
	}
	return most * unit
}

// kept reports whether all outputs are within their bounds, in every way that they are
// measured.
func (q *graphQuantizer) kept(outputs []OutputError) bool {
	for i, id := range dataOutputs(q.float) {
		o, bound := outputs[i], q.bound(id)
		loss := o.Relative
		if isProbability(q.float, id) {
			loss = o.Mean
		}
		if loss > bound || o.Decided != nil && o.Decided.Expected > bound {
			return false
		}
	}
	return true
}

// isProbability reports whether a tensor has values of LOGISTIC or SOFTMAX, moved or
// averaged at most.
func isProbability(g *graph.Graph, id graph.TensorID) bool {
	_, op := probabilities(g, id)
	return op != nil
}

// decisionWidth returns how many values of an output make a decision: one of a detection,
// several of classes, and 0 where it decides nothing. Several values of LOGISTIC in a row
// decide nothing: they are gains of a mask as often as labels.
func decisionWidth(g *graph.Graph, id graph.TensorID) int {
	arranged, op := probabilities(g, id)
	if op == nil {
		return 0
	}
	last := func(id graph.TensorID) int {
		shape := g.Tensors[id].Shape
		if len(shape) == 0 {
			return 1
		}
		return shape[len(shape)-1]
	}
	width := last(op.Outputs[0])
	switch {
	case op.Kind == graph.Logistic && width == 1:
		return 1
	case op.Kind == graph.Softmax && width > 1 && arranged && last(id) == width:
		return width
	}
	return 0
}

// probabilities returns the operator whose probabilities a tensor has, nil if there is none,
// and whether they are in the order that it gave them in.
func probabilities(g *graph.Graph, id graph.TensorID) (arranged bool, found *graph.Op) {
	arranged = true
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		if !slices.Contains(op.Outputs, id) {
			continue
		}
		switch {
		case op.Kind == graph.Logistic || op.Kind == graph.Softmax:
			return arranged, op
		case op.Kind.Keeps() || op.Kind == graph.Mean:
			id, arranged = op.DataInputs()[0], arranged && op.Kind != graph.Transpose
		default:
			return false, nil
		}
	}
	return false, nil
}
