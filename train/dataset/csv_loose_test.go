// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Tables that lie side by side say how they are made what is read.
func TestLooseTables(t *testing.T) {
	for _, c := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"labels inside", map[string]string{"1.csv": "x,label\n1,u\n", "2.csv": "x,label\n1,v\n"}, `1.csv has its label in column "label", and the class of a table in a folder is the folder`},
		{"a class a table", map[string]string{"up.csv": "sequence,x\n1,1\n", "down.csv": "sequence,x\n1,1\n"}, `down.csv has the sequences of column "sequence", and in a folder every table is one sequence`},
		{"classes in names", map[string]string{"up_1.csv": "x\n1\n", "down_1.csv": "x\n1\n"}, "--label-pattern"},
	} {
		dir := t.TempDir()
		for name, text := range c.files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		if _, _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, expected %q", c.name, err, c.want)
		}
	}
}

// What a run that was ended left in the cache goes with the next one; what another run may be
// writing stays.
func TestAbandonedParts(t *testing.T) {
	dir := t.TempDir()
	old, fresh := filepath.Join(dir, "images.1.part"), filepath.Join(dir, "images.2.part")
	for _, f := range []string{old, fresh} {
		if err := os.WriteFile(f, []byte("half"), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-2 * abandoned)
	if err := os.Chtimes(old, then, then); err != nil {
		t.Fatal(err)
	}
	if err := keep(dir, "images", []byte("whole")); err != nil {
		t.Fatal(err)
	}
	if exists(old) || !exists(fresh) || !exists(filepath.Join(dir, "images")) {
		t.Errorf("old part there: %v, fresh part there: %v", exists(old), exists(fresh))
	}
}

// The echo counts one of a thing as one, writes large numbers without exponents and cuts names.
func TestEchoOfFigures(t *testing.T) {
	long := strings.Repeat("very_", 20) + "long"
	set, err := readCSV("t.csv", strings.NewReader("sequence,x,label\n1,1000000,"+long+"\n2,2500000,"+long+"\n"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	var said strings.Builder
	Describe(set, nil, set, func(line string) { said.WriteString(line + "\n") })
	for _, want := range []string{"1 step of 1 feature", `feature "x": 1000000 to 2500000, mean 1750000, deviation 750000`, "1 class, sequences: very_very_very_very_very_v"} {
		if !strings.Contains(said.String(), want) {
			t.Errorf("not said: %q in\n%s", want, said.String())
		}
	}
	if strings.Contains(said.String(), long) {
		t.Errorf("a long name is shown whole:\n%s", said.String())
	}
}
