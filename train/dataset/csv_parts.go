// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// parted is what a table says of the parts that its sequences are in.
type parted struct {
	parts []part // of each sequence
	here  part   // of all sequences of the file that is read …
	files bool   // … where each file is a part

	none  bool  // a cell of the column names no part
	mixed error // a sequence is in two parts
}

// findSplit finds the column that says which part a sequence is in: the one that was named, or
// one of a usual name, which stays a candidate until its cells are read.
func (c *columns) findSplit(file string, o Options, find finder, taken []int) ([]int, error) {
	if o.Split == NoSplit && !slices.Contains(c.header, NoSplit) {
		return taken, nil
	}
	var err error
	if c.split, err = find("--split-column", o.Split, "", splitNames); err != nil || c.split < 0 {
		return taken, err
	}
	name := c.header[c.split]
	switch {
	case o.Split != "" && slices.Contains(taken, c.split):
		return nil, fmt.Errorf("%s: --split-column %s: that column is the sequence, the label or the group", file, name)
	case o.Split != "":
		return append(taken, c.split), nil
	case slices.Contains(taken, c.split) || slices.Contains(o.Features, name) || slices.Contains(o.Ignore, name):
		c.split = -1
	}
	return taken, nil
}

// divides reports whether a column says which part each sequence is in.
func (t *table) divides() bool { return t.split >= 0 && !t.none }

// see notes the part of a row's sequence.
func (p *parted) see(t *table, record []string, begins bool, line int) error {
	if p.files {
		if begins {
			p.parts = append(p.parts, p.here)
		}
		return nil
	}
	if t.split < 0 || p.none {
		return nil
	}
	cell := strings.TrimSpace(record[t.split])
	is, known := partOf(cell)
	if !known {
		if t.o.Split != "" {
			return fmt.Errorf("%s: line %d: column %q is %q: expected one of %s", t.file, line, t.header[t.split], cell, allParts())
		}
		p.none = true // a measured value, or whatever it is
		return nil
	}
	if begins {
		p.parts = append(p.parts, is)
	} else if was := p.parts[len(p.parts)-1]; was != is && p.mixed == nil {
		p.mixed = fmt.Errorf("%s: line %d: a row of column %q is %q, and rows of its sequence before it are of the part %q: a sequence is in one part (--split-column %s takes the column for none)",
			t.file, line, t.header[t.split], cell, partWords[was][0], NoSplit)
	}
	return nil
}

// disagree returns the error of a sequence that is in two parts, where parts count.
func (p *parted) disagree() error {
	if p.none {
		return nil
	}
	return p.mixed
}

func allParts() string {
	var all []string
	for _, words := range partWords {
		all = append(all, words...)
	}
	return strings.Join(all, ", ")
}

// divide makes the parts that the table says.
func (t *table) divide(all *Set) (train, test *Set, err error) {
	if !t.files && !t.divides() {
		return all, nil, nil
	}
	where := "the files"
	if !t.files {
		where = fmt.Sprintf("column %q", t.header[t.split])
	}
	of := make([]part, len(t.kept))
	var counts [len(partWords)]int
	for at, i := range t.kept {
		of[at] = t.parts[i]
		counts[of[at]]++
	}
	all.Notes = append(all.Notes, fmt.Sprintf("parts are those of %s: %d sequences to train on, %d to validate, %d to test", where, counts[trainPart], counts[heldPart], counts[testPart]))
	return all.byParts(of, where)
}

// partTable is a table with the sequences of one part.
type partTable struct {
	name string
	part part
}

// tablesOfParts returns the tables train.csv and the like of a folder and the names of those beside
// them, nil where it is no folder of such: they are there for training and for something else,
// and below the folder nothing is that would be a sequence.
func tablesOfParts(dir string) (all []partTable, others []string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil
	}
	var has [len(partWords)]bool
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."):
		case e.IsDir():
			if in := filepath.Join(dir, name); tables.within(in) || sounds.within(in) {
				return nil, nil
			}
		case tables.is(name):
			p, known := partOf(strings.TrimSuffix(name, filepath.Ext(name)))
			if !known {
				others = append(others, name)
				continue
			}
			all = append(all, partTable{name, p})
			has[p] = true
		case sounds.is(name):
			return nil, nil
		}
	}
	if !has[trainPart] || len(all) < 2 {
		return nil, nil
	}
	slices.SortStableFunc(all, func(a, b partTable) int { return int(a.part) - int(b.part) })
	return all, others
}

// lone returns the one table of a folder that has nothing else that would be data; "" where there
// are more or none.
func lone(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	found := ""
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."):
		case e.IsDir() || sounds.is(name):
			return ""
		case tables.is(name):
			if found != "" {
				return ""
			}
			found = filepath.Join(dir, name)
		}
	}
	return found
}

// openPartTables reads a folder with a table for each part.
func openPartTables(dir string, o Options) (train, test *Set, err error) {
	if o.Split != "" && o.Split != NoSplit {
		return nil, nil, fmt.Errorf("%s: --split-column is for one table with all sequences; here every table is a part", dir)
	}
	if o.Sounds != (Sounds{}) {
		return nil, nil, fmt.Errorf("%s: features of sound, lists and patterns of names are for a folder of recordings, and here every table is a part", dir)
	}
	o.Split = NoSplit
	t := &table{o: o.withDefaults()}
	t.files = true
	var first string
	var names []string
	size := int64(0)
	files, others := tablesOfParts(dir)
	for _, f := range files {
		t.turnTo(dir, f)
		raw, err := budget.ReadFile(t.file)
		if err != nil {
			return nil, nil, err
		}
		if size += int64(len(raw)); size > maxCSV {
			return nil, nil, fmt.Errorf("%s: more than %.0f GB of text, which are read into memory: keep fewer rows, or make x.npy and y.npy of it", dir, float64(maxCSV)/1e9)
		}
		if err := budget.Ask(t.file, size); err != nil {
			return nil, nil, err
		}
		r, header, err := t.begin(bytes.NewReader(raw))
		if err != nil {
			return nil, nil, err
		}
		if header = trimmed(header); names == nil {
			if err := t.arranged(header); err != nil {
				return nil, nil, err
			}
			first, names = f.name, header
		} else if !slices.Equal(header, names) {
			return nil, nil, fmt.Errorf("%s: columns %s, and %s has %s: the tables of all parts must have the same; without labels they cannot be tested on", t.file, shown(header), first, shown(names))
		}
		if err := t.rows(r, nil); err != nil {
			return nil, nil, err
		}
	}
	if t.file = dir; len(t.starts) == 0 {
		return nil, nil, fmt.Errorf("%s: no rows after the headers", dir)
	}
	all, err := t.finish()
	if err != nil {
		return nil, nil, err
	}
	if len(others) > 0 {
		all.Notes = append(all.Notes, fmt.Sprintf("tables beside those of parts are left out: %s", shown(others)))
	}
	return t.divide(all)
}

// turnTo turns to the table of a part.
func (t *table) turnTo(dir string, f partTable) {
	t.file, t.here = filepath.Join(dir, f.name), f.part
}
