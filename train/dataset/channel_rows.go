// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"encoding/csv"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// channelRows gives the steps of all sequences, one row each, as a table has them.
type channelRows struct {
	x    []*side
	y, g *side // g may be nil

	readers     []*csv.Reader
	named       []bool // of x
	yFrom, from int    // the first row of labels, and of groups
	rows, steps int
	take        []int // columns of labels
	labelNames  []string
	perStep     bool
	oneHot      bool // of classes, a column for each

	row, step int // that come next; a row is read before its first step
	cells     [][]string
	line      int
	out       []string
}

// begin looks at all tables, and at whether they belong together.
func (r *channelRows) begin(o Options) error {
	for _, s := range r.x {
		if err := s.look(false); err != nil {
			return err
		}
		if err := s.ragged(); err != nil {
			return err
		}
	}
	if err := r.y.look(true); err != nil {
		return err
	}
	y := r.y
	y.cells, y.lines = y.cells[:y.count], y.lines[:y.count]
	x0 := r.x[0]
	named, yNamed, fits := agreed(x0, y)
	if !fits {
		turned := ""
		if len(x0.first) == y.rows(yNamed) {
			turned = "; it has as many columns: every row has to be a sequence, and every column a step"
		}
		return fmt.Errorf("%s has %d rows, and %s %d: expected a row for each sequence in both%s", x0.file, x0.rows(named), y.file, y.rows(yNamed), turned)
	}
	r.rows, r.steps = x0.rows(named), len(x0.first)
	if yNamed {
		r.yFrom = 1
	}
	for _, s := range r.x {
		at := slices.IndexFunc(s.mayBeNamed(), func(n bool) bool { return s.rows(n) == r.rows })
		if at < 0 {
			return fmt.Errorf("%s has %d rows, and %s %d: expected a row for each sequence in the tables of all channels", s.file, s.rows(s.mayBeNamed()[0]), x0.file, r.rows)
		}
		if len(s.first) != r.steps {
			return fmt.Errorf("%s has rows of %d numbers, and %s of %d: expected as many steps in all channels of a sequence; leave it out with --ignore %s if it is no channel", s.file, len(s.first), x0.file, r.steps, word(textFile{path: filepath.ToSlash(s.file), name: nameOf(tableName(s.file))}.stem()))
		}
		r.named = append(r.named, s.mayBeNamed()[at])
		reader, err := s.begin()
		if err != nil {
			return err
		}
		r.readers = append(r.readers, reader)
	}
	if err := r.labelled(o, yNamed); err != nil {
		return err
	}
	return r.grouped()
}

// labelled finds out what the columns of the table of labels are.
func (r *channelRows) labelled(o Options, named bool) error {
	y, n := r.y, len(r.y.first)
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	switch {
	case n == 1:
		r.take = all
	case o.Regression && n != r.steps:
		r.take = all
	case o.Regression:
		return fmt.Errorf("%s: %d columns, as many as there are steps: numbers for each sequence or one for each step? Write arrays: targets [%d %d 1] are of steps", y.file, n, r.rows, n)
	case y.oneOf(all, named) && n == r.steps:
		return fmt.Errorf("%s: every row is one 1 among zeros, in %d columns, and sequences have as many steps: a class of each sequence, or a label of each step? Keep one column with the class", y.file, n)
	case y.oneOf(all, named):
		r.oneHot, r.take = true, all
	case n == r.steps && !named:
		r.perStep, r.take = true, all
	default:
		return fmt.Errorf("%s: %d columns, expected one with a label for each sequence, or as many as there are steps, %d: keep the column with the label", y.file, n, r.steps)
	}
	names := y.names(named)
	if r.labelNames = []string{"label"}; len(r.take) > 1 && !r.perStep && !r.oneHot {
		r.labelNames = names
	}
	return nil
}

// grouped looks at the table of groups.
func (r *channelRows) grouped() error {
	g := r.g
	if g == nil {
		return nil
	}
	if err := g.look(true); err != nil {
		return err
	}
	if len(g.first) != 1 {
		return fmt.Errorf("%s: %d columns, expected one with the group of each sequence: move it away if it says something else", g.file, len(g.first))
	}
	for _, named := range g.mayBeNamed() {
		if g.rows(named) == r.rows {
			if named {
				r.from = 1
			}
			return nil
		}
	}
	return fmt.Errorf("%s has %d rows, and %s %d: expected a group for each sequence", g.file, g.rows(g.mayBeNamed()[0]), r.x[0].file, r.rows)
}

func (r *channelRows) Read() ([]string, error) {
	if r.step == 0 {
		if r.row == r.rows {
			return nil, io.EOF
		}
		if err := r.turn(); err != nil {
			return nil, said{err}
		}
	}
	y := r.y.cells[r.yFrom+r.row]
	r.out = append(r.out[:0], strconv.Itoa(r.row))
	switch {
	case r.perStep:
		r.out = append(r.out, y[r.step])
	case r.oneHot:
		one := slices.IndexFunc(y, func(c string) bool { v, _ := r.y.number(c); return v == 1 })
		r.out = append(r.out, r.y.names(r.yFrom > 0)[one])
	default:
		for _, c := range r.take {
			r.out = append(r.out, withPoint(r.y, y[c]))
		}
	}
	if r.g != nil {
		r.out = append(r.out, r.g.cells[r.from+r.row][0])
	}
	for k, cells := range r.cells {
		r.out = append(r.out, withPoint(r.x[k], cells[r.step]))
	}
	if r.step++; r.step == r.steps {
		r.step, r.row = 0, r.row+1
	}
	return r.out, nil
}

// withPoint writes a decimal comma as a point: tables may differ in that.
func withPoint(s *side, cell string) string {
	if s.comma && decimalComma.MatchString(cell) {
		return strings.Replace(cell, ",", ".", 1)
	}
	return cell
}

// turn reads the next row of every channel.
func (r *channelRows) turn() error {
	r.cells = r.cells[:0]
	for k, s := range r.x {
		record, line := s.first, 1+s.above
		if r.row > 0 || r.named[k] {
			var err error
			if record, err = r.readers[k].Read(); err != nil {
				return rowError(s.file, s.above, s.first, record, err)
			}
			line, _ = r.readers[k].FieldPos(0)
			line += s.above
		}
		for i, cell := range record {
			if _, ok := s.number(cell); !ok && !isEmpty(cell) {
				return fmt.Errorf("%s: line %d: cell %d holds %q, expected a finite number%s", s.file, line, i+1, strings.Clone(cell), s.grouped(cell))
			}
		}
		if k == 0 {
			r.line = line
		}
		r.cells = append(r.cells, record)
	}
	return nil
}

// FieldPos returns the line of a cell of the last row in the file that it is from: of labels, or of
// the first channel.
func (r *channelRows) FieldPos(field int) (line, column int) {
	row := r.row
	if r.step == 0 {
		row-- // of the last step
	}
	if field > 0 && row >= 0 {
		return r.y.lines[r.yFrom+row], 1
	}
	return r.line, 1
}
