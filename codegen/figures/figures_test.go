// SPDX-License-Identifier: Apache-2.0

package figures

import (
	"strings"
	"testing"
)

func read(t *testing.T, text string) Set {
	t.Helper()
	s, err := Read("figures.json", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestCompare(t *testing.T) {
	before := read(t, `{"accelerator": "ethos-u55-128", "cycles": 1000, "flash_bytes": 50, "int8_accuracy": 0.95, "rmse": null, "npu_ops": 7, "cycles_by": {"mac": 3}}`)
	for _, test := range []struct {
		now       string
		tolerance float64
		worse     string // names that regress
	}{
		{`{"accelerator": "ethos-u55-128", "cycles": 1000, "flash_bytes": 50, "quantized_accuracy": 0.95}`, 0, ""},
		{`{"accelerator": "ethos-u55-128", "cycles": 900, "flash_bytes": 10, "quantized_accuracy": 0.99}`, 0, ""},
		{`{"accelerator": "ethos-u55-128", "cycles": 1001, "flash_bytes": 50, "quantized_accuracy": 0.9499}`, 0, "cycles quantized_accuracy"},
		{`{"accelerator": "ethos-u55-128", "cycles": 1001, "flash_bytes": 51, "quantized_accuracy": 0.9499}`, 0.01, "flash_bytes"},
		{`{"accelerator": "ethos-u55-128", "cycles": 1000, "flash_bytes": 50, "quantized_accuracy": 0.94996}`, 0, ""},
		{`{"accelerator": "ethos-u55-128", "cycles": 1000, "flash_bytes": 50}`, 0, "quantized_accuracy"},
	} {
		list, err := Compare(before, read(t, test.now), test.tolerance)
		if err != nil {
			t.Fatal(err)
		}
		var worse []string
		for _, c := range list {
			if c.Regressed {
				worse = append(worse, c.Name)
			}
		}
		if got := strings.Join(worse, " "); got != test.worse || Regressed(list) != (test.worse != "") {
			t.Errorf("%s, tolerance %g: %q regress, expected %q: %v", test.now, test.tolerance, got, test.worse, list)
		}
	}
	if _, err := Compare(before, read(t, `{"accelerator": "ethos-u65-256", "cycles": 1}`), 0); err == nil || !strings.Contains(err.Error(), "same accelerator") {
		t.Errorf("error %v", err)
	}
}

func TestRead(t *testing.T) {
	for text, want := range map[string]string{
		`[]`: "one JSON object", `{"cycles": "many"}`: "cycles: expected a number", `{"accelerator": 3}`: "accelerator", `{"ops": 3}`: "no figure",
	} {
		if _, err := Read("figures.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "figures.json") {
			t.Errorf("%s: error %v, expected one with %q", text, err, want)
		}
	}
	s := read(t, `{"cycles": 5, "r2": 0.5}`)
	b, err := s.Encode()
	if err != nil {
		t.Fatal(err)
	}
	again := read(t, string(b))
	if again.Values["cycles"] != 5 || again.Values["r2"] != 0.5 {
		t.Errorf("%s reads as %v", b, again)
	}
}
