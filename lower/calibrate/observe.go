// SPDX-License-Identifier: Apache-2.0

package calibrate

import "math"

// Bins is the resolution of an observation's histogram.
const Bins = 2048

// Observation is what calibration saw of one role: least and greatest value,
// and a histogram of equal bins between them.
type Observation struct {
	Min, Max float32
	Counts   []int64 // Bins entries, or nil where only the extremes were asked for

	// Growth is how many times as wide the range is as after the first sequence, where it
	// went on growing to the last one that states were carried through; 0 where it settled.
	Growth float64
}

func newObservation() *Observation {
	return &Observation{Min: float32(math.Inf(1)), Max: float32(math.Inf(-1))}
}

// fresh returns an empty observation with the same bins.
func (ob *Observation) fresh() *Observation {
	f := newObservation()
	if ob.Counts != nil {
		f.Min, f.Max, f.Counts = ob.Min, ob.Max, make([]int64, Bins)
	}
	return f
}

func (ob *Observation) extend(row []float32) {
	lo, hi := ob.Min, ob.Max
	for _, v := range row {
		if v != v {
			// A NaN compares false with everything; let it show.
			lo, hi = v, v
			break
		}
		if v < lo {
			lo = v
		}
		if v > hi {
			hi = v
		}
	}
	ob.Min, ob.Max = lo, hi
}

func (ob *Observation) count(row []float32) {
	width := ob.Max - ob.Min
	if width <= 0 {
		ob.Counts[0] += int64(len(row))
		return
	}
	scale := Bins / width
	for _, v := range row {
		i := int(float32((v - ob.Min) * scale))
		ob.Counts[min(max(i, 0), Bins-1)]++
	}
}

func (ob *Observation) merge(other *Observation) {
	if ob.Counts == nil && other.Min > other.Max {
		return // nothing seen
	}
	if ob.Counts == nil {
		ob.extend([]float32{other.Min, other.Max})
		return
	}
	for i, n := range other.Counts {
		ob.Counts[i] += n
	}
}

// center returns the value in the middle of bin i.
func (ob *Observation) center(i int) float64 {
	return float64(ob.Min) + float64((float64(i)+0.5)*float64(ob.Max-ob.Min)/Bins)
}
