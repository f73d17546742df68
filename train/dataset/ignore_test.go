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
	s, err = openCSV(file, Options{IgnoreLabel: "none"}.withDefaults())
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
