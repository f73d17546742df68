// SPDX-License-Identifier: Apache-2.0

package elementwise

// useNEON chooses the loops; tests clear it to reach the others. Every arm64 has NEON.
var useNEON = true

func sigmoid(x []float32) {
	if useNEON {
		sigmoidNEON(len(x), &x[0])
	} else {
		sigmoidPortable(x)
	}
}

func tanh(x []float32) {
	if useNEON {
		tanhNEON(len(x), &x[0])
	} else {
		tanhPortable(x)
	}
}

func gruForward(n int, gates, h0, h1 []float32) {
	if useNEON {
		gruForwardNEON(n, &gates[0], &h0[0], &h1[0])
	} else {
		gruForwardPortable(n, gates, h0, h1)
	}
}

func gruBackward(n int, gates, h0, dh []float32) {
	if useNEON {
		gruBackwardNEON(n, &gates[0], &h0[0], &dh[0])
	} else {
		gruBackwardPortable(n, gates, h0, dh)
	}
}

func lstmForward(n int, gates, c0, c1, q, h1 []float32) {
	if useNEON {
		lstmForwardNEON(n, &gates[0], &c0[0], &c1[0], &q[0], &h1[0])
	} else {
		lstmForwardPortable(n, gates, c0, c1, q, h1)
	}
}

func lstmBackward(n int, gates, c0, q, dh, dc []float32) {
	if useNEON {
		lstmBackwardNEON(n, &gates[0], &c0[0], &q[0], &dh[0], &dc[0])
	} else {
		lstmBackwardPortable(n, gates, c0, q, dh, dc)
	}
}

func rnnTanhBackward(n int, d, h, dh []float32) {
	if useNEON {
		rnnTanhBackwardNEON(n, &d[0], &h[0], &dh[0])
	} else {
		rnnTanhBackwardPortable(n, d, h, dh)
	}
}

func minGRUForward(n int, gates, h0, h1 []float32) {
	if useNEON {
		minGRUForwardNEON(n, &gates[0], &h0[0], &h1[0])
	} else {
		minGRUForwardPortable(n, gates, h0, h1)
	}
}

func minGRUBackward(n int, gates, h0, dh []float32) {
	if useNEON {
		minGRUBackwardNEON(n, &gates[0], &h0[0], &dh[0])
	} else {
		minGRUBackwardPortable(n, gates, h0, dh)
	}
}

func adam(p, gradient, m, v []float32, a *Adam) {
	if useNEON {
		adamNEON(len(p), &p[0], &gradient[0], &m[0], &v[0], a.Scale, a.Alpha, a.Keep1, a.Keep2, a.Epsilon)
	} else {
		adamPortable(p, gradient, m, v, a)
	}
}
