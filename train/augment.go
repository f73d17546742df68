// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/train/dataset"
)

// Augment is what happens to a sequence anew every time it is trained on. Zero fields do
// nothing.
type Augment struct {
	Shift    int     // it moves by up to so many steps both ways
	Stretch  float64 // its duration changes by up to this fraction both ways
	SNR      float64 // white noise comes in at a signal-to-noise ratio of at least so many dB, at most 20 more
	Steps    int     // up to so many steps in a row become 0 as the network takes them
	Features int     // up to so many features in a row, at all steps
}

// AugmentHelp says how ParseAugment wants it written.
const AugmentHelp = "shift=N (up to N steps both ways), stretch=P% (of the duration), snr=DB (white noise of at least that signal-to-noise ratio), steps=N and features=N (up to N in a row are blanked), with commas between them"

// ParseAugment reads a list as AugmentHelp describes it.
func ParseAugment(text string) (Augment, error) {
	var a Augment
	if text == "" {
		return a, nil
	}
	for _, part := range strings.Split(text, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		number, percent := strings.CutSuffix(value, "%")
		v, err := strconv.ParseFloat(number, 64)
		if err != nil || !(v > 0) || math.IsInf(v, 0) {
			return a, fmt.Errorf("%q: expected %s", part, AugmentHelp)
		}
		if percent {
			v /= 100
		}
		whole := v == math.Trunc(v) && v <= maxWindow && !percent
		switch {
		case name == "shift" && whole:
			a.Shift = int(v)
		case name == "steps" && whole:
			a.Steps = int(v)
		case name == "features" && whole:
			a.Features = int(v)
		case name == "snr" && !percent && v <= 120:
			a.SNR = v
		case name == "stretch" && percent && v <= 0.5:
			a.Stretch = v
		default:
			return a, fmt.Errorf("%q: expected %s; at most 50 %% and %d", part, AugmentHelp, maxWindow)
		}
	}
	return a, nil
}

// String writes it as ParseAugment reads it.
func (a Augment) String() string {
	var all []string
	add := func(on bool, format string, v any) {
		if on {
			all = append(all, fmt.Sprintf(format, v))
		}
	}
	add(a.Shift > 0, "shift=%d", a.Shift)
	add(a.Stretch > 0, "stretch=%v%%", 100*a.Stretch)
	add(a.SNR > 0, "snr=%v", a.SNR)
	add(a.Steps > 0, "steps=%d", a.Steps)
	add(a.Features > 0, "features=%d", a.Features)
	return strings.Join(all, ",")
}

// nowhere is the source of a step that no step of the sequence moves to.
const nowhere = -1

// draw is what one drawing does to one sequence.
type draw struct {
	from          []float64 // of every step, in steps of the sequence as it is; nowhere is padding
	steps, bands  [2]int    // blanked: first and after
	noise         float64   // deviation, in deviations of a feature over the sequence
	rng           *rand.Rand
	moved, active bool
}

// draw draws for sequence i of a set, a function of seed, epoch and sequence alone. d keeps its
// memory.
func (a Augment) draw(d *draw, s *dataset.Set, i, epoch int, seed uint64) {
	d.active = a != Augment{}
	if !d.active {
		return
	}
	d.rng = rand.New(rand.NewPCG(seed^streamAugment<<56, uint64(epoch)<<32|uint64(i)))
	shift, speed := 0.0, 1.0
	if a.Shift > 0 {
		shift = float64(d.rng.IntN(2*a.Shift+1) - a.Shift)
	}
	if a.Stretch > 0 {
		speed = 1 / (1 + a.Stretch*(2*d.rng.Float64()-1))
	}
	if d.moved = shift != 0 || speed != 1; d.moved {
		first, last := float64(s.Steps-s.Length(i)), float64(s.Steps-1)
		d.from = d.from[:0]
		for t := range s.Steps { // sequences are stretched from their end on, where they are read
			at := last - float64((last-float64(t))*speed) - shift
			if at < first-0.5 || at > last+0.5 {
				at = nowhere
			} else {
				at = min(max(at, first), last)
			}
			d.from = append(d.from, at)
		}
	}
	run := func(most, of int) [2]int {
		if most = min(most, of); most == 0 {
			return [2]int{}
		}
		n := d.rng.IntN(most + 1)
		at := d.rng.IntN(of - n + 1)
		return [2]int{at, at + n}
	}
	d.steps, d.bands = run(a.Steps, s.Steps), run(a.Features, s.Features)
	if d.noise = 0; a.SNR > 0 {
		d.noise = math.Pow(10, -(a.SNR+20*d.rng.Float64())/20)
	}
}

// move writes the rows of a sequence, moved, to other. pad is what is in front of sequences.
func (d *draw) move(other, x []float32, features int, pad []float32) {
	for t, from := range d.from {
		row := other[t*features:][:features]
		if from == nowhere {
			clear(row)
			copy(row, pad)
			continue
		}
		at := int(from)
		part := float32(from - float64(at))
		a := x[at*features:][:features]
		copy(row, a)
		if part > 0 {
			for j, v := range x[(at+1)*features:][:features] {
				row[j] += float32(part * (v - a[j]))
			}
		}
	}
}

// source returns the step whose label step t has, or -1 for none.
func (d *draw) source(t int) int {
	if !d.active || !d.moved {
		return t
	}
	if d.from[t] == nowhere {
		return nowhere
	}
	return int(math.Round(d.from[t]))
}

// hiss adds noise to the own rows of a sequence, feature by feature in proportion to how
// much the feature changes in it.
func (d *draw) hiss(x []float32, features, first int) {
	if d.noise == 0 {
		return
	}
	rows := len(x)/features - first
	for j := range features {
		sum, square := 0.0, 0.0
		for t := first; t < first+rows; t++ {
			sum += float64(x[t*features+j])
		}
		mean := sum / float64(rows)
		for t := first; t < first+rows; t++ {
			v := float64(x[t*features+j]) - mean
			square += float64(v * v)
		}
		deviation := math.Sqrt(square/float64(rows)) * d.noise
		for t := first; t < first+rows; t++ {
			x[t*features+j] += float32(deviation * d.rng.NormFloat64())
		}
	}
}

// blank clears what is masked of row t.
func (d *draw) blank(row []float32, t int) {
	if t >= d.steps[0] && t < d.steps[1] {
		clear(row)
	}
	clear(row[d.bands[0]:d.bands[1]])
}

// moveTargets moves targets of steps as the steps moved; steps from nowhere have none.
func (d *draw) moveTargets(targets []float32, outputs int) {
	was := append([]float32(nil), targets...)
	for t := range d.from {
		for k := range outputs {
			v := float32(math.NaN())
			if from := d.source(t); from >= 0 {
				v = was[from*outputs+k]
			}
			targets[t*outputs+k] = v
		}
	}
}
