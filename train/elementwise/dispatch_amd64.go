// SPDX-License-Identifier: Apache-2.0

package elementwise

import "golang.org/x/sys/cpu"

// useAVX2 and useAVX512 choose the loops; tests clear them to reach the others.
var (
	useAVX2   = cpu.X86.HasAVX2 && cpu.X86.HasFMA // includes the operating system's part
	useAVX512 = useAVX2 && cpu.X86.HasAVX512F
)

func sigmoid(x []float32) {
	switch {
	case useAVX512:
		sigmoidAVX512(len(x), &x[0])
	case useAVX2:
		sigmoidAVX2(len(x), &x[0])
	default:
		sigmoidPortable(x)
	}
}

func tanh(x []float32) {
	switch {
	case useAVX512:
		tanhAVX512(len(x), &x[0])
	case useAVX2:
		tanhAVX2(len(x), &x[0])
	default:
		tanhPortable(x)
	}
}

func gruForward(n int, gates, h0, h1 []float32) {
	switch {
	case useAVX512:
		gruForwardAVX512(n, &gates[0], &h0[0], &h1[0])
	case useAVX2:
		gruForwardAVX2(n, &gates[0], &h0[0], &h1[0])
	default:
		gruForwardPortable(n, gates, h0, h1)
	}
}

func gruBackward(n int, gates, h0, dh []float32) {
	switch {
	case useAVX512:
		gruBackwardAVX512(n, &gates[0], &h0[0], &dh[0])
	case useAVX2:
		gruBackwardAVX2(n, &gates[0], &h0[0], &dh[0])
	default:
		gruBackwardPortable(n, gates, h0, dh)
	}
}

func lstmForward(n int, gates, c0, c1, q, h1 []float32) {
	switch {
	case useAVX512:
		lstmForwardAVX512(n, &gates[0], &c0[0], &c1[0], &q[0], &h1[0])
	case useAVX2:
		lstmForwardAVX2(n, &gates[0], &c0[0], &c1[0], &q[0], &h1[0])
	default:
		lstmForwardPortable(n, gates, c0, c1, q, h1)
	}
}

func lstmBackward(n int, gates, c0, q, dh, dc []float32) {
	switch {
	case useAVX512:
		lstmBackwardAVX512(n, &gates[0], &c0[0], &q[0], &dh[0], &dc[0])
	case useAVX2:
		lstmBackwardAVX2(n, &gates[0], &c0[0], &q[0], &dh[0], &dc[0])
	default:
		lstmBackwardPortable(n, gates, c0, q, dh, dc)
	}
}

func rnnTanhBackward(n int, d, h, dh []float32) {
	switch {
	case useAVX512:
		rnnTanhBackwardAVX512(n, &d[0], &h[0], &dh[0])
	case useAVX2:
		rnnTanhBackwardAVX2(n, &d[0], &h[0], &dh[0])
	default:
		rnnTanhBackwardPortable(n, d, h, dh)
	}
}

func minGRUForward(n int, gates, h0, h1 []float32) {
	switch {
	case useAVX512:
		minGRUForwardAVX512(n, &gates[0], &h0[0], &h1[0])
	case useAVX2:
		minGRUForwardAVX2(n, &gates[0], &h0[0], &h1[0])
	default:
		minGRUForwardPortable(n, gates, h0, h1)
	}
}

func minGRUBackward(n int, gates, h0, dh []float32) {
	switch {
	case useAVX512:
		minGRUBackwardAVX512(n, &gates[0], &h0[0], &dh[0])
	case useAVX2:
		minGRUBackwardAVX2(n, &gates[0], &h0[0], &dh[0])
	default:
		minGRUBackwardPortable(n, gates, h0, dh)
	}
}

func adam(p, gradient, m, v []float32, a *Adam) {
	switch {
	case useAVX512:
		adamAVX512(len(p), &p[0], &gradient[0], &m[0], &v[0], a.Scale, a.Alpha, a.Keep1, a.Keep2, a.Epsilon)
	case useAVX2:
		adamAVX2(len(p), &p[0], &gradient[0], &m[0], &v[0], a.Scale, a.Alpha, a.Keep1, a.Keep2, a.Epsilon)
	default:
		adamPortable(p, gradient, m, v, a)
	}
}
