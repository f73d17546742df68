// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package elementwise

func sigmoid(x []float32)                        { sigmoidPortable(x) }
func tanh(x []float32)                           { tanhPortable(x) }
func gruForward(n int, gates, h0, h1 []float32)  { gruForwardPortable(n, gates, h0, h1) }
func gruBackward(n int, gates, h0, dh []float32) { gruBackwardPortable(n, gates, h0, dh) }
func lstmForward(n int, gates, c0, c1, q, h1 []float32) {
	lstmForwardPortable(n, gates, c0, c1, q, h1)
}
func lstmBackward(n int, gates, c0, q, dh, dc []float32) {
	lstmBackwardPortable(n, gates, c0, q, dh, dc)
}
func rnnTanhBackward(n int, d, h, dh []float32)     { rnnTanhBackwardPortable(n, d, h, dh) }
func minGRUForward(n int, gates, h0, h1 []float32)  { minGRUForwardPortable(n, gates, h0, h1) }
func minGRUBackward(n int, gates, h0, dh []float32) { minGRUBackwardPortable(n, gates, h0, dh) }
func adam(p, gradient, m, v []float32, a *Adam)     { adamPortable(p, gradient, m, v, a) }
