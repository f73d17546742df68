// SPDX-License-Identifier: Apache-2.0

package tune

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
	"strconv"
	"strings"
	"testing"
)

// space has two dimensions; cost of a candidate grows with both.
func space() Space {
	return Space{{"cell", []string{"a", "b", "c"}}, {"units", []string{"1", "2", "4", "8", "16", "32"}}, {"layers", []string{"1", "2"}}}
}

func asked() Asked {
	return Asked{Flags: []string{"--data=x"}, Validation: 0.2, Space: space(), Objective: Cycles, Plan: Plan{Candidates: 18, Rungs: 3, Keep: 3, Epochs: 18}, Seed: 3}
}

// size is the cost of a candidate, and how exact it can become.
func size(c Candidate) float64 {
	units, _ := strconv.Atoi(c["units"])
	layers, _ := strconv.Atoi(c["layers"])
	return float64(units * layers)
}

// measured is a network that learns as 1-exp(-epochs) towards what its size allows; cell b
// learns nothing, at any cost.
func measured(c Candidate, epochs int) Figures {
	n := size(c)
	f := Figures{Cycles: int64(1000 * n), Calls: 1, Sequence: int64(1000 * n), Flash: int(100 * n), SRAM: 64, Milliseconds: n}
	if f.Accuracy = (1 - 1/(1+n)) * (1 - math.Exp(-float64(epochs))); c["cell"] == "b" {
		f.Accuracy = 0.1
	}
	return f
}

func untrained(_ context.Context, c Candidate) (Figures, error) { return measured(c, 0), nil }

func drawn(t *testing.T, a Asked) *Study {
	t.Helper()
	s, err := Draw(t.Context(), a, "data", ByAccuracy, untrained)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// folder is a study's folder in memory.
type folder map[int]*Result

func (f folder) result(n int) (*Result, error) { return f[n], nil }

func (f folder) run(t *testing.T, s *Study, n int) error {
	t.Helper()
	trial, err := s.Trial(n, f.result)
	if err != nil {
		return err
	}
	f[n] = &Result{Trial: n, Rung: trial.Rung, Candidate: trial.Candidate, Values: trial.Values, Epochs: trial.Epochs, Figures: measured(trial.Values, trial.Epochs)}
	return nil
}

func sequential(t *testing.T, s *Study) folder {
	t.Helper()
	f := folder{}
	for n := range s.Plan().Trials() {
		if err := f.run(t, s, n); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

func TestPlan(t *testing.T) {
	p := Plan{Candidates: 27, Rungs: 4, Keep: 3, Epochs: 54}
	var told []string
	for n := range p.Trials() {
		rung, place := p.At(n)
		if place == 0 {
			told = append(told, fmt.Sprintf("%d from trial %d for %d", p.Size(rung), n, p.EpochsAt(rung)))
		}
		if p.First(rung)+place != n {
			t.Errorf("trial %d is at %d, %d", n, rung, place)
		}
	}
	if got, want := strings.Join(told, "; "), "27 from trial 0 for 2; 9 from trial 27 for 6; 3 from trial 36 for 18; 1 from trial 39 for 54"; got != want || p.Trials() != 40 {
		t.Errorf("%d trials, %s; expected 40, %s", p.Trials(), got, want)
	}
	for _, bad := range []Plan{{0, 1, 2, 1}, {1, 0, 2, 1}, {1, 1, 1, 1}, {1, 1, 2, 0}, {1, 17, 2, 1}} {
		if bad.Check() == nil {
			t.Errorf("%+v is accepted", bad)
		}
	}
	if p := (Plan{Candidates: 2, Rungs: 3, Keep: 3, Epochs: 4}); p.Trials() != 4 || p.EpochsAt(0) != 1 {
		t.Errorf("a plan of few has %d trials, the first of %d epochs", p.Trials(), p.EpochsAt(0))
	}
}

// TestDraw: a seed draws the same candidates, none twice, every value about equally often,
// and not those that cannot be within the bounds.
func TestDraw(t *testing.T) {
	a := asked()
	s := drawn(t, a)
	if again := drawn(t, a); !reflect.DeepEqual(s, again) {
		t.Error("the same seed draws another study")
	}
	b := asked()
	b.Seed = 4
	if other := drawn(t, b); reflect.DeepEqual(s.Candidates, other.Candidates) {
		t.Error("another seed draws the same candidates")
	}
	count := map[string]int{}
	seen := map[string]bool{}
	for _, c := range s.Candidates {
		key := strings.Join(a.Space.Args(c), " ")
		if seen[key] {
			t.Errorf("%s is there twice", key)
		}
		seen[key] = true
		count["cell "+c["cell"]]++
	}
	for _, cell := range []string{"a", "b", "c"} {
		if n := count["cell "+cell]; n < 5 || n > 7 {
			t.Errorf("cell %s is drawn %d times of 18", cell, n)
		}
	}
	a.Bounds.Cycles = 8000
	s = drawn(t, a)
	for _, c := range s.Candidates {
		if size(c) > 8 {
			t.Errorf("%v is a candidate at %v thousand cycles", c, size(c))
		}
	}
	for _, r := range s.RuledOut {
		if size(r.Values) <= 8 || !strings.Contains(r.Why, "cycles of a sequence are more than 8800") {
			t.Errorf("%v was ruled out: %s", r.Values, r.Why)
		}
	}
	if len(s.RuledOut) == 0 {
		t.Error("nothing was ruled out")
	}
	a.Bounds.Cycles = 10
	if _, err := Draw(t.Context(), a, "", ByAccuracy, untrained); err == nil || !strings.Contains(err.Error(), "no network of the space can be within the bounds") {
		t.Errorf("hopeless bounds: %v", err)
	}
	a = asked()
	a.Plan.Candidates = 1000
	if s = drawn(t, a); len(s.Candidates) != 36 || s.Plan().Size(0) != 36 {
		t.Errorf("%d candidates of a space of 36", len(s.Candidates))
	}
}

// TestSlack: what is a little above a bound untrained is tried, for trained weights compress
// otherwise; SRAM does not depend on them.
func TestSlack(t *testing.T) {
	b := Bounds{Cycles: 1000, Flash: 1000, SRAM: 1000, Milliseconds: 1}
	for _, c := range []struct {
		f    Figures
		want string
	}{
		{Figures{Sequence: 1099, Flash: 1099, Milliseconds: 1.09, SRAM: 1000}, ""},
		{Figures{Sequence: 1101}, "cycles"},
		{Figures{Flash: 1101}, "flash"},
		{Figures{Milliseconds: 1.2}, "ms"},
		{Figures{SRAM: 1001}, "SRAM"},
	} {
		if got := b.hopeless(c.f); (got == "") != (c.want == "") || !strings.Contains(got, c.want) {
			t.Errorf("%+v: %q, expected %q", c.f, got, c.want)
		}
	}
	if b.Fits(Figures{Sequence: 1001}) || b.Fits(Figures{Failed: "x"}) || !b.Fits(Figures{Sequence: 1000}) {
		t.Error("trained networks have to keep the bounds themselves")
	}
}

// TestHalving: with an accuracy asked for the study ends at the cheapest network that has it;
// without one at the most exact one. Cell b, which learns nothing, is not trained for long.
func TestHalving(t *testing.T) {
	a := asked()
	a.Plan.Candidates = 36
	a.Bounds.Accuracy = 0.85
	s := drawn(t, a)
	f := sequential(t, s)
	all, err := s.All(f.result)
	if err != nil || len(all) != 36+12+4 {
		t.Fatalf("%d results, %v", len(all), err)
	}
	best, ok := s.Best(all)
	if !ok || size(best.Values) != 8 { // 8/9 is the first above 0.85
		t.Errorf("the best is %+v", best)
	}
	for _, r := range all {
		if r.Rung > 1 && r.Values["cell"] == "b" {
			t.Errorf("%v reached rung %d", r.Values, r.Rung)
		}
	}
	a.Bounds.Accuracy = 0
	s = drawn(t, a)
	if all, err = s.All(sequential(t, s).result); err != nil {
		t.Fatal(err)
	}
	if best, ok = s.Best(all); !ok || size(best.Values) != 64 {
		t.Errorf("the most exact is %+v", best)
	}
	a.Bounds.Accuracy = 0.999
	s = drawn(t, a)
	if all, err = s.All(sequential(t, s).result); err != nil {
		t.Fatal(err)
	}
	if best, ok = s.Best(all); ok {
		t.Errorf("%+v is not exact enough", best)
	}
}

// TestAnyOrder: trials in any order, by whoever asks first, give what one after the other
// gives; one whose rung is not decided says which trials it waits for.
func TestAnyOrder(t *testing.T) {
	s := drawn(t, asked())
	want := sequential(t, s)
	for seed := range uint64(5) {
		rng := rand.New(rand.NewPCG(seed, 1))
		f, left := folder{}, rng.Perm(s.Plan().Trials())
		waited := 0
		for len(left) > 0 {
			n := left[0]
			left = left[1:]
			err := f.run(t, s, n)
			var waiting *WaitingError
			switch {
			case errors.As(err, &waiting):
				waited++
				left = append(left, n)
				for _, m := range waiting.Missing {
					if f[m] != nil {
						t.Fatalf("trial %d waits for %d, which is done", n, m)
					}
				}
			case err != nil:
				t.Fatal(err)
			}
		}
		if !reflect.DeepEqual(f, want) {
			t.Errorf("seed %d: another order gives other results", seed)
		}
		if waited == 0 {
			t.Errorf("seed %d: no trial waited", seed)
		}
	}
	_, err := s.Trial(18, folder{}.result)
	if err == nil || !strings.Contains(err.Error(), "trials 0, 1, 2, 3, 4, 5, 6, 7 and 10 more") {
		t.Errorf("trial 18 without results: %v", err)
	}
	if _, err := s.Trial(s.Plan().Trials(), want.result); err == nil || !strings.Contains(err.Error(), "trials 0 to 25") {
		t.Errorf("a trial behind the last: %v", err)
	}
}

func result(candidate int, accuracy float64, cycles int64, flash int) Result {
	return Result{Candidate: candidate, Figures: Figures{Accuracy: accuracy, Sequence: cycles, Flash: flash}}
}

func numbers(list []Result) (n []int) {
	for _, r := range list {
		n = append(n, r.Candidate)
	}
	return n
}

func TestRanked(t *testing.T) {
	s := &Study{Asked: asked()}
	s.Asked.Bounds.Cycles = 100
	list := []Result{
		result(0, 0.9, 90, 0), result(1, 0.8, 50, 0), result(2, 0.85, 95, 0), // 2: 0 is better in both
		result(3, 0.99, 101, 0), // above the bound
		result(4, 0.8, 60, 0),   // 1 is cheaper
		result(5, 0.2, 10, 0),
		{Candidate: 6, Figures: Figures{Failed: "diverged"}},
	}
	if got, want := numbers(s.ranked(list)), []int{0, 1, 5, 2, 4, 3, 6}; !reflect.DeepEqual(got, want) {
		t.Errorf("ranked %v, expected %v", got, want)
	}
	s.Asked.Bounds.Accuracy = 0.75 // 1 is enough, and cheaper than 0
	if got, want := numbers(s.ranked(list)), []int{1, 5, 4, 0, 2, 3, 6}; !reflect.DeepEqual(got, want) {
		t.Errorf("ranked %v with an accuracy that is enough, expected %v", got, want)
	}
}

func TestFront(t *testing.T) {
	s := &Study{Asked: asked()}
	list := []Result{
		result(0, 0.9, 90, 10), result(1, 0.8, 50, 10), result(2, 0.85, 95, 10), // 2 is beaten by 0
		result(3, 0.7, 60, 5), // less flash than 1
		result(4, 0.8, 50, 10),
	}
	if got, want := numbers(s.Front(list)), []int{1, 3, 0}; !reflect.DeepEqual(got, want) {
		t.Errorf("front %v, expected %v", got, want)
	}
	later := result(0, 0.6, 90, 10)
	later.Rung = 1
	if got, want := numbers(s.Front(append(list, later))), []int{1, 3, 2}; !reflect.DeepEqual(got, want) {
		t.Errorf("front %v when candidate 0 turned out worse, expected %v", got, want)
	}
}

func TestFiles(t *testing.T) {
	a := asked()
	a.Bounds = Bounds{Flash: 5000, Accuracy: 0.5}
	s := drawn(t, a)
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Decode("study.json", b)
	if err != nil || !reflect.DeepEqual(again, s) {
		t.Errorf("read back: %v, %+v", err, again)
	}
	for _, c := range []struct{ from, to, want string }{
		{`"format": 1`, `"format": 2`, "format 2, expected 1"},
		{`"keep": 3`, `"keep": 1`, "plan: one of 1"},
		{`"objective": "cycles"`, `"objective": "joy"`, "objective \"joy\""},
		{`"validation": 0.2`, `"validation": 2`, "validation 2"},
		{`"min_accuracy": 0.5`, `"min_accuracy": 50`, "bounds"},
		{`"candidates": 18`, `"candidates": 3`, "18 candidates, expected 1 to 3"},
		{`"data": "data"`, `"date": "data"`, "no study of unroll tune"},
		{`{`, `[`, "no study of unroll tune"},
		{`{`, `{} {`, "more than one value"},
	} {
		if _, err := Decode("study.json", []byte(strings.Replace(string(b), c.from, c.to, 1))); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, expected %s", c.to, err, c.want)
		}
	}
	r := sequential(t, s)[3]
	line, err := r.Encode()
	if err != nil || strings.Count(string(line), "\n") != 1 {
		t.Fatalf("%q, %v", line, err)
	}
	if again, err := s.DecodeResult("3", 3, line); err != nil || !reflect.DeepEqual(again, r) {
		t.Errorf("read back: %v, %+v", err, again)
	}
	for number, want := range map[int]string{4: "expected trial 4", 20: "of rung 1"} {
		if _, err := s.DecodeResult("x", number, line); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("the line of trial 3 for %d: %v", number, err)
		}
	}
	other := r
	other.Values = Candidate{"cell": "a", "units": "64"}
	if line, err := other.Encode(); err != nil {
		t.Fatal(err)
	} else if _, err := s.DecodeResult("3", 3, line); err == nil || !strings.Contains(err.Error(), "of another study") {
		t.Errorf("the line of another candidate: %v", err)
	}
	other = r
	other.Candidate, other.Values = 4, s.Candidates[4]
	if line, err := other.Encode(); err != nil {
		t.Fatal(err)
	} else if _, err := s.DecodeResult("3", 3, line); err == nil || !strings.Contains(err.Error(), "of another study") {
		t.Errorf("the line of another place: %v", err)
	}
	if _, err := s.DecodeResult("3", 3, line[:20]); err == nil || !strings.Contains(err.Error(), "remove it") {
		t.Errorf("half a line: %v", err)
	}
	if _, err := s.DecodeResult("3", 3, append(line, line[:20]...)); err == nil || !strings.Contains(err.Error(), "more than one value") {
		t.Errorf("a line and a half: %v", err)
	}
	for _, b := range []Bounds{{Milliseconds: math.Inf(1)}, {Milliseconds: math.NaN()}, {Milliseconds: -1}, {Accuracy: math.NaN()}, {Cycles: -1}, {Flash: -1}, {SRAM: -1}} {
		a := asked()
		if a.Bounds = b; a.Check() == nil {
			t.Errorf("bounds %+v are accepted", b)
		}
	}
}

// TestLists: a list of layers says cell and window by itself, and the same network is not
// drawn twice for it.
func TestLists(t *testing.T) {
	s := Space{{"cell", []string{"gru", "lstm"}}, {"layers", []string{"1", "conv:8x3,gru:8"}}, {"units", []string{"8"}}, {"window", []string{"1", "2"}}}
	d := s.draw(1)
	var got []string
	for {
		c, ok := d.next()
		if !ok {
			break
		}
		got = append(got, strings.Join(s.Args(c), " "))
	}
	lists := 0
	for _, g := range got {
		if strings.Contains(g, "conv") {
			lists++
			if g != "--layers=conv:8x3,gru:8 --units=8" {
				t.Errorf("%s", g)
			}
		}
	}
	if len(got) != 5 || lists != 1 {
		t.Errorf("drawn: %q", got)
	}
	ranks := Space{{"cell", []string{"gru", "mingru"}}, {"rank", []string{"0", "4"}}}
	names := map[string]bool{}
	for d := ranks.draw(1); ; {
		c, ok := d.next()
		if !ok {
			break
		}
		names[strings.Join(ranks.Args(c), " ")] = true
	}
	if want := map[string]bool{"--cell=gru": true, "--cell=gru --rank=4": true, "--cell=mingru": true}; !reflect.DeepEqual(names, want) {
		t.Errorf("drawn with ranks: %v", names)
	}
	if name := s.Name(Candidate{"cell": "gru", "layers": "1", "units": "8", "window": "2"}); name != "cell gru, layers 1, window 2" {
		t.Errorf("name %q", name)
	}
	for _, bad := range []Space{{{"a", nil}}, {{"a", []string{"1"}}, {"a", []string{"2"}}}, {{"a", []string{"1", "1"}}}, {{"a", []string{""}}}} {
		if bad.Check() == nil {
			t.Errorf("%v is accepted", bad)
		}
	}
}
