// SPDX-License-Identifier: Apache-2.0

// Package detect makes alarms of the decisions of a network that runs without end: the
// probabilities of the last calls are averaged, and a class whose average reaches a
// threshold is reported once, until another one does or none reaches it any more.
//
// In come the integers of the output, call by call, since the generated C works on the same
// ones; Choose finds smoothing and threshold on sequences that the network has not seen.
package detect

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/figures"
)

// None is the result of a call without an alarm.
const None = -1

// Machine is the detector at work.
type Machine struct {
	background, zero int
	level            int64 // of a sum over the last calls
	rows             [][]int
	sums             []int64
	at               int
	held             int // the class that was reported last and has not ended, or None
}

// New makes a detector for outputs of so many classes with real = scale*(value-zero). It begins
// as if all calls before had given probability 0.
func New(d *facts.Detector, classes int, scale float64, zero int) *Machine {
	m := &Machine{background: d.Background, zero: zero, level: Level(d, scale, zero), sums: make([]int64, classes)}
	for range d.Smooth {
		m.rows = append(m.rows, make([]int, classes))
	}
	m.Reset()
	return m
}

// Level returns the least sum of a class over d.Smooth calls that is an alarm.
func Level(d *facts.Detector, scale float64, zero int) int64 {
	return int64(math.Ceil(float64(d.Smooth) * (float64(zero) + d.Threshold/scale)))
}

// Reset begins anew.
func (m *Machine) Reset() {
	for i := range m.sums {
		for _, row := range m.rows {
			row[i] = m.zero
		}
		m.sums[i] = int64(m.zero * len(m.rows))
	}
	m.at, m.held = 0, None
}

// Next takes the output of a call and returns the class of an alarm, or None.
func (m *Machine) Next(output []int) int {
	row, best := m.rows[m.at], None
	for i, v := range output {
		m.sums[i] += int64(v - row[i])
		row[i] = v
		if i != m.background && (best == None || m.sums[i] > m.sums[best]) {
			best = i
		}
	}
	m.at = (m.at + 1) % len(m.rows)
	if best == None || m.sums[best] < m.level {
		m.held = None
		return None
	}
	if best == m.held {
		return None
	}
	m.held = best
	return best
}

// Stream is what a network gave, call by call, from a reset on, and what was right. A label of
// -1 is not known: an alarm there is not judged.
type Stream struct {
	Outputs [][]int
	Labels  []int
}

// Trial is how a detector did.
type Trial struct {
	Events, Missed int     // runs of calls of one class that is not the background
	FalseAlarms    int     // alarms of a class outside its events and the calls right after
	Hours          float64 // of calls that were judged
}

// MissRate returns the fraction of events without an alarm.
func (t Trial) MissRate() float64 { return float64(t.Missed) / math.Max(float64(t.Events), 1) }

// PerHour returns the false alarms an hour.
func (t Trial) PerHour() float64 { return float64(t.FalseAlarms) / t.Hours }

// Figure writes a rate or hours in three digits.
func Figure(v float64) string { return figures.Digits(v, 3) }

// Try runs a detector over streams, reset before each.
func Try(d *facts.Detector, streams []Stream, classes int, scale float64, zero int) Trial {
	var t Trial
	m := New(d, classes, scale, zero)
	calls := 0
	for _, s := range streams {
		m.Reset()
		caught := make([]bool, len(s.Labels)) // by the first call of an event
		var first []int                       // of every call, of the event that it is in or right after, or -1
		for i, l := range s.Labels {
			at := None
			switch {
			case l < 0:
			case i > 0 && l == s.Labels[i-1] && l != d.Background:
				at = first[i-1]
			case l != d.Background:
				at = i
				t.Events++
			}
			first = append(first, at)
			if l >= 0 {
				calls++
			}
		}
		for i, out := range s.Outputs {
			alarm := m.Next(out)
			if alarm == None || s.Labels[i] < 0 {
				continue
			}
			hit := false
			for back := 0; back <= d.Smooth && back <= i && !hit; back++ {
				if at := first[i-back]; at >= 0 && s.Labels[i-back] == alarm {
					caught[at], hit = true, true
				}
			}
			if !hit {
				t.FalseAlarms++
			}
		}
		for i, at := range first {
			if at == i && !caught[i] {
				t.Missed++
			}
		}
	}
	t.Hours = float64(calls) * d.Seconds / 3600
	return t
}

// smoothings are the numbers of calls that are averaged.
var smoothings = []int{1, 2, 3, 4, 6, 8, 12, 16, 24, 32}

// thresholds is the number of them that are tried, evenly from 0 to 1.
const thresholds = 100

// Choose finds the smoothing and the threshold with the fewest missed events among those with at
// most so many false alarms an hour; between equals that with fewer false alarms, then with
// less smoothing, then the middle one of the thresholds.
func Choose(streams []Stream, classes, background int, seconds, perHour, scale float64, zero int) (*facts.Detector, error) {
	var best *facts.Detector
	var found Trial
	least := math.Inf(1)
	for _, smooth := range smoothings {
		var equal []*facts.Detector
		for n := 1; n < thresholds; n++ {
			d := &facts.Detector{Background: background, Smooth: smooth, Threshold: float64(n) / thresholds, Seconds: seconds}
			t := Try(d, streams, classes, scale, zero)
			if t.Events == 0 {
				return nil, fmt.Errorf("no class but the background is in the sequences that were kept back: there is nothing to detect")
			}
			least = math.Min(least, t.PerHour())
			if t.PerHour() > perHour {
				continue
			}
			better := best == nil || t.Missed < found.Missed || t.Missed == found.Missed && t.FalseAlarms < found.FalseAlarms
			if better {
				found, equal = t, nil
			} else if len(equal) == 0 || t.Missed != found.Missed || t.FalseAlarms != found.FalseAlarms {
				continue
			}
			equal = append(equal, d)
			best = equal[len(equal)/2]
		}
	}
	if best == nil {
		return nil, fmt.Errorf("no threshold keeps to %s false alarms an hour, the least is %s: accept more, or train the network better", Figure(perHour), Figure(least))
	}
	return best, nil
}
