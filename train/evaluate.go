// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"
	"runtime"

	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// evaluateBatch is the number of sequences that run forward together.
const evaluateBatch = 64

// Evaluate runs a network over a set. For a classification it returns the fraction
// of correct labels and the mean cross entropy; for a regression the coefficient
// of determination R² (1 is perfect, 0 no better than the mean of every output) and the mean
// squared error. The set must have the network's steps and features, and the network must be
// Trainable.
func Evaluate(net *nn.Network, set *dataset.Set) (accuracy, loss float64) {
	accuracy, loss, _ = EvaluateOutputs(net, set)
	return accuracy, loss
}

// Output is how well one output of a regression is predicted.
type Output struct {
	RMSE float64  `json:"rmse"` // in the unit of the targets
	R2   *float64 `json:"r2"`   // nil where the targets are all alike
}

// EvaluateOutputs is Evaluate, and for a regression judges every output by itself: together those
// with large numbers drown the others.
func EvaluateOutputs(net *nn.Network, set *dataset.Set) (accuracy, loss float64, outputs []Output) {
	if set.Len() == 0 {
		return 0, 0, nil
	}
	s := newScores(set)
	forEach(net, set, s.count)
	accuracy, loss = s.result()
	return accuracy, loss, s.outputs()
}

// scores sums losses and hits over batches.
type scores struct {
	set        *dataset.Set
	hits, rows int
	loss       float64
	spreads    []spread  // of the targets of each output
	squares    []float64 // of the errors of each output
}

// spread follows how far values deviate from their mean.
type spread struct{ n, mean, deviations float64 }

func (s *spread) see(v float64) {
	s.n++
	d := v - s.mean
	s.mean += d / s.n
	s.deviations += float64(d * (v - s.mean))
}

func newScores(set *dataset.Set) *scores {
	return &scores{set: set, spreads: make([]spread, set.Outputs), squares: make([]float64, set.Outputs)}
}

// count adds the n sequences of a batch.
func (s *scores) count(e *engine, n int) {
	k := s.set.Outputs
	for row := range n * e.head.rows {
		if !e.head.counts[row] {
			continue
		}
		s.rows++
		s.loss += e.head.rowLoss[row]
		if e.head.hit[row] {
			s.hits++
		}
		if s.set.Task != nn.Regression {
			continue
		}
		for j, v := range e.head.targets[row*k : (row+1)*k] {
			s.spreads[j].see(float64(v))
		}
		// The loss has turned the outputs into its gradient, the errors times a factor.
		factor := float64(k*n*e.head.rows) / 2
		for j, g := range e.head.out.At(row/e.head.rows, row%e.head.rows)[:k] {
			d := float64(g) * factor
			s.squares[j] += float64(d * d)
		}
	}
}

// result returns accuracy, or R², and the mean loss. R² is against the mean of each output: that
// outputs have different means is nothing that a network has found.
func (s *scores) result() (accuracy, loss float64) {
	rows := float64(max(s.rows, 1))
	loss = s.loss / rows
	if s.set.Task != nn.Regression {
		return float64(s.hits) / rows, loss
	}
	deviations := 0.0
	for _, p := range s.spreads {
		deviations += p.deviations
	}
	variance := deviations / (rows * float64(len(s.spreads)))
	return 1 - loss/max(variance, math.SmallestNonzeroFloat64), loss
}

// outputs judges each output of a regression.
func (s *scores) outputs() []Output {
	if s.set.Task != nn.Regression || s.rows == 0 {
		return nil
	}
	all := make([]Output, len(s.squares))
	for j, sum := range s.squares {
		all[j].RMSE = math.Sqrt(sum / float64(s.rows))
		if d := s.spreads[j].deviations; d > 0 {
			r2 := 1 - sum/d
			all[j].R2 = &r2
		}
	}
	return all
}

// evaluators is the number of goroutines that evaluate.
func evaluators() int { return min(runtime.GOMAXPROCS(0), 8) }

// forEach runs the network over the whole set, batch by batch, with losses
// computed, and calls use after each batch of n sequences.
func forEach(net *nn.Network, set *dataset.Set, use func(e *engine, n int)) {
	e := newEngine(net, min(evaluateBatch, set.Len()), evaluators(), true)
	defer e.close()
	e.load(net)
	f := newFeed(e, set, net.Mean, net.Std)
	for at := 0; at < set.Len(); at += e.batch {
		n := min(e.batch, set.Len()-at)
		e.crew.run(func(w int) {
			first, after := e.rows(w, n)
			if first == after {
				return
			}
			for b := first; b < after; b++ {
				f.put(e, b, at+b, 0)
			}
			e.forward(first, after)
			e.head.loss(first, after, n)
		})
		use(e, n)
	}
}
