// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Every sequence is judged once and never by what was trained on it, in every way to divide.
func TestFolds(t *testing.T) {
	var text strings.Builder
	text.WriteString("sequence,x,label,who\n")
	for i := range 60 {
		fmt.Fprintf(&text, "%d,%d,%c,p%d\n%d,%d,%c,p%d\n", i, i, 'a'+rune(i%3), i/6, i, i, 'a'+rune(i%3), i/6)
	}
	file := filepath.Join(t.TempDir(), "f.csv")
	if err := os.WriteFile(file, []byte(text.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, by := range []string{ByClass, ByTime, ByLot, ByGroup} {
		o := Options{By: by, Standardize: StandardizeOn, Ignore: []string{"who"}}
		if by == ByGroup {
			o.Ignore, o.Group = nil, "who"
		}
		train, test, err := Open(file, o)
		if err != nil {
			t.Fatal(err)
		}
		folds, err := Folds(train, test, 5, 3)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[float32]int{}
		row := make([]float32, 2)
		for _, f := range folds {
			if f.Train.Len()+f.Test.Len() != 60 || f.Test.Len() != 12 {
				t.Errorf("%s: %d and %d sequences", by, f.Train.Len(), f.Test.Len())
			}
			if by == ByGroup && sharesGroups(f.Train, f.Test) {
				t.Error("a group is in both parts")
			}
			if counts := f.Test.Counts(); by == ByClass && (counts[0] != 4 || counts[2] != 4) {
				t.Errorf("classes of a fold: %v", counts)
			}
			if f.Train.Mean[0] == train.Mean[0] && by != ByTime { // whose last fold is the test part
				t.Errorf("%s: the fold has the constants of the whole", by)
			}
			in := map[float32]bool{}
			for i := range f.Train.Len() {
				f.Train.Sample(i, row)
				in[row[0]] = true
			}
			for i := range f.Test.Len() {
				f.Test.Sample(i, row)
				if seen[row[0]]++; in[row[0]] {
					t.Errorf("%s: sequence %v is in both parts", by, row[0])
				}
			}
		}
		if len(seen) != 60 {
			t.Errorf("%s: %d of 60 sequences are judged", by, len(seen))
		}
		if _, err := Folds(train, test, 61, 3); err == nil {
			t.Error("61 folds of 60 sequences")
		}
		if _, err := Folds(train, test, 11, 3); by == ByGroup && (err == nil || !strings.Contains(err.Error(), "11 folds of 10 groups")) {
			t.Errorf("error %v", err)
		}
	}
	train, test := Digits(1, 20, 5) // a test part of its own stays apart
	folds, err := Folds(train, test, 4, 1)
	if err != nil || folds[0].Train.Len()+folds[0].Test.Len() != 20 {
		t.Errorf("error %v", err)
	}
}
