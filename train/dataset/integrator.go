// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"math/rand/v2"

	"github.com/unroll-npu/unroll/train/nn"
)

// The integrator's memory, in steps, and the length of its sequences.
const (
	integratorMemory = 300
	integratorSteps  = 600
)

// Sizes of the integrator's parts: long sequences, few of them.
const (
	IntegratorTrain = 480
	IntegratorTest  = 160
)

// Integrator draws two sets of noise of one feature, in units of its deviation, with its
// leaky sum to predict at every step: of what is in the sum a three-hundredth is lost at
// a step. The sum has a deviation of 1, so that a step moves it by less than a hundredth
// of its range: what rounds such updates away forgets.
func Integrator(seed uint64, train, test int) (*Set, *Set) {
	return drawIntegrator("integrator train", seed, 0, train), drawIntegrator("integrator test", seed, 1, test)
}

func drawIntegrator(name string, seed, part uint64, n int) *Set {
	s := &Set{Name: name, Steps: integratorSteps, Features: 1, Outputs: 1, Task: nn.Regression, PerStep: true, Columns: []string{"noise"}, n: n}
	// The deviation of the sum of three even numbers from -1000 to 1000, and of a leaky
	// sum of noise of deviation 1.
	const noise, sum = 1000, 12.2474487
	for i := range n {
		d := drawer{rng: rand.NewPCG(seed, part<<32|uint64(i)|1<<62)}
		level := 0.0
		for range integratorSteps {
			x := float64(d.sym(noise)+d.sym(noise)+d.sym(noise)) / noise
			level += x - float64(level/integratorMemory)
			s.values = append(s.values, float32(x))
			s.targets = append(s.targets, float32(level/sum))
		}
	}
	return s
}
