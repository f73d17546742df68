// SPDX-License-Identifier: Apache-2.0

package detect

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/lower/facts"
)

// The sums of a detector are those of its last calls, and it reports a class once.
func TestMachine(t *testing.T) {
	d := &facts.Detector{Background: 0, Smooth: 3, Threshold: 0.5, Seconds: 1}
	m := New(d, 3, 1.0/256, -128)
	if Level(d, 1.0/256, -128) != 0 {
		t.Fatalf("level %d", Level(d, 1.0/256, -128))
	}
	p := func(a, b, c int) []int { return []int{a - 128, b - 128, c - 128} }
	calls := [][]int{p(0, 255, 0), p(0, 255, 0), p(0, 0, 255), p(0, 255, 0), p(255, 0, 0), p(255, 0, 0), p(0, 0, 255), p(0, 0, 255), p(250, 0, 0), p(0, 0, 200)}
	// Averages of class 1: 85, 170, 170, 170, 85, 85, 0 …; of class 2 from the seventh: 85, 170, 170, …
	want := []int{None, 1, None, None, None, None, None, 2, None, None}
	for turn := range 2 {
		var got []int
		for _, c := range calls {
			got = append(got, m.Next(c))
		}
		if !slices.Equal(got, want) {
			t.Errorf("turn %d: alarms %v, expected %v", turn, got, want)
		}
		m.Reset()
	}
}

// The counts of a trial, worked out by hand.
func TestTry(t *testing.T) {
	d := &facts.Detector{Background: 0, Smooth: 1, Threshold: 0.5, Seconds: 360}
	out := func(classes ...int) [][]int {
		var rows [][]int
		for _, c := range classes {
			row := []int{0, 0, 0}
			row[c] = 255
			rows = append(rows, row)
		}
		return rows
	}
	s := Stream{Outputs: out(0, 1, 0, 2, 0, 0, 1, 0, 1, 0), Labels: []int{0, 1, 1, 0, 0, 2, 0, 0, -1, 0}}
	// Events: 1 at calls 1 and 2, caught; 2 at call 5, missed. Alarm 2 at call 3 and 1 at
	// call 6 are false, the one at call 8 is not judged.
	if got := Try(d, []Stream{s}, 3, 1.0/256, 0); got.Events != 2 || got.Missed != 1 || got.FalseAlarms != 2 || got.Hours != 0.9 {
		t.Errorf("%+v", got)
	}
}

// Where single calls are noisy, Choose smooths, and keeps within the false alarms.
func TestChoose(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	// The background is certain of class 1 at every other call, an event nearly certain at each.
	stream := func(calls int) Stream {
		var s Stream
		for i := range calls {
			label, high := 0, 255*(i%2)
			if i%100 >= 90 {
				label, high = 1, 240+r.IntN(10)
			}
			s.Outputs, s.Labels = append(s.Outputs, []int{255 - high, high}), append(s.Labels, label)
		}
		return s
	}
	d, err := Choose([]Stream{stream(500)}, 2, 0, 0.1, 1, 1.0/256, 0)
	if err != nil {
		t.Fatal(err)
	}
	got := Try(d, []Stream{stream(2000)}, 2, 1.0/256, 0)
	if d.Smooth != 2 || got.Missed > 0 || got.FalseAlarms > 0 || got.Events != 20 {
		t.Errorf("%+v on other data gives %+v", d, got)
	}
	quiet := Stream{Outputs: [][]int{{255, 0}}, Labels: []int{0}}
	if _, err := Choose([]Stream{quiet}, 2, 0, 1, 1, 1.0/256, 0); err == nil {
		t.Error("chosen without an event")
	}
	noise := Stream{}
	for i := range 600 {
		noise.Outputs, noise.Labels = append(noise.Outputs, []int{128 - 127*(i%2), 128 + 127*(i%2)}), append(noise.Labels, r.IntN(50)/49)
	}
	for i := range noise.Outputs { // certain of class 1 at every other call, right or not
		noise.Outputs[i][1] = 255 * (i / 40 % 2)
	}
	if d, err := Choose([]Stream{noise}, 2, 0, 0.01, 1e-3, 1.0/256, 0); err == nil {
		t.Errorf("%+v was chosen with false alarms beyond the limit", d)
	}
}

func TestFigure(t *testing.T) {
	for v, want := range map[float64]string{0: "0", 0.75: "0.75", 0.012345: "0.0123", 31.84: "31.8", 999.4: "999", 1029.6: "1030", 72000: "72000", math.Inf(1): "+Inf"} {
		if got := Figure(v); got != want {
			t.Errorf("%v is written %s, expected %s", v, got, want)
		}
	}
}
