// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math/rand/v2"

	"github.com/unroll-npu/unroll/train/cell"
)

// dropout stands between a layer and those that read it while a network is trained: a unit is
// silent in a whole sequence, at every step alike, and the others are louder for it.
type dropout struct {
	rows
	in     cell.Operand
	rate   float64
	layer  uint64
	seed   uint64
	keys   []uint64  // of every place of the batch, see engine.keys
	factor []float32 // of every unit of every place: 0, or 1/(1-rate)
}

func newDropout(units, length, batch int, in cell.Operand, rate float64, layer int, seed uint64, keys []uint64) *dropout {
	return &dropout{rows: newRows(units, length, batch), in: in, rate: rate, layer: uint64(layer), seed: seed, keys: keys,
		factor: make([]float32, batch*units)}
}

func (u *dropout) Forward(first, after int) {
	loud := float32(1 / (1 - u.rate))
	for b := first; b < after; b++ {
		rng := rand.New(rand.NewPCG(u.seed^streamDropout<<56^u.layer<<48, u.keys[b]))
		f := u.factor[b*u.units:][:u.units]
		for i := range f {
			if f[i] = loud; rng.Float64() < u.rate {
				f[i] = 0
			}
		}
		for t := range u.length {
			y := u.given.At(b, t)[:u.units]
			for i, v := range u.in.At(b, t)[:u.units] {
				y[i] = v * f[i]
			}
		}
	}
}

func (u *dropout) PassDown(_ int, to cell.Operand, _ bool, first, after int) {
	for b := first; b < after; b++ {
		f := u.factor[b*u.units:][:u.units]
		for t := range u.length {
			d := u.d.At(b, t)[:u.units]
			for i := range d {
				d[i] *= f[i]
			}
			put(to.At(b, t)[:to.Width], d, false)
		}
	}
}
