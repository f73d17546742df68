package dataset

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Split sets a fraction of the sequences aside, drawn with the seed: the first set
// returned keeps the rest. Both have at least one sequence.
func Split(s *Set, fraction float64, seed uint64) (rest, aside *Set, err error) {
	n := int(math.Round(fraction * float64(s.Len())))
	if s.Len() < 2 || n >= s.Len() {
		return nil, nil, fmt.Errorf("%s: %d sequences cannot be divided with %v set aside: more are needed", s.Name, s.Len(), fraction)
	}
	n = max(n, 1)
	order := rand.New(rand.NewPCG(seed, splitStream)).Perm(s.Len())
	return s.Subset(s.Name, order[n:]), s.Subset(s.Name+" aside", order[:n]), nil
}

// splitStream keeps the division apart from other uses of the same seed.
const splitStream = 0x5b117

// Standardize computes the mean and the standard deviation of every feature of
// the first set and gives them to all sets, for the network to carry. A feature
// that never changes gets the deviation 1.
func Standardize(train *Set, others ...*Set) error {
	sum, square := make([]float64, train.Features), make([]float64, train.Features)
	x := make([]float32, train.Steps*train.Features)
	pass := func(f func(j int, v float64)) {
		for i := range train.Len() {
			train.Sample(i, x)
			for k, v := range x {
				f(k%train.Features, float64(v))
			}
		}
	}
	n := float64(train.Len() * train.Steps)
	if n == 0 {
		return fmt.Errorf("%s: the set is empty: nothing to standardize", train.Name)
	}
	pass(func(j int, v float64) { sum[j] += v })
	// The second pass about the mean loses no digits.
	pass(func(j int, v float64) { d := v - sum[j]/n; square[j] += float64(d * d) })
	mean, std := make([]float32, train.Features), make([]float32, train.Features)
	for j := range mean {
		mean[j] = float32(sum[j] / n)
		std[j] = float32(math.Sqrt(square[j] / n))
		if std[j] == 0 {
			std[j] = 1
		}
		if f := float64(mean[j]) + float64(std[j]); math.IsNaN(f) || math.IsInf(f, 0) {
			return fmt.Errorf("%s: feature %d has mean %v and deviation %v: every value must be finite", train.Name, j, mean[j], std[j])
		}
	}
	for _, s := range append([]*Set{train}, others...) {
		if s.Features != train.Features {
			return fmt.Errorf("%s has %d features, but %s has %d", s.Name, s.Features, train.Name, train.Features)
		}
		s.Mean, s.Std = mean, std
	}
	return nil
}
