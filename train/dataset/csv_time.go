// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// course is how the values of a column go from row to row within sequences. It is followed
// while the file is read: float32, in which values are kept, cannot tell milliseconds since
// 1970 apart.
type course struct {
	timed bool // the column is named like a time: dates and times of day count as values

	last     float64
	known    bool   // there is a last value, of the same sequence
	text     string // the last value as the file has it
	form     string // of the dates in the column; "" as long as there are none
	numbers  bool   // a cell was a number
	unread   string // the first cell that is neither a number nor a date of the column's form
	grew     bool   // somewhere
	stays    bool   // somewhere it did not grow, or has no value
	falls    int    // the first row that is less than the one before, or -1 …
	from, to string // … and what it fell from and to

	all numbering // of the rows of all files …
	own numbering // … and of each file, where several are one table
}

// see takes the next cell of the column, and the number that it holds; begins says that it is
// the first of a sequence.
func (c *course) see(d dialect, cell string, number float32, ok, begins bool, row int) {
	v := float64(number)
	if exact, yes := d.exact(cell); yes {
		v = exact
	}
	c.all.see(v, ok)
	c.own.see(v, ok)
	if c.timed {
		v, ok = c.instant(d, strings.TrimSpace(cell))
	}
	c.known = c.known && !begins
	if !ok {
		c.stays = c.stays || !begins
		return
	}
	switch {
	case !c.known:
	case v > c.last, strings.HasPrefix(c.form, clock) && c.last-v > midnight:
		c.grew = true
	default:
		if c.stays = true; v < c.last && c.falls < 0 {
			c.falls, c.from, c.to = row, strings.Clone(c.text), strings.Clone(cell)
		}
	}
	c.last, c.text, c.known = v, cell, true
}

// numbersRows reports whether the column numbers the rows, those of all files or of each.
func (c *course) numbersRows() bool { return c.all.is() || c.own.ended > 1 && !c.own.not }

// rises reports whether the column grows at every row of every sequence.
func (c *course) rises() bool { return c.grew && !c.stays }

// clock begins the forms of a time of day.
const clock = "15"

// dateForms are the forms of dates and times that mean one thing. A fraction may follow
// the seconds in each.
var dateForms = []string{
	"2006-01-02T15:04:05Z07:00", "2006-01-02 15:04:05Z07:00", "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006/01/02 15:04:05",
	"2006-01-02T15:04", "2006-01-02 15:04", "2006-01-02", "2006/01/02", "02.01.2006 15:04:05", "02.01.2006 15:04", "02.01.2006",
	clock + ":04:05", clock + ":04",
}

// midnight is how much a time of day must go back, in microseconds, to be one of the next day.
const midnight = 12 * 3600 * 1e6

// instant returns the number in a cell, or the microseconds of its date or time of day.
func (c *course) instant(d dialect, cell string) (float64, bool) {
	if isEmpty(cell) {
		return 0, false
	}
	if v, ok := d.exact(cell); ok {
		c.numbers = true
		if c.form != "" {
			c.strange(cell)
		}
		return v, c.form == ""
	}
	forms := dateForms
	if c.form != "" {
		forms = []string{c.form}
	}
	for _, form := range forms {
		if t, err := time.Parse(form, cell); err == nil && !c.numbers {
			c.form = form
			return float64(t.UnixMicro()), true
		}
	}
	c.strange(cell)
	return 0, false
}

// strange keeps the first cell that the order of rows is not checked by.
func (c *course) strange(cell string) {
	if c.unread == "" {
		c.unread = strings.Clone(cell)
	}
}

// plainName is the name of a column in lower case without a unit in brackets.
func plainName(name string) string {
	if i := strings.IndexAny(name, "(["); i > 0 {
		name = name[:i]
	}
	return strings.ToLower(strings.TrimSpace(name))
}

// units refuses a row of units between the names and the numbers: text alone in the first
// row, and numbers in the next.
func (t *table) units(record []string, row, line int) error {
	if row > 1 || row == 1 && t.lone == 0 {
		return nil
	}
	text, numbers := 0, 0
	for _, f := range t.features {
		if slices.Contains(t.timed, f) {
			continue
		}
		if _, err := strconv.ParseFloat(strings.TrimSpace(record[f]), 64); err == nil || t.isNumber(record[f]) || isTruth(record[f]) {
			numbers++ // inf is no unit either
		} else if !isEmpty(record[f]) {
			text++
		}
	}
	switch {
	case row == 0 && numbers == 0 && text > 0:
		t.lone = line
	case row == 1 && text == 0 && numbers > 0:
		return fmt.Errorf("%s: line %d has no numbers, and the next one does: if it holds units, remove it", t.file, t.lone)
	}
	return nil
}

func isTruth(cell string) bool {
	_, ok := truth(cell)
	return ok
}

func (t *table) isNumber(cell string) bool {
	_, ok := t.number(cell)
	return ok
}

// unitsHint says what a row without a sequence could be.
func (t *table) unitsHint(line int) string {
	if t.lone != line {
		return ""
	}
	return "; the line has no numbers: if it holds units, remove it"
}
