// SPDX-License-Identifier: Apache-2.0

package testdata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Recorded compares a text with a file in the testdata of the package under test, line by
// line, or writes the file. Such a file holds what the code said when it was right by other
// tests: a line that differs is a rule that was changed, and the change has to say why.
func Recorded(t testing.TB, name, text string, update bool) {
	t.Helper()
	name = filepath.Join("testdata", name)
	if update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	got, want := strings.Split(text, "\n"), strings.Split(string(b), "\n")
	bad := 0
	for i := range max(len(got), len(want)) {
		var g, w string
		if i < len(got) {
			g = got[i]
		}
		if i < len(want) {
			w = want[i]
		}
		if g == w {
			continue
		}
		if bad++; bad <= 5 {
			t.Errorf("%s:%d: now\n\t%s\nrecorded\n\t%s", name, i+1, g, w)
		}
	}
	if bad > 0 {
		t.Errorf("%s: %d lines differ; write it anew with -update when each of them is meant to", name, bad)
	}
}
