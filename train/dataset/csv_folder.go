// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"fmt"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// tables are files of which each is a sequence.
var tables = &kind{ends: []string{".csv", ".tsv"}, one: "table"}

// openTables reads a folder with a table for every sequence, a row a step, in a folder that is
// its class, or named by a list, as recordings are. All have the same columns.
func openTables(dir string, o Options) (train, test *Set, err error) {
	if err := o.forTables(dir); err != nil {
		return nil, nil, err
	}
	files, notes, err := recordings(dir, o, tables)
	if err != nil {
		return nil, nil, err
	}
	t, err := readTables(dir, files, o)
	if err != nil {
		return nil, nil, err
	}
	all, err := t.finish()
	if err != nil {
		return nil, nil, err
	}
	all.Notes = append(notes, all.Notes...)
	kept := make([]recording, len(t.kept))
	for at, i := range t.kept {
		kept[at] = files[i]
	}
	return all.ofFiles(kept, o)
}

// forTables refuses what says nothing to a folder of tables.
func (o Options) forTables(dir string) error {
	for _, f := range []struct {
		flag  string
		given bool
	}{
		{"--sequence-column", o.SequenceColumn != "" && o.SequenceColumn != "sequence"},
		{"--label-column", o.Label != "" && o.Label != "label"},
		{"--group-column", o.Group != ""},
		{"--row-sequences", o.RowSequences},
		{"--split-column", o.Split != "" && o.Split != NoSplit},
	} {
		if f.given {
			return fmt.Errorf("%s: %s is for one table with all sequences; here every table is a sequence, and its folder the class (--label-pattern and --group-pattern take others from its path)", dir, f.flag)
		}
	}
	if o.Sounds.Features != "" || o.Sounds.Rate != 0 {
		return fmt.Errorf("%s: features of sound are for a folder of .wav files, and here are tables", dir)
	}
	return nil
}

// readTables reads all rows of all files.
func readTables(dir string, files []recording, o Options) (*table, error) {
	t := &table{file: dir, o: o}
	var names []string
	size := int64(0)
	for i := range files {
		f := &files[i]
		t.file = filepath.Join(dir, filepath.FromSlash(f.path))
		raw, err := budget.ReadFile(t.file)
		if err != nil {
			return nil, err
		}
		if size += int64(len(raw)); size > maxCSV {
			return nil, fmt.Errorf("%s: more than %.0f GB of text, which are read into memory: keep fewer rows, or make x.npy and y.npy of it", dir, float64(maxCSV)/1e9)
		}
		if err := budget.Ask(t.file, size); err != nil {
			return nil, err
		}
		r, header, err := t.begin(bytes.NewReader(raw))
		if err != nil {
			return nil, err
		}
		bare := t.bare(header)
		if bare {
			header = numbered(len(header))
			if r, _, err = t.begin(bytes.NewReader(append([]byte(strings.Join(header, string(t.separator))+"\n"), withoutMark(raw)...))); err != nil {
				return nil, err
			}
			t.above--
		}
		header = trimmed(header)
		if i == 0 {
			t.columns = &columns{header: header, group: -1, split: -1}
			if t.columns, t.notes, err = t.choose(t.file, o, t.find); err != nil {
				return nil, err
			}
			if err := t.unclear(t.file, o); err != nil {
				return nil, err
			}
			if bare {
				t.notes = append(t.notes, "the tables have no names of columns: they are called 0, 1, …")
			}
			t.asRead()
			t.prepare()
			names = header
		} else if !slices.Equal(header, names) {
			return nil, fmt.Errorf("%s: columns %s, and %s has %s: all tables must have the same", t.file, shown(header), files[0].path, shown(names))
		}
		before := len(t.labels)
		if err := t.rows(r, f); err != nil {
			return nil, err
		}
		if len(t.labels) == before {
			return nil, fmt.Errorf("%s: no rows after the header: remove the file", t.file)
		}
	}
	t.file = dir
	return t, nil
}

// find refuses groups and labels by columns, which a file with one sequence does not have.
func (t *table) find(string, string, string, []string) (int, error) { return -1, nil }

// bare reports whether a first row holds numbers alone, and no names.
func (t *table) bare(header []string) bool {
	return !slices.ContainsFunc(header, func(h string) bool { return !t.isNumber(h) })
}

func withoutMark(raw []byte) []byte { return bytes.TrimPrefix(raw, []byte(byteOrderMark)) }

func trimmed(header []string) []string {
	names := make([]string, len(header))
	for i, h := range header {
		names[i] = strings.TrimSpace(strings.TrimPrefix(h, "\ufeff"))
	}
	return names
}
