// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"
	"math/rand/v2"

	"github.com/unroll-npu/unroll/train/nn"
)

// Every purpose has its own generator stream, so that a change of one does not
// shift the others.
const (
	streamInit uint64 = iota + 1
	streamShuffle
	streamShift
	streamSplit
	streamNoise
	streamReset
	streamAugment
	streamDropout
)

// Initialize fills the tensors of net, whose shapes are set, with Keras' initial
// values: Glorot uniform kernels over the whole concatenated matrix, orthogonal
// recurrent kernels over the whole matrix, biases 0, except 1 for the forget gate
// of an LSTM. The values depend on seed alone.
func Initialize(net *nn.Network, seed uint64) {
	rng := rand.New(rand.NewPCG(seed, streamInit))
	shaped := net.Shape()
	for i := range shaped.Layers {
		l := &shaped.Layers[i]
		for _, p := range l.Parameters() {
			switch p.Start {
			case nn.Glorot:
				glorot(rng, *p.Data, p.Shape[0], p.Shape[1])
			case nn.Orthogonal:
				orthogonal(rng, *p.Data, p.Shape[0], p.Shape[1])
			case nn.OrthogonalColumns:
				rows, cols := p.Shape[0], p.Shape[1]
				turned := make([]float32, rows*cols)
				orthogonal(rng, turned, cols, rows)
				for j := range *p.Data {
					(*p.Data)[j] = turned[j%cols*rows+j/cols]
				}
			case nn.ForgetOne:
				for j := range l.Units {
					(*p.Data)[l.Units+j] = 1
				}
			}
		}
	}
	glorot(rng, shaped.HeadKernel, len(shaped.HeadKernel)/net.Outputs, net.Outputs)
	*net = *shaped
}

func glorot(rng *rand.Rand, w []float32, rows, cols int) {
	limit := math.Sqrt(6 / float64(rows+cols))
	for i := range w {
		w[i] = float32((2*rng.Float64() - 1) * limit)
	}
}

// orthogonal fills w, rows <= cols, with orthonormal rows: Gram-Schmidt on normal
// rows, done twice for accuracy, has the distribution of Keras' QR with the sign
// correction.
func orthogonal(rng *rand.Rand, w []float32, rows, cols int) {
	q := make([][]float64, rows)
	for i := range q {
		q[i] = make([]float64, cols)
		for j := range q[i] {
			q[i][j] = rng.NormFloat64()
		}
		for range 2 {
			for _, before := range q[:i] {
				dot := 0.0
				for j, v := range before {
					dot += float64(v * q[i][j])
				}
				for j, v := range before {
					q[i][j] -= float64(dot * v)
				}
			}
		}
		norm := 0.0
		for _, v := range q[i] {
			norm += float64(v * v)
		}
		norm = math.Sqrt(norm)
		for j := range q[i] {
			q[i][j] /= norm
			w[i*cols+j] = float32(q[i][j])
		}
	}
}
