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
// of determination R² (1 is perfect, 0 no better than the mean) and the mean
// squared error. The set must have the network's steps and features, and the network must be
// Trainable.
func Evaluate(net *nn.Network, set *dataset.Set) (accuracy, loss float64) {
	if set.Len() == 0 {
		return 0, 0
	}
	var hits, rows int
	var mean, square float64
	outputs := 0
	forEach(net, set, func(e *engine, n int) {
		for row := range n * e.head.rows {
			if !e.head.counts[row] {
				continue
			}
			rows++
			loss += e.head.rowLoss[row]
			if e.head.hit[row] {
				hits++
			}
			for _, v := range e.head.targets[row*set.Outputs : (row+1)*set.Outputs] {
				mean += float64(v)
				square += float64(v) * float64(v)
				outputs++
			}
		}
	})
	rows = max(rows, 1)
	loss /= float64(rows)
	if set.Task == nn.Regression {
		variance := square/float64(outputs) - math.Pow(mean/float64(outputs), 2)
		return 1 - loss/max(variance, math.SmallestNonzeroFloat64), loss
	}
	return float64(hits) / float64(rows), loss
}

// forEach runs the network over the whole set, batch by batch, with losses
// computed, and calls use after each batch of n sequences.
func forEach(net *nn.Network, set *dataset.Set, use func(e *engine, n int)) {
	e := newEngine(net, min(evaluateBatch, set.Len()), min(runtime.GOMAXPROCS(0), 8), true)
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
