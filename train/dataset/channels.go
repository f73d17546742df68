// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// channelTables are tables of which each has one feature of all sequences, a row for each of them
// and a column for each step, beside a table of labels: total_acc_x_train.txt and the like beside
// y_train.txt.
type channelTables struct {
	parts []channelPart // that to train on first
	names []string      // of the channels, in order
	left  []string      // tables of samples beside them
}

// channelPart are those of one part; files are in the folder, with "/".
type channelPart struct {
	part           part
	files          []string // of the channels
	labels, groups string   // groups may be ""
}

// maxApart bounds the tables that are looked at: a folder of more holds one for every sequence.
const maxApart = 2048

// leastChannels are how many tables show that each is a channel.
const leastChannels = 2

// textFile is a file of a folder that may be a table.
type textFile struct {
	path string // from the folder, with "/"
	name arrayName
	part part
	own  bool // its own name says the part
}

// folder is where the file is.
func (f textFile) folder() string { return path.Dir(f.path) }

// stem is the name of the file without its end and without the part, as it is written.
func (f textFile) stem() string {
	name := tableName(f.path)
	if n := len(f.name.base); strings.HasPrefix(strings.ToLower(name), f.name.base) {
		return name[:n]
	} else if n <= len(name) {
		return name[len(name)-n:]
	}
	return name
}

// textFiles lists what may be tables in a folder and up to three folders below it; nil where there
// are so many that each is a sequence, and where a name and a folder name two parts.
func textFiles(dir string) []textFile {
	const deepest = 3
	var all []textFile
	broken := false
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, name)
		rel = filepath.ToSlash(rel)
		switch {
		case err != nil:
			return fs.SkipDir
		case e.IsDir() && rel != "." && (strings.HasPrefix(e.Name(), ".") || strings.HasPrefix(e.Name(), "_") || strings.Count(rel, "/") >= deepest):
			return fs.SkipDir
		case e.IsDir() || strings.HasPrefix(e.Name(), ".") || !slices.Contains(tableEnds, strings.ToLower(path.Ext(rel))):
			return nil
		case len(all) == maxApart:
			broken = true
			return fs.SkipAll
		}
		f := textFile{path: rel, name: nameOf(tableName(rel))}
		if f.name.part != "" {
			f.part, _ = partOf(f.name.part)
			f.own = true
		}
		if f.folder() != "." {
			for _, word := range strings.Split(f.folder(), "/") {
				if is, known := partOf(word); known {
					broken = broken || f.own && is != f.part
					f.part = is
				}
			}
		}
		all = append(all, f)
		return nil
	})
	if broken {
		return nil
	}
	return all
}

// channelsOf finds tables of channels: two or more numeric tables in one folder for the part to train
// on, beside labels, whose names name the part or that all have as many rows as there are labels; nil
// where there are none. Where it is not clear what they are it says so.
func channelsOf(dir string, o Options) (*channelTables, error) {
	if o.RowSequences || o.Sounds != (Sounds{}) {
		return nil, nil
	}
	files := textFiles(dir)
	is := func(names []string) func(textFile) bool {
		return func(f textFile) bool { return slices.Contains(names, f.name.base) }
	}
	sample, label, group := is(sampleNames), is(labelsOfThem), is(groupArrays)
	if !slices.ContainsFunc(files, func(f textFile) bool { return f.part == trainPart && label(f) }) {
		return nil, nil
	}
	if axes := is([]string{"x", "y", "z"}); slices.ContainsFunc(files, func(f textFile) bool { return label(f) && !axes(f) }) && slices.ContainsFunc(files, is([]string{"z"})) {
		// The axes of a sensor: labels have another name.
		was := [2]func(textFile) bool{sample, label}
		sample = func(f textFile) bool { return was[0](f) && !axes(f) }
		label = func(f textFile) bool { return was[1](f) && !axes(f) }
	}
	var labels, groups, samples, channels [len(partWords)][]textFile
	for _, f := range files {
		switch {
		case label(f):
			labels[f.part] = append(labels[f.part], f)
		case group(f):
			groups[f.part] = append(groups[f.part], f)
		case sample(f):
			if numericRows(filepath.Join(dir, filepath.FromSlash(f.path))) {
				samples[f.part] = append(samples[f.part], f)
			} else if f.own {
				return nil, nil // a table with names of columns
			}
		case numericRows(filepath.Join(dir, filepath.FromSlash(f.path))):
			channels[f.part] = append(channels[f.part], f)
		}
	}
	if len(labels[trainPart]) != 1 || len(channels[trainPart]) < leastChannels {
		return nil, nil
	}
	sure := !slices.ContainsFunc(channels[trainPart], func(f textFile) bool { return !f.own })
	if !sure && !alike(dir, channels[trainPart], labels[trainPart][0]) {
		return nil, nil
	}
	c := &channelTables{}
	for p := range partWords {
		if len(channels[p]) == 0 || len(labels[p]) == 0 {
			continue
		}
		one := channelPart{part: part(p), labels: labels[p][0].path}
		if len(labels[p]) > 1 {
			return nil, fmt.Errorf("%s: %s and %s could both hold the labels of one part: keep one of them", dir, labels[p][0].path, labels[p][1].path)
		}
		if len(groups[p]) > 1 {
			return nil, fmt.Errorf("%s: %s and %s could both hold the groups of one part: keep one of them", dir, groups[p][0].path, groups[p][1].path)
		} else if len(groups[p]) == 1 {
			one.groups = groups[p][0].path
		}
		if err := c.add(dir, &one, channels[p], o); err != nil {
			return nil, err
		}
		c.parts = append(c.parts, one)
		for _, f := range samples[p] {
			c.left = append(c.left, f.path)
		}
	}
	return c, nil
}

// add takes the channels of a part, which has to have those of the part before.
func (c *channelTables) add(dir string, p *channelPart, files []textFile, o Options) error {
	slices.SortStableFunc(files, func(a, b textFile) int { return strings.Compare(a.stem(), b.stem()) })
	at := map[string]string{}
	var names []string
	for _, f := range files {
		if f.folder() != files[0].folder() {
			return fmt.Errorf("%s: %s and %s are tables of numbers in two folders, and each could be a channel of the sequences that %s labels: keep one of the folders", dir, files[0].path, f.path, p.labels)
		}
		if other, twice := at[f.stem()]; twice {
			return fmt.Errorf("%s: %s and %s are both of channel %q: keep one of them", dir, other, f.path, f.stem())
		}
		at[f.stem()] = f.path
		names = append(names, f.stem())
	}
	names, err := chosenChannels(dir, names, o)
	if err != nil {
		return err
	}
	if c.names == nil {
		c.names = names
	} else if !slices.Equal(names, c.names) {
		return fmt.Errorf("%s: channels %s, as files beside %s, and those beside %s are %s: all parts must have the same", dir, shown(names), p.labels, c.parts[0].labels, shown(c.names))
	}
	for _, n := range names {
		p.files = append(p.files, at[n])
	}
	return nil
}

// chosenChannels are those that are asked for, or that are not left out.
func chosenChannels(dir string, names []string, o Options) ([]string, error) {
	for _, n := range slices.Concat(o.Features, o.Ignore) {
		if !slices.Contains(names, n) {
			return nil, fmt.Errorf("%s: no channel is called %q, as its file; there are %s", dir, n, shown(names))
		}
	}
	for _, n := range o.Features {
		if slices.Contains(o.Ignore, n) {
			return nil, fmt.Errorf("%s: channel %q is named by --features and by --ignore: name it in one of them", dir, n)
		}
	}
	if len(o.Features) > 0 {
		return o.Features, nil
	}
	names = slices.DeleteFunc(names, func(n string) bool { return slices.Contains(o.Ignore, n) })
	if len(names) == 0 {
		return nil, fmt.Errorf("%s: no channel is left for a feature", dir)
	}
	return names, nil
}

// numericRows reports whether the first row of a table has numbers alone, two or more, also where
// rows of other lengths keep blanks from separating them.
func numericRows(file string) bool {
	d, first := firstRowOf(file)
	if len(first) == 1 {
		first = strings.Fields(first[0])
	}
	return len(first) > 1 && (&table{dialect: d}).bare(first)
}

// ragged finds the first row that has another number of words than the one above all, where blanks do
// not separate cells for that.
func (s *side) ragged() error {
	if len(s.first) != 1 {
		return nil
	}
	want, n := len(strings.Fields(s.first[0])), 0
	for line := range bytes.Lines(s.raw) {
		n++
		if got := len(bytes.Fields(line)); got != want && got > 0 {
			return fmt.Errorf("%s: line %d has %d cells, expected %d as in the first line", s.file, n, got, want)
		}
	}
	return nil
}

// alike reports whether tables have as many rows as there are labels and, among themselves, as many
// columns, and are not as many themselves: a row of labels for each table is another thing.
func alike(dir string, files []textFile, labels textFile) bool {
	y := &side{file: filepath.Join(dir, filepath.FromSlash(labels.path))}
	if !y.peek(true) {
		return false
	}
	columns := 0
	for _, f := range files {
		x := &side{file: filepath.Join(dir, filepath.FromSlash(f.path))}
		if f.folder() != files[0].folder() || !x.peek(false) || columns != 0 && len(x.first) != columns {
			return false
		}
		if _, _, fits := agreed(x, y); !fits || len(files) == x.count || len(files) == x.count-1 {
			return false
		}
		columns = len(x.first)
	}
	return true
}

// peek reads a file and looks at its rows.
func (s *side) peek(keep bool) bool {
	var err error
	if s.raw, err = budget.ReadFile(s.file); err != nil {
		return false
	}
	if err = s.look(keep); keep {
		s.cells = s.cells[:s.count]
	}
	s.raw = nil
	return err == nil
}

// agreed says which of two tables have names in their first row, so that they have as many rows.
func agreed(x, y *side) (xNamed, yNamed, fits bool) {
	for _, xn := range x.mayBeNamed() {
		for _, yn := range y.mayBeNamed() {
			if x.rows(xn) == y.rows(yn) && x.rows(xn) > 0 {
				return xn, yn, true
			}
		}
	}
	return x.mayBeNamed()[0], y.mayBeNamed()[0], false
}

// openChannels reads tables of channels: every row of all of them together is a sequence.
func openChannels(dir string, c *channelTables, o Options) (train, test *Set, err error) {
	t := &table{file: dir, o: o.withDefaults(), labelsIn: map[string]string{}}
	if o.Split != "" && o.Split != NoSplit {
		return nil, nil, fmt.Errorf("%s: --split-column is for one table with all sequences; here every channel has a table", dir)
	}
	t.files = len(c.parts) > 1
	t.o.Split = NoSplit
	size := int64(0)
	read := func(name string) (*side, error) {
		s := &side{file: filepath.Join(dir, filepath.FromSlash(name))}
		if s.raw, err = budget.ReadFile(s.file); err != nil {
			return nil, err
		}
		if size += int64(len(s.raw)); size > maxCSV {
			return nil, fmt.Errorf("%s: more than %.0f GB of text, which are read into memory: keep fewer rows, or make x.npy and y.npy of it", dir, float64(maxCSV)/1e9)
		}
		return s, budget.Ask(s.file, size)
	}
	for i := range c.parts {
		p := &c.parts[i]
		r := &channelRows{}
		for _, name := range p.files {
			s, err := read(name)
			if err != nil {
				return nil, nil, err
			}
			r.x = append(r.x, s)
		}
		if r.y, err = read(p.labels); err != nil {
			return nil, nil, err
		}
		if p.groups != "" {
			if r.g, err = read(p.groups); err != nil {
				return nil, nil, err
			}
		}
		if err := r.begin(t.o); err != nil {
			return nil, nil, err
		}
		if err := t.ofChannels(dir, c, p, r, i == 0); err != nil {
			return nil, nil, err
		}
		t.file, t.here, t.above = r.x[0].file, p.part, 0
		t.labelsIn[t.file] = r.y.file
		if err := t.rows(r, nil); err != nil {
			return nil, nil, err
		}
	}
	t.file = dir
	t.nameClasses(dir)
	all, err := t.finish()
	if err != nil {
		return nil, nil, err
	}
	if len(c.left) > 0 {
		all.Notes = append(all.Notes, fmt.Sprintf("tables with one row of numbers for each sequence are left out: %s; --row-sequences reads such, and no channels", shown(c.left)))
	}
	return t.divide(all)
}

// ofChannels says what the columns of the rows are, and what was taken for what.
func (t *table) ofChannels(dir string, c *channelTables, p *channelPart, r *channelRows, first bool) error {
	header := []string{"sequence"}
	is := &columns{sequence: []int{0}, group: -1, split: -1, chosen: len(t.o.Features) > 0}
	for _, n := range r.labelNames {
		is.label = append(is.label, len(header))
		header = append(header, n)
	}
	if r.g != nil {
		is.group = len(header)
		header = append(header, nameOf(tableName(r.g.file)).base)
	}
	for _, n := range c.names {
		is.features = append(is.features, len(header))
		header = append(header, n)
	}
	is.header = header
	each := "a label for each sequence"
	if r.perStep {
		each = "a label for each step"
	} else if r.oneHot {
		each = fmt.Sprintf("one 1 among zeros, taken for the class of %d of each sequence (--regression takes it for numbers),", len(r.take))
	} else if len(r.labelNames) > 1 {
		each = fmt.Sprintf("%d numbers for each sequence", len(r.labelNames))
	}
	notes := []string{fmt.Sprintf("channels have tables of their own, as %s: every row is taken for a sequence, its columns for the %d steps, and the file for a feature; %d sequences, %s in the rows of %s",
		p.files[0], r.steps, r.rows, each, p.labels)}
	if r.rows == r.steps {
		notes[0] += "; there are as many rows as columns, and nothing shows that it is not the other way round"
	}
	if r.g != nil {
		notes = append(notes, fmt.Sprintf("groups are those of %s, row by row: parts are divided by them", p.groups))
	}
	if first {
		t.columns = is
		t.prepare()
	} else if !slices.Equal(t.columns.header, header) {
		return fmt.Errorf("%s: with %s the sequences have %s, and those of %s have %s: all parts must have labels of one kind, and groups or none", dir, p.labels, shown(header[:len(header)-len(c.names)]), c.parts[0].labels, shown(t.columns.header[:len(t.columns.header)-len(c.names)]))
	}
	t.notes = append(t.notes, notes...)
	t.dialect = dialect{separator: ','}
	return budget.Ask(dir, budget.Times(2, int64(r.rows), int64(r.steps), int64(4*len(c.names)+40)))
}
