// SPDX-License-Identifier: Apache-2.0

package facts

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRoundTrip(t *testing.T) {
	f := &Facts{
		Task: Classification, Classes: []string{"a", "b"}, Steps: 4, PerStep: true, Mean: []float32{1, 2}, Std: []float32{0.5, 3},
		Data:        &Data{Source: "x y.csv", SHA256: "00", Seed: math.MaxUint64, Test: 0.25, Label: "kind", Columns: []string{"u", "v"}},
		Calibration: &Calibration{Source: "x y.csv", Sequences: 50, SHA256: "01"},
		Figures:     map[string]float64{"loss": 0.25}, Assumed: []string{"tanh"},
	}
	b, err := f.Encode()
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode("m", append(b, 0, 0, 0)) // buffers may be padded
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(f, got); diff != "" {
		t.Error(diff)
	}
	if got, err := Decode("m", nil); got != nil || err != nil {
		t.Errorf("no facts: %v, %v", got, err)
	}
}

func TestDecodeErrors(t *testing.T) {
	for text, want := range map[string]string{
		`{`:                           "unexpected end",
		`{"task":"guess"}`:            `task is "guess"`,
		`{"mean":[1]}`:                "1 means and 0 deviations",
		`{"mean":[1,2],"std":[1,0]}`:  "feature 1 has mean 2 and deviation 0",
		`{"mean":[1,2],"std":[-1,1]}`: "deviation -1",
		`{"steps":-1}`:                "-1 steps",
	} {
		if _, err := Decode("file.tflite", []byte(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.HasPrefix(err.Error(), "file.tflite: ") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestStandardize(t *testing.T) {
	f := &Facts{Mean: []float32{1, 10}, Std: []float32{2, 5}}
	x := []float32{3, 10, 1, 20}
	f.Standardize(x)
	if diff := cmp.Diff([]float32{1, 0, 0, 2}, x); diff != "" {
		t.Error(diff)
	}
	if f.Fits(2) != nil || f.Fits(3) == nil || (*Facts)(nil).Fits(9) != nil {
		t.Error("Fits")
	}
}
