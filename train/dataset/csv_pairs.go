// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// pairTable is a table of samples and the one of their labels, for one part.
type pairTable struct {
	samples, labels string // in the folder, with "/"
	groups          string // what the rows belong to; "" where no table says it
	part            part
}

// paired are the pairs of a folder, and the tables beside them.
type paired struct {
	pairs  []pairTable
	others []string
	alone  []string // samples of other parts than that to train on, without labels
}

// pairsOfTables returns the tables of a folder whose names say that they hold samples and labels
// apart, as X.csv beside y.csv, X_train.csv beside y_train.csv or train/X.csv beside train/y.csv;
// nil where there are none to train on.
func pairsOfTables(dir string) (*paired, error) {
	p, err := pairsIn(dir, "")
	if p != nil || err != nil {
		return p, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil // whoever opens it says so
	}
	all := &paired{}
	for _, e := range entries {
		is, known := partOf(e.Name())
		switch {
		case strings.HasPrefix(e.Name(), "."):
		case !e.IsDir() && tables.is(e.Name()):
			all.others = append(all.others, e.Name())
		case !e.IsDir():
		case !known:
			if in := filepath.Join(dir, e.Name()); tables.within(in) || sounds.within(in) {
				return nil, nil
			}
		default:
			of, err := pairsIn(dir, e.Name())
			if of == nil || err != nil {
				return nil, err
			}
			for _, pair := range of.pairs {
				if pair.part != trainPart {
					return nil, nil // parts within parts
				}
				pair.part = is
				all.pairs = append(all.pairs, pair)
			}
			all.others, all.alone = append(all.others, of.others...), append(all.alone, of.alone...)
		}
	}
	return all.sorted(), nil
}

// sorted puts the pair to train on first; nil where there is none.
func (p *paired) sorted() *paired {
	slices.SortStableFunc(p.pairs, func(a, b pairTable) int { return int(a.part) - int(b.part) })
	if len(p.pairs) == 0 || p.pairs[0].part != trainPart {
		return nil
	}
	return p
}

// apartTable reports whether a file can be one of those tables: a text by the name alone.
func apartTable(name string) bool {
	if tables.is(name) {
		return true
	}
	base := nameOf(tableName(name)).base
	return strings.EqualFold(path.Ext(name), ".txt") && (slices.Contains(sampleNames, base) || slices.Contains(labelsOfThem, base) || slices.Contains(groupArrays, base))
}

// ofParts leaves out texts whose names name no part beside those that do: features.txt beside
// X_train.txt holds names.
func ofParts(files []string) []string {
	named := func(f string) bool { return nameOf(tableName(f)).part != "" }
	if !slices.ContainsFunc(files, named) {
		return files
	}
	return slices.DeleteFunc(files, func(f string) bool { return strings.EqualFold(path.Ext(f), ".txt") && !named(f) })
}

// tableName is the name of a table without what tells its kind.
func tableName(name string) string {
	name = path.Base(filepath.ToSlash(name))
	return strings.TrimSuffix(name, path.Ext(name))
}

// pairsIn looks for pairs in one folder below dir.
func pairsIn(dir, in string) (*paired, error) {
	entries, err := os.ReadDir(filepath.Join(dir, in))
	if err != nil {
		return nil, nil
	}
	folder, inPart := partOf(in)
	p := &paired{}
	var samples, labels, groups, whole [len(partWords)][]string
	for _, e := range entries {
		name := e.Name()
		switch {
		case strings.HasPrefix(name, "."):
			continue
		case e.IsDir():
			if below := filepath.Join(dir, in, name); tables.within(below) || sounds.within(below) {
				return nil, nil
			}
			continue
		case sounds.is(name):
			return nil, nil
		case !apartTable(name):
			continue
		}
		n := nameOf(tableName(name))
		is := trainPart
		if n.part != "" {
			if is, _ = partOf(n.part); inPart && is == folder {
				is = trainPart // test/X_test.csv is X.csv of its folder
			}
		}
		at := path.Join(in, name)
		if of, known := partOf(tableName(name)); known {
			whole[of] = append(whole[of], at)
		} else if slices.Contains(sampleNames, n.base) {
			samples[is] = append(samples[is], at)
		} else if slices.Contains(labelsOfThem, n.base) {
			labels[is] = append(labels[is], at)
		} else if slices.Contains(groupArrays, n.base) {
			groups[is] = append(groups[is], at)
		} else {
			p.others = append(p.others, at)
		}
	}
	for is := range partWords {
		// train.csv beside train_labels.csv; a table of labels without a part says nothing of those of parts.
		if len(samples[is]) == 0 && slices.ContainsFunc(labels[is], func(l string) bool { return nameOf(tableName(l)).part != "" }) {
			samples[is], whole[is] = whole[is], nil
		}
		p.others = append(p.others, whole[is]...)
		samples[is] = ofParts(samples[is])
	}
	if len(samples[trainPart]) == 0 || len(labels[trainPart]) == 0 {
		return nil, nil
	}
	for is := range partWords {
		x, y := samples[is], labels[is]
		switch {
		case len(x) > 1 || len(y) > 1:
			return nil, fmt.Errorf("%s: tables %s hold samples and %s labels of one part: it is not clear which belong together; keep one of each", filepath.Join(dir, in), shown(x), shown(y))
		case len(x) == 0 && len(y) == 1:
			return nil, fmt.Errorf("%s: labels without samples: no table beside it is named %s", filepath.Join(dir, filepath.FromSlash(y[0])), "X"+path.Base(y[0])[min(len(path.Base(y[0])), 1):])
		case len(y) == 1:
			pair := pairTable{samples: x[0], labels: y[0], part: part(is)}
			if len(groups[is]) > 0 {
				pair.groups, groups[is] = groups[is][0], groups[is][1:]
			}
			p.pairs = append(p.pairs, pair)
		case len(x) == 1:
			p.alone = append(p.alone, x[0])
		}
		p.others = append(p.others, groups[is]...)
	}
	return p.sorted(), nil
}

// labelsBeside returns the pair of a table of samples that was given alone: nil where its name or
// its columns do not say that labels are in another one, or where none is beside it.
func labelsBeside(file string, o Options) (dir string, p *paired, err error) {
	n := nameOf(tableName(file))
	if !apartTable(file) || !slices.Contains(sampleNames, n.base) {
		return "", nil, nil
	}
	for _, h := range headerOf(file) {
		if h == o.Label || slices.Contains(surelyLabels, strings.ToLower(h)) {
			return "", nil, nil
		}
	}
	dir = filepath.Dir(file)
	entries, err := os.ReadDir(dir)
	if err != nil {
		return "", nil, nil
	}
	p = &paired{}
	groups := ""
	for _, e := range entries {
		is := nameOf(tableName(e.Name()))
		switch {
		case e.IsDir() || !apartTable(e.Name()) || e.Name() == filepath.Base(file):
		case is.part == n.part && slices.Contains(labelsOfThem, is.base):
			p.pairs = append(p.pairs, pairTable{samples: filepath.Base(file), labels: e.Name()})
		case is.part == n.part && slices.Contains(groupArrays, is.base) && groups == "":
			groups = e.Name()
		case is.part != n.part && (slices.Contains(labelsOfThem, is.base) || slices.Contains(sampleNames, is.base)):
			p.others = append(p.others, e.Name())
		}
	}
	switch len(p.pairs) {
	case 0:
		return "", nil, nil
	case 1:
		p.pairs[0].groups = groups
		return dir, p, nil
	}
	return "", nil, fmt.Errorf("%s: %s and %s beside it could both hold its labels: keep one of them", file, p.pairs[0].labels, p.pairs[1].labels)
}

// openPairs reads tables of samples and those of their labels: every pair as one table, with the
// columns of both.
func openPairs(dir string, p *paired, o Options) (train, test *Set, err error) {
	if o.Split != "" && o.Split != NoSplit && len(p.pairs) > 1 {
		return nil, nil, fmt.Errorf("%s: --split-column is for one table with all sequences; here every pair of tables is a part", dir)
	}
	if o.Sounds != (Sounds{}) {
		return nil, nil, fmt.Errorf("%s: features of sound, lists and patterns of names are for a folder of recordings, and here are tables of samples and of labels", dir)
	}
	t := &table{o: o.withDefaults(), labelsIn: map[string]string{}}
	if t.files = len(p.pairs) > 1; t.files {
		t.o.Split = NoSplit
	}
	size := int64(0)
	read := func(name string) (string, []byte, error) {
		file := filepath.Join(dir, filepath.FromSlash(name))
		raw, err := budget.ReadFile(file)
		if err != nil {
			return "", nil, err
		}
		if size += int64(len(raw)); size > maxCSV {
			return "", nil, fmt.Errorf("%s: more than %.0f GB of text, which are read into memory: keep fewer rows, or make x.npy and y.npy of it", dir, float64(maxCSV)/1e9)
		}
		return file, raw, budget.Ask(file, size)
	}
	var first []string
	for i, pair := range p.pairs {
		var xs, ys side
		var groups *side
		if xs.file, xs.raw, err = read(pair.samples); err == nil {
			ys.file, ys.raw, err = read(pair.labels)
		}
		if err == nil && pair.groups != "" {
			groups = &side{}
			groups.file, groups.raw, err = read(pair.groups)
		}
		if err != nil {
			return nil, nil, err
		}
		t.file, t.here, t.above = xs.file, pair.part, 0
		r, err := t.join(&xs, &ys, groups)
		if err != nil {
			return nil, nil, err
		}
		if i == 0 {
			first = t.header
		} else if !slices.Equal(t.header, first) {
			return nil, nil, fmt.Errorf("%s: columns %s together with those of %s, and %s has %s: the tables of all parts must have the same", t.file, shown(t.header), pair.labels, p.pairs[0].samples, shown(first))
		}
		if err := t.rows(r, nil); err != nil {
			return nil, nil, err
		}
	}
	if t.file = dir; len(p.pairs) == 1 {
		t.file = filepath.Join(dir, filepath.FromSlash(p.pairs[0].samples))
	}
	if len(t.starts) == 0 {
		return nil, nil, fmt.Errorf("%s: no rows after the headers", dir)
	}
	t.nameClasses(dir)
	all, err := t.finish()
	if err != nil {
		return nil, nil, err
	}
	if len(p.alone) > 0 {
		all.Notes = append(all.Notes, fmt.Sprintf("samples without a table of labels are left out: %s", shown(p.alone)))
	}
	if len(p.others) > 0 {
		all.Notes = append(all.Notes, fmt.Sprintf("tables beside those of samples and labels are left out: %s", shown(p.others)))
	}
	return t.divide(all)
}
