// SPDX-License-Identifier: Apache-2.0

package testdata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
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
	if d := cmp.Diff(strings.Split(string(b), "\n"), strings.Split(text, "\n")); d != "" {
		t.Errorf("%s differs; write it anew with -update when each of the lines is meant to (-recorded +now):\n%s", name, d)
	}
}
