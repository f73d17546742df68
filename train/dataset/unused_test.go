// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// An option that says nothing to the data is refused, and all that say something are taken.
func TestUnused(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{"t.csv": "x", "a.npz": "x", "npy/X.npy": "x", "parts/train.csv": "x", "parts/test.csv": "x", "many/up/1.csv": "x", "sounds/up/1.wav": "x", "idx/train-images-idx3-ubyte": "x", "odd.bin": "x"} {
		put(t, filepath.Join(dir, filepath.FromSlash(name)), []byte(text))
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	if _, err := os.Stat(in("many")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		source string
		o      Options
		want   string
	}{
		{in("t.csv"), Options{SequenceColumn: "id", Label: "y", Group: "g", Split: "s", Features: []string{"x"}, Ignore: []string{"z"}, Empty: EmptyZero, Length: 3}, ""},
		{in("parts"), Options{SequenceColumn: "id"}, ""},
		{in("many"), Options{Features: []string{"x"}, Empty: EmptyZero}, ""},
		{in("a.npz"), Options{Layout: "nft", Length: 3}, ""},
		{in("sounds"), Options{Length: 3}, ""},
		{in("odd.bin"), Options{Layout: "nft"}, ""}, // Open says what is wrong
		{in("nothing.csv"), Options{Layout: "nft"}, ""},
		{in("t.csv"), Options{Layout: "nft"}, "--layout is for arrays, and "},
		{in("many"), Options{Layout: "nft"}, "a folder with a table for every sequence"},
		{in("a.npz"), Options{Group: "g"}, `is arrays: leave it out; groups are an array "group"`},
		{in("npy"), Options{RowSequences: true}, "say --layout nt"},
		{in("a.npz"), Options{Split: "s"}, "--split-column is for a table"},
		{in("sounds"), Options{Ignore: []string{"x"}}, "--ignore is for a table, and "},
		{in("idx"), Options{Length: 3}, "is pictures: leave it out"},
		{NameDigits, Options{Label: "y"}, "digits is an embedded set"},
	} {
		if err := Unused(c.source, c.o); (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s with %+v: %v, want %q", c.source, c.o, err, c.want)
		}
	}
}
