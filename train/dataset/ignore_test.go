// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// Steps with the label to ignore do not count, in arrays and in tables; a network whose
// classes stand in another order gets their numbers, and steps without a label stay so.
func TestIgnoreLabel(t *testing.T) {
	x := floats("x", 2, 3, 1)
	y := &npy.Array{Name: "y", Type: "|i1", Shape: []int{2, 3}, Data: []byte{0, 0xff, 1, 1, 0xff, 0}}
	if _, err := FromArrays("set", x, y); err == nil || !strings.Contains(err.Error(), "--ignore-label=-1") {
		t.Errorf("error %v", err)
	}
	s, err := fromArraysBut("set", x, y, "-1")
	if err != nil {
		t.Fatal(err)
	}
	if s.StepLabel(0, 1) != noLabel || s.StepLabel(0, 2) != 1 || s.Counts()[0] != 2 {
		t.Errorf("labels %v", s.labels)
	}
	flat := &npy.Array{Name: "y", Type: "|i1", Shape: []int{2}, Data: []byte{0, 0xff}}
	if _, err := fromArraysBut("set", x, flat, "-1"); err == nil || !strings.Contains(err.Error(), "sequence 1 has label -1") {
		t.Errorf("error %v", err)
	}

	file := filepath.Join(t.TempDir(), "steps.csv")
	text := "sequence,x,label\n1,0,up\n1,1,none\n1,2,down\n2,3,none\n2,4,none\n3,1,up\n3,2,down\n"
	if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	s, _, err = openCSV(file, Options{IgnoreLabel: "none"}.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	if s.Len() != 2 || len(s.Classes) != 2 || s.StepLabel(0, 1) != noLabel {
		t.Errorf("%d sequences, classes %v, labels %v", s.Len(), s.Classes, s.labels)
	}
	m, _, err := s.MatchClasses(&nn.Network{Classes: []string{"up", "down"}})
	if err != nil {
		t.Fatal(err)
	}
	if m.StepLabel(0, 0) != 0 || m.StepLabel(0, 1) != noLabel || m.StepLabel(0, 2) != 1 {
		t.Errorf("labels %v", m.labels)
	}
}

// A label to ignore that is nowhere is a slip: steps that should not count would.
func TestIgnoreLabelNowhere(t *testing.T) {
	dir := t.TempDir()
	table := filepath.Join(dir, "steps.csv")
	if err := os.WriteFile(table, []byte("sequence,x,label\n1,0,up\n1,1,none\n2,3,down\n2,4,up\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(table, Options{IgnoreLabel: "None"}); err == nil || !strings.Contains(err.Error(), `--ignore-label None: nothing has this label: column "label" has up, none, down`) {
		t.Errorf("error %v", err)
	}
	if _, _, err := Open(table, Options{IgnoreLabel: "none"}); err != nil {
		t.Error(err)
	}
	if _, _, err := OpenSource(t.Context(), NameStreams, Options{IgnoreLabel: "0"}, func(string) {}); err == nil || !strings.Contains(err.Error(), "stream: --ignore-label 0: nothing has this label") {
		t.Errorf("error %v", err)
	}
	y := &npy.Array{Name: "y", Type: "|i1", Shape: []int{2, 3}, Data: []byte{0, 0xff, 1, 1, 0xff, 0}}
	arrays := func(label string, y, test *npy.Array) error {
		all := map[string]*npy.Array{"x_train": floats("x", 2, 3, 1), "y_train": y, "x_test": floats("x", 2, 3, 1), "y_test": test}
		_, _, err := fromArrays("set", all, Options{IgnoreLabel: label})
		return err
	}
	clean := &npy.Array{Name: "y", Type: "|i1", Shape: []int{2, 3}, Data: []byte{0, 1, 1, 1, 1, 0}}
	if err := arrays("-1", clean, y); err != nil { // one part has it
		t.Error(err)
	}
	if err := arrays("7", clean, clean); err == nil || !strings.Contains(err.Error(), "--ignore-label 7: nothing has this label: y holds class numbers up to 1") {
		t.Errorf("error %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "a.wav"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(dir, Options{IgnoreLabel: "x"}); err == nil || !strings.Contains(err.Error(), "are for .csv files and for arrays") {
		t.Errorf("error %v", err)
	}
}

// A mask and lengths that are both there must say the same.
func TestMaskAndLengths(t *testing.T) {
	for name, c := range map[string]struct {
		mask    []byte
		lengths []byte
		want    string
	}{
		"agree, the steps in front":   {[]byte{1, 1, 0, 1, 1, 1}, []byte{2, 3}, ""},
		"agree, padded in front":      {[]byte{0, 1, 1, 1, 1, 1}, []byte{2, 3}, ""},
		"the lengths say more":        {[]byte{1, 1, 0, 1, 1, 1}, []byte{3, 3}, "sequence 0 has length 3, but mask leaves it 2 steps"},
		"not a length for each of it": {[]byte{1, 1, 1, 1, 1, 1}, []byte{3}, "expected a whole number for each of 2 sequences"},
	} {
		all := map[string]*npy.Array{"x": floats("x", 2, 3, 1), "y": {Name: "y", Type: "|i1", Shape: []int{2}, Data: []byte{0, 1}},
			"mask": {Name: "mask", Type: "|u1", Shape: []int{2, 3}, Data: c.mask}, "lengths": {Name: "lengths", Type: "|u1", Shape: []int{len(c.lengths)}, Data: c.lengths}}
		_, _, err := fromArrays("set", all, Options{})
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: error %v, expected %q", name, err, c.want)
		}
	}
}

// Tables that are not read are refused with the command that makes one that is.
func TestOtherTables(t *testing.T) {
	file := filepath.Join(t.TempDir(), "x.parquet")
	if err := os.WriteFile(file, []byte("PAR1"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, _, err := Open(file, Options{}); err == nil || !strings.Contains(err.Error(), "pandas.read_parquet(sys.argv[1]).to_csv(sys.argv[2], index=False)\" "+filepath.ToSlash(file)+" ") {
		t.Errorf("error %v", err)
	}
}
