// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestFullestBegin takes the sequences that begin with something before those that are
// padded in front or start in silence, else in the order of the set.
func TestFullestBegin(t *testing.T) {
	rows := []string{"sequence,x,label"}
	for _, s := range []struct{ name, rows string }{
		{"quiet", "5 5 5 1"}, {"first", "1 2 3 4"}, {"short", "7 8"}, {"second", "2 1 2 1"},
	} {
		for _, x := range strings.Fields(s.rows) {
			rows = append(rows, s.name+","+x+",a")
		}
		rows = append(rows, "b"+s.name+",0,b", "b"+s.name+",0,b", "b"+s.name+",0,b", "b"+s.name+",0,b")
	}
	file := filepath.Join(t.TempDir(), "x.csv")
	if err := os.WriteFile(file, []byte(strings.Join(rows, "\n")+"\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	set, test, err := OpenSource(context.Background(), file, Options{Test: 0.3, Seed: 1, SequenceColumn: "sequence", Label: "label", Standardize: StandardizeOff, By: ByTime, Empty: EmptyPrevious}, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	_ = test
	shape, values := set.Fullest(2)
	if shape[0] != 2 || shape[1] != set.Steps || shape[2] != 1 {
		t.Fatalf("shape %v", shape)
	}
	if values[0] != 1 || values[1] != 2 {
		t.Errorf("values %v: expected the sequence first of all", values)
	}
	last := 0.0
	if _, all := set.Fullest(99); len(all) != set.Len()*set.Steps {
		t.Errorf("%d values of %d sequences", len(all), set.Len())
	} else {
		last = float64(all[len(all)-1])
	}
	if last != 0 {
		t.Errorf("the last sequence ends in %v: expected one that never moves", last)
	}
}
