// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"math/rand/v2"
)

// Streams have a label for every step that no window of a few steps can tell: the
// signal names events, the label is the condition they lead to.
const (
	streamSteps = 48
	streamBands = 8
	eventSteps  = 4
)

// Conditions of a stream.
const (
	streamOff = iota
	streamOn
	streamFault
)

// Streams draws two sets of sequences as a vibration sensor with eight bands would
// give them: noise, and now and then an event of four steps, a rising chirp
// (start), a falling one (stop) or a burst in all bands (shock). The label of a step
// is the condition of the machine: off; on from a start to the next stop; fault
// from a shock while on until the next stop. Between events the signal is the same
// in every condition, so a network must carry its state, also from one call to the
// next. Everything is integer arithmetic, as in Digits.
func Streams(seed uint64, train, test int) (*Set, *Set) {
	return drawStreams("streams train", seed, 0, train), drawStreams("streams test", seed, 1, test)
}

func drawStreams(name string, seed, part uint64, n int) *Set {
	s := &Set{Name: name, Steps: streamSteps, Features: streamBands, Outputs: 3, PerStep: true,
		Classes: []string{"off", "on", "fault"}, n: n}
	for i := range n {
		d := drawer{rng: rand.NewPCG(seed, part<<32|uint64(i)|1<<63)}
		x, labels := d.stream()
		s.pixels = append(s.pixels, x...)
		s.labels = append(s.labels, labels...)
	}
	return s
}

func (d *drawer) stream() (x []uint8, labels []int32) {
	levels := make([]int64, streamSteps*streamBands)
	labels = make([]int32, streamSteps)
	for i := range levels {
		levels[i] = 40 + d.bell(40)
	}
	condition := int32(streamOff)
	for t := 0; t < streamSteps; {
		gap := 3 + int(d.rng.Uint64()%12)
		for range min(gap, streamSteps-t) {
			labels[t] = condition
			t++
		}
		if t+eventSteps > streamSteps {
			for ; t < streamSteps; t++ {
				labels[t] = condition
			}
			break
		}
		kind := d.rng.Uint64() % 3
		loud := 110 + d.sym(40)
		for k := range int64(eventSteps) {
			row := levels[(t+int(k))*streamBands:][:streamBands]
			for band := range int64(streamBands) {
				var centre int64
				switch kind {
				case 0:
					centre = 2 * k
				case 1:
					centre = 2 * (eventSteps - 1 - k)
				default:
					centre = band
				}
				if band == centre || band == centre+1 {
					row[band] += loud + d.sym(25)
				}
			}
			labels[t+int(k)] = condition
		}
		switch {
		case kind == 0 && condition == streamOff:
			condition = streamOn
		case kind == 1:
			condition = streamOff
		case kind == 2 && condition == streamOn:
			condition = streamFault
		}
		// The condition changes with the last step of the event.
		labels[t+eventSteps-1] = condition
		t += eventSteps
	}
	x = make([]uint8, len(levels))
	for i, v := range levels {
		x[i] = uint8(min(max(v, 0), 255))
	}
	return x, labels
}
