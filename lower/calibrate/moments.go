// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Moments are the mean of the inputs of a matrix product and their covariance,
// n by n in row-major order, of which the part right of the diagonal is zero.
type Moments struct {
	Mean, Covariance []float64
}

// maxMoments is the largest product whose moments are taken: memory and time grow
// with the square of its inputs.
const maxMoments = 1024

// momentRounds are the rounds of carried states that moments are taken of.
const momentRounds = 2

// CollectMoments runs the plan's graph as Collect does and returns the moments of
// the inputs of every matrix product and convolution of up to 1024 inputs, by its
// weights.
func CollectMoments(plan *unroll.Plan, samples [][]float32) (map[graph.TensorID]*Moments, error) {
	rounds := momentRounds
	if len(plan.Graph.States) == 0 {
		rounds = 1
	}
	return collectMoments(plan, rounds, func(exec *floatexec.Exec) lanes { return newLanes(exec, plan.Graph, samples) })
}

// reader is an operator that multiplies a tensor with weights.
type reader struct {
	weights graph.TensorID
	inputs  int // of one output
	head    bool
	rows    func(x []float32, add func(row []float32)) // the inputs of every output, nil for x as it is
}

// readersOf lists the operators whose weights are rounded by the moments of a tensor.
func readersOf(plan *unroll.Plan) map[graph.TensorID][]reader {
	g, readers := plan.Graph, map[graph.TensorID][]reader{}
	for _, op := range g.Ops {
		if op.Kind != graph.FullyConnected && op.Kind != graph.Conv2D {
			continue
		}
		x, w := op.Inputs[0], g.Tensors[op.Inputs[1]]
		r := reader{weights: op.Inputs[1], inputs: w.Elems() / w.Shape[0], head: plan.Head[plan.Role[op.Outputs[0]]]}
		if r.inputs > maxMoments || !w.IsConst() {
			continue
		}
		if op.Kind == graph.Conv2D {
			r.rows = windows(g, op)
		}
		readers[x] = append(readers[x], r)
	}
	return readers
}

func collectMoments(plan *unroll.Plan, rounds int, start func(*floatexec.Exec) lanes) (map[graph.TensorID]*Moments, error) {
	exec, err := floatexec.NewExact(plan.Graph)
	if err != nil {
		return nil, err
	}
	readers := readersOf(plan)
	lanes := start(exec)
	own := make([]map[graph.TensorID]*sums, len(lanes))
	for i, l := range lanes {
		own[i] = map[graph.TensorID]*sums{}
		l.runner.Visit = func(id graph.TensorID, v floatexec.View) {
			for _, r := range readers[id] {
				if l.between && r.head {
					continue
				}
				s := own[i][r.weights]
				if s == nil {
					s = newSums(r.inputs)
					own[i][r.weights] = s
				}
				for b := range l.batch {
					if r.rows == nil {
						s.add(v.Row(b))
					} else {
						r.rows(v.Row(b), s.add)
					}
				}
			}
		}
	}
	for range rounds {
		if err := lanes.round(); err != nil {
			return nil, err
		}
	}
	out := map[graph.TensorID]*Moments{}
	for _, rs := range readers {
		for _, r := range rs {
			if out[r.weights] != nil {
				continue
			}
			all := newSums(r.inputs)
			for _, o := range own {
				all.merge(o[r.weights])
			}
			if all.count > 0 {
				out[r.weights] = all.moments()
			}
		}
	}
	return out, nil
}

// sums accumulates vectors and their products.
type sums struct {
	n, count      int
	first, second []float64
	row           []float64
}

func newSums(n int) *sums {
	return &sums{n: n, first: make([]float64, n), second: make([]float64, n*n), row: make([]float64, n)}
}

// add takes one vector or several in a row.
func (s *sums) add(x []float32) {
	for ; len(x) >= s.n; x = x[s.n:] {
		for i := range s.row {
			s.row[i] = float64(x[i])
		}
		for i, a := range s.row {
			s.first[i] += a
			if a == 0 {
				continue
			}
			dst := s.second[i*s.n:][:i+1]
			for j, b := range s.row[:i+1] {
				dst[j] += float64(a * b)
			}
		}
		s.count++
	}
}

func (s *sums) merge(o *sums) {
	if o == nil {
		return
	}
	s.count += o.count
	for i, v := range o.first {
		s.first[i] += v
	}
	for i, v := range o.second {
		s.second[i] += v
	}
}

func (s *sums) moments() *Moments {
	n := float64(s.count)
	for i := range s.first {
		s.first[i] /= n
	}
	for i := range s.n {
		for j := range i + 1 {
			at := i*s.n + j
			s.second[at] = s.second[at]/n - float64(s.first[i]*s.first[j])
		}
	}
	return &Moments{s.first, s.second}
}
