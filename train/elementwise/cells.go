// SPDX-License-Identifier: Apache-2.0

package elementwise

import "fmt"

// Lanes is what the length of every block must be a multiple of.
const Lanes = 16

// Sigmoid replaces every value by 1/(1+exp(-x)). Any length.
func Sigmoid(x []float32) { whole(x, sigmoid) }

// Tanh replaces every value by its hyperbolic tangent. Any length.
func Tanh(x []float32) { whole(x, tanh) }

// whole applies f to the part of x that fills vectors and, through a padded copy,
// to the rest.
func whole(x []float32, f func([]float32)) {
	n := len(x) &^ (Lanes - 1)
	if n > 0 {
		f(x[:n])
	}
	if n < len(x) {
		var rest [Lanes]float32
		copy(rest[:], x[n:])
		f(rest[:])
		copy(x[n:], rest[:])
	}
}

// need panics unless n is a positive multiple of Lanes and every row has at least
// the length given after it: the vector loops check nothing.
func need(n int, rows ...[]float32) {
	if n <= 0 || n%Lanes != 0 {
		panic(fmt.Sprintf("BUG: block of %d floats, expected a positive multiple of %d", n, Lanes))
	}
	for i, r := range rows {
		if len(r) < n {
			panic(fmt.Sprintf("BUG: row %d has %d floats, expected %d", i, len(r), n))
		}
	}
}

// GRUForward takes the sums of one row, gates = [xn | z | r | hn] with n floats a
// block, and h0, the previous state. It leaves [n | z | r | hn] activated and
// writes the next state h1 = z*h0 + (1-z)*n with n = tanh(xn + r*hn).
func GRUForward(n int, gates, h0, h1 []float32) {
	need(n, gates[3*n:], h0, h1)
	gruForward(n, gates, h0, h1)
}

// GRUBackward takes what GRUForward left, the previous state h0 and dh, the
// gradient of the state after the step. It leaves [dn | dz | dr | dn*r], gradients
// of the sums, and in dh the part dh*z of the gradient of h0.
func GRUBackward(n int, gates, h0, dh []float32) {
	need(n, gates[3*n:], h0, dh)
	gruBackward(n, gates, h0, dh)
}

// LSTMForward takes the sums [i | f | g | o] and the previous cell state c0. It
// leaves the activated gates and writes c1 = f*c0 + i*g, q = tanh(c1), h1 = o*q.
func LSTMForward(n int, gates, c0, c1, q, h1 []float32) {
	need(n, gates[3*n:], c0, c1, q, h1)
	lstmForward(n, gates, c0, c1, q, h1)
}

// LSTMBackward takes what LSTMForward left, and dh and dc, the gradients of the
// state and the cell state after the step. It leaves [di | df | dg | do] and in dc
// the gradient of c0.
func LSTMBackward(n int, gates, c0, q, dh, dc []float32) {
	need(n, gates[3*n:], c0, q, dh, dc)
	lstmBackward(n, gates, c0, q, dh, dc)
}

// RNNTanhBackward writes d = dh*(1-h*h), the gradient of the sum under h = tanh.
func RNNTanhBackward(n int, d, h, dh []float32) {
	need(n, d, h, dh)
	rnnTanhBackward(n, d, h, dh)
}

// MinGRUForward takes the sums of one row, gates = [n | u] with n floats a block, and h0,
// the previous state. It leaves them activated and writes h1 = h0 + u*(n-h0).
func MinGRUForward(n int, gates, h0, h1 []float32) {
	need(n, gates[n:], h0, h1)
	minGRUForward(n, gates, h0, h1)
}

// MinGRUBackward takes what MinGRUForward left, the previous state h0 and dh, the gradient
// of the state after the step. It leaves [dn | du], gradients of the sums, and in dh the
// gradient of h0.
func MinGRUBackward(n int, gates, h0, dh []float32) {
	need(n, gates[n:], h0, dh)
	minGRUBackward(n, gates, h0, dh)
}

// Adam holds the constants of one step of the optimizer (Kingma and Ba, in Keras'
// form: Epsilon is added outside the bias correction).
type Adam struct {
	Scale   float32 // of the gradient, for clipping
	Alpha   float32 // learning rate * sqrt(1-beta2^t) / (1-beta1^t)
	Keep1   float32 // 1 - beta1
	Keep2   float32 // 1 - beta2
	Epsilon float32
}

// Step moves the parameters p along their gradient; m and v are the running
// moments. All have the same length, a multiple of Lanes.
func (a *Adam) Step(p, gradient, m, v []float32) {
	need(len(p), p, gradient, m, v)
	adam(p, gradient, m, v, a)
}
