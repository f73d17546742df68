// SPDX-License-Identifier: Apache-2.0

package train

import (
	"context"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/train/dataset"
)

// A test of learning rates takes findSteps steps, from findLow to findHigh in equal factors, on
// the same findBatches batches again and again: the mean loss of one round of them and the
// next differ by what was learned, not by what was drawn. It ends early where that mean is
// findLost times the best.
const (
	findSteps   = 160
	findBatches = 8
	findLow     = 1e-5
	findHigh    = 1
	findLost    = 3
)

// FindRate tests learning rates on a network that is thrown away: the rate rises from step to
// step, and the one that is returned lies halfway, in factors, between that at which the loss
// fell most and a tenth of that at which it was smallest. It depends on configuration and
// data alone. c.Rate and the schedule do not matter.
func FindRate(ctx context.Context, c Config, set *dataset.Set) (float64, error) {
	c.Rate, c.Resume, c.Save = 0, nil, nil
	net, err := Untrained(c, set)
	if err != nil {
		return 0, err
	}
	if c, err = c.withDefaults(set.Len()); err != nil {
		return 0, err
	}
	r := newRun(c, net, set)
	defer r.engine.close()
	r.engine.load(net)
	r.shuffle(0)
	batches := min(findBatches, r.stepsPerEpoch())
	best, lowest, most, at, round := math.Inf(1), 0.0, 0.0, 0.0, 0.0
	var losses, rounds, rates []float64
	for n := range findSteps {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		from := n % batches * r.engine.batch
		rate := findLow * math.Pow(findHigh/findLow, float64(n)/(findSteps-1))
		loss, _, counted := r.train(r.order[from:min(from+r.engine.batch, len(r.order))], rate)
		r.step++
		losses, rates = append(losses, loss/float64(max(counted, 1))), append(rates, rate)
		round += losses[n]
		if n < batches {
			continue
		}
		round -= losses[n-batches]
		rounds = append(rounds, round)
		if !(round < findLost*best) && len(rounds) > 1 { // also true for a NaN
			break
		}
		if round < best {
			best, lowest = round, rates[n]
		}
		if k := len(rounds) - 1 - batches; k >= 0 && rounds[k]-round > most {
			most, at = rounds[k]-round, rates[n-batches]
		}
	}
	if at == 0 {
		return 0, fmt.Errorf("%s: no learning rate from %v to %v makes the loss fall: look at the features and labels", set.Name, findLow, float64(findHigh))
	}
	return math.Sqrt(at * lowest / 10), nil
}
