// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math/rand/v2"

	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// feed puts sequences of a set into the rows of an engine.
type feed struct {
	set       *dataset.Set
	mean, std []float32
	shift     int
	noise     float32
	augment   Augment
	seed      uint64
	buffer    [][]float32 // one sequence a row of the batch
	other     [][]float32 // the same, for those that are moved
	draws     []draw      // of each place
	target    *scale      // of a regression's targets; nil leaves them
}

func newFeed(e *engine, set *dataset.Set, mean, std []float32) *feed {
	f := &feed{set: set, mean: mean, std: std}
	for range e.batch {
		f.buffer = append(f.buffer, make([]float32, set.Steps*set.Features))
		f.other = append(f.other, nil)
	}
	f.draws = make([]draw, e.batch)
	return f
}

// put writes sequence i into place b of the batch; epoch tells repeated draws of
// the same sequence apart.
func (f *feed) put(e *engine, b, i, epoch int) {
	s, x := f.set, f.buffer[b]
	s.Sample(i, x)
	e.keys[b] = uint64(epoch)<<32 | uint64(i)
	d := &f.draws[b]
	if f.augment.draw(d, s, i, epoch, f.seed); d.active {
		if d.moved {
			if f.other[b] == nil {
				f.other[b] = make([]float32, len(x))
			}
			d.move(f.other[b], x, s.Features, s.Pad)
			x = f.other[b]
		}
		d.hiss(x, s.Features, s.Steps-s.Length(i))
	}
	dx, dy := 0, 0
	if f.shift > 0 {
		// A function of the sequence and the epoch, not of the order of the workers.
		rng := rand.NewPCG(f.seed^streamShift<<56, uint64(epoch)<<32|uint64(i))
		span := uint64(2*f.shift + 1)
		dx, dy = int(rng.Uint64()%span)-f.shift, int(rng.Uint64()%span)-f.shift
	}
	var noise *rand.Rand
	if f.noise > 0 {
		noise = rand.New(rand.NewPCG(f.seed^streamNoise<<56, uint64(epoch)<<32|uint64(i)))
	}
	for t := range s.Steps {
		row := e.x[(b*s.Steps+t)*e.xRow:][:s.Features]
		from := t - dy
		if from < 0 || from >= s.Steps {
			clear(row)
		} else {
			shiftRow(row, x[from*s.Features:][:s.Features], dx)
		}
		if f.mean != nil {
			for j := range row {
				row[j] = (row[j] - f.mean[j]) / f.std[j]
			}
		}
		if noise != nil && t >= s.Steps-s.Length(i) {
			for j := range row {
				row[j] += f.noise * float32(noise.NormFloat64())
			}
		}
		if d.active {
			d.blank(row, t)
		}
	}
	h := e.head
	for t := range h.rows {
		switch {
		case s.Task == nn.Regression:
		case s.PerStep:
			if from := d.source(t); from < 0 {
				h.labels[b*h.rows+t] = nowhere // such steps do not count
			} else {
				h.labels[b*h.rows+t] = int32(s.StepLabel(i, from))
			}
		default:
			h.labels[b] = int32(s.Label(i))
		}
	}
	if s.Task == nn.Regression {
		targets := h.targets[b*h.rows*s.Outputs:][:h.rows*s.Outputs]
		s.Target(i, targets)
		if s.PerStep && d.active && d.moved {
			d.moveTargets(targets, s.Outputs)
		}
		f.target.apply(targets)
	}
}

// shiftRow copies src moved by dx places to the right, zeros moving in.
func shiftRow(dst, src []float32, dx int) {
	n := len(src)
	clear(dst)
	switch {
	case dx >= n || -dx >= n:
	case dx >= 0:
		copy(dst[dx:], src)
	default:
		copy(dst, src[-dx:])
	}
}
