// SPDX-License-Identifier: Apache-2.0

package floatexec

import "math"

// Minimax polynomial of 2^f for f in [-0.5, 0.5], relative error 9.1e-8.
const (
	exp1 = 0.6931470036506653
	exp2 = 0.24022242426872253
	exp3 = 0.05550733581185341
	exp4 = 0.009671512991189957
	exp5 = 0.001326472731307149
)

// sigmoid returns 1/(1+exp(-x)) with an absolute error below 2e-7.
func sigmoid(x float32) float32 {
	return 1 / (1 + power(float32(x*-math.Log2E)))
}

// exp returns e^x for x <= 0 with an absolute error below 4e-7.
func exp(x float32) float32 { return power(float32(x * math.Log2E)) }

// power returns 2^t, t cut to -126..126. Every product is rounded before it is
// added, so that the bits do not depend on the machine.
func power(t float32) float32 {
	if !(t < 126) { // also NaN, which stays NaN
		if t != t {
			return t
		}
		t = 126
	}
	if t < -126 {
		t = -126
	}
	// Adding and taking away 1.5*2^23 rounds to the nearest integer.
	const magic = 3 << 22
	n := (t + magic) - magic
	f := t - n
	p := float32(exp5*f) + exp4
	p = float32(p*f) + exp3
	p = float32(p*f) + exp2
	p = float32(p*f) + exp1
	p = float32(p*f) + 1
	return math.Float32frombits(math.Float32bits(p) + uint32(int32(n)<<23))
}

// tanh returns the hyperbolic tangent with an absolute error below 4e-7.
func tanh(x float32) float32 { return float32(2*sigmoid(2*x)) - 1 }
