// SPDX-License-Identifier: Apache-2.0

package lower

import "github.com/unroll-npu/unroll/train/nn"

// feed reads the sequences of a set as one endless stream of rows.
type feed struct {
	net  *nn.Network
	set  Samples
	at   int // sequence that comes next
	left []float32
}

func newFeed(net *nn.Network, set Samples) *feed { return &feed{net: net, set: set} }

// next returns the next n values of the stream.
func (f *feed) next(n int) []float32 {
	out := make([]float32, 0, n)
	for len(out) < n {
		if len(f.left) == 0 {
			f.left = make([]float32, f.net.Steps*f.net.Features)
			load(f.net, f.set, f.at%f.set.Len(), f.left)
			f.at++
		}
		k := min(n-len(out), len(f.left))
		out, f.left = append(out, f.left[:k]...), f.left[k:]
	}
	return out
}
