// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
	"strings"
)

// Names that columns have when nobody says what they are, in lower case.
var (
	sequenceNames = []string{"sequence", "sequence_id", "seq", "seq_id", "series", "series_id", "recording", "recording_id", "trial", "trial_id", "sample_id", "session", "session_id", "episode", "window_id", "id"}
	labelNames    = []string{"label", "labels", "class", "target", "y", "category", "activity", "gesture", "word", "command", "action", "output"}
	surelyLabels  = []string{"label", "labels", "class", "target", "category", "activity"} // a column y can be an axis
	groupNames    = []string{"group", "subject", "subject_id", "speaker", "speaker_id", "participant", "patient", "patient_id", "user", "user_id", "person"}
	timeNames     = []string{"time", "timestamp", "t", "ts", "date", "datetime", "time_s", "time_ms", "time_us", "time_ns", "timestamp_s", "timestamp_ms", "timestamp_us", "timestamp_ns", "elapsed", "seconds", "millis", "ms", "index", "frame", "row", "tick", "unix", "unixtime", "unix_time", "unix_ms", "epoch", "epoch_ms", "utc", "uptime", "uptime_ms"}
	surelyTimes   = []string{"time", "timestamp", "date", "datetime", "time_s", "time_ms", "time_us", "time_ns", "timestamp_s", "timestamp_ms", "timestamp_us", "timestamp_ns"} // those that mean nothing else
)

// trainingNames are those of columns that trainings are told of, and networks are not.
var trainingNames = []string{"fold", "folds", "cv_fold", "kfold", "weight", "weights", "sample_weight"}

// columns says what the columns of a table are.
type columns struct {
	header   []string
	sequence []int // the columns that tell the rows of a sequence; none where every row, or the file, is one
	label    []int // one, or those of several numbers to predict; none where the folder is the label
	group    int   // or -1
	split    int   // says which part a sequence is in; it is a candidate, too, unless it was named; or -1
	features []int // candidates, in their order
	chosen   bool  // the user named the features
	timed    []int // those among them that are named like a time
}

// arrange finds the columns that the options name, or those with the usual names.
func arrange(file string, header []string, o Options) (*columns, []string, error) {
	c := &columns{header: trimmed(header), group: -1, split: -1}
	find := finder(func(flag, wanted, standard string, names []string) (int, error) {
		if i := slices.Index(c.header, wanted); i >= 0 && wanted != "" {
			return i, nil
		}
		if wanted != standard && wanted != "" {
			return -1, fmt.Errorf("%s: no column is named %q; there are %s: name one with %s", file, wanted, shown(c.header), flag)
		}
		for _, n := range names {
			for i, h := range c.header {
				if n == "y" && names[0] == "label" && slices.ContainsFunc(c.header, func(h string) bool { return strings.ToLower(h) == "z" }) {
					continue // the axes of a sensor
				}
				if strings.ToLower(h) == n {
					return i, nil
				}
			}
		}
		return -1, nil
	})
	// several finds one column, or all that a list names where none has that name.
	several := func(flag, wanted, standard string, names []string) ([]int, error) {
		if list := strings.Split(wanted, ","); len(list) > 1 && !slices.Contains(c.header, wanted) {
			var all []int
			for _, w := range list {
				i, err := find(flag, strings.TrimSpace(w), "", nil)
				if err != nil {
					return nil, err
				}
				if i < 0 || slices.Contains(all, i) {
					return nil, fmt.Errorf("%s: %s %s: expected names of columns, each once", file, flag, wanted)
				}
				all = append(all, i)
			}
			return all, nil
		}
		i, err := find(flag, wanted, standard, names)
		if i < 0 || err != nil {
			return nil, err
		}
		return []int{i}, nil
	}
	var err error
	if c.label, err = several("--label-column", o.Label, "label", labelNames); err != nil {
		return nil, nil, err
	}
	if len(c.label) > 1 && !o.Regression {
		return nil, nil, fmt.Errorf("%s: --label-column %s: several columns are numbers to predict: say --regression, or name one", file, o.Label)
	}
	if len(c.label) == 0 {
		return nil, nil, fmt.Errorf("%s: columns %s; none is named \"label\" or the like: name the one to learn with --label-column; the first line has to name the columns, with , ; | tabs or spaces between them%s", file, shown(c.header), c.inWords())
	}
	if !o.RowSequences {
		if c.sequence, err = several("--sequence-column", o.SequenceColumn, "sequence", sequenceNames); err != nil {
			return nil, nil, err
		}
		if len(c.sequence) == 0 {
			return nil, nil, fmt.Errorf("%s: columns %s; none is named \"sequence\" or the like: name the one that tells the rows of one sequence with --sequence-column, or say --row-sequences where every row is a whole sequence", file, shown(c.header))
		}
	}
	return c.choose(file, o, find)
}

// inWords says of a header of one cell with spaces in it when they separate cells.
func (c *columns) inWords() string {
	if len(c.header) == 1 && strings.Contains(c.header[0], " ") {
		return "; spaces separate cells where every line has as many, with numbers among them: give every row a cell for each name, NaN for a value that is missing"
	}
	return ""
}

// finder finds a column by the name that a flag gives, or by the usual names; -1 is none.
type finder func(flag, wanted, standard string, names []string) (int, error)

// choose finds the column of groups, and those that are features.
func (c *columns) choose(file string, o Options, find finder) (_ *columns, notes []string, err error) {
	if c.group, err = find("--group-column", o.Group, "", groupNames); err != nil {
		return nil, nil, err
	}
	if o.Group != "" && slices.Contains(c.label, c.group) {
		return nil, nil, fmt.Errorf("%s: --group-column %s: that column is the label", file, o.Group)
	}
	taken := slices.Concat(c.label, c.sequence)
	if slices.Contains(c.label, c.group) || o.Group == "" && slices.Contains(c.sequence, c.group) && len(c.sequence) == 1 {
		c.group = -1 // of one sequence each
	}
	if c.group >= 0 {
		if slices.Contains(o.Features, c.header[c.group]) && o.Group == "" {
			c.group = -1 // it is asked for as a feature
		} else if o.Group == "" {
			notes = append(notes, fmt.Sprintf("column %q is taken for the group of a sequence, not for a feature: parts are divided by it", c.header[c.group]))
		}
	}
	taken = append(taken, c.group)
	if taken, err = c.findSplit(file, o, find, taken); err != nil {
		return nil, nil, err
	}
	for _, lists := range [][]string{o.Features, o.Ignore} {
		for _, n := range lists {
			if !slices.Contains(c.header, n) {
				return nil, nil, fmt.Errorf("%s: no column is named %q; there are %s", file, n, shown(c.header))
			}
		}
	}
	for _, n := range o.Features {
		if slices.Contains(o.Ignore, n) {
			return nil, nil, fmt.Errorf("%s: column %q is named by --features and by --ignore: name it in one of them", file, n)
		}
	}
	if len(o.Features) > 0 {
		c.chosen = true
		for _, n := range o.Features {
			i := slices.Index(c.header, n)
			if slices.Contains(taken, i) {
				return nil, nil, fmt.Errorf("%s: column %q cannot be a feature: it is the sequence, the label, the group or the part", file, n)
			}
			c.features = append(c.features, i)
		}
		return c, notes, nil
	}
	for i, h := range c.header {
		switch {
		case slices.Contains(taken, i) || slices.Contains(o.Ignore, h):
		case o.RowSequences && (slices.Contains(sequenceNames, strings.ToLower(h)) || slices.Contains(surelyTimes, plainName(h))):
			notes = append(notes, fmt.Sprintf("column %q is taken for the name or the time of a row, not for a step (--features names steps)", h))
		case h == "" || strings.HasPrefix(h, "Unnamed:"):
			notes = append(notes, fmt.Sprintf("column %d without a name is left out: it is taken for row numbers, or nothing", i+1))
		default:
			c.features = append(c.features, i)
			if likeLabel(h) {
				notes = append(notes, fmt.Sprintf("column %q is read as a feature: leave it out with --ignore %s if it is a label, or is not known when the network runs", h, h))
			}
			if slices.Contains(trainingNames, strings.ToLower(h)) {
				notes = append(notes, fmt.Sprintf("column %q is read as a feature: leave it out with --ignore %s if it is for the training alone", h, h))
			}
			if slices.Contains(timeNames, plainName(h)) && !o.RowSequences {
				c.timed = append(c.timed, i)
			}
		}
	}
	if len(c.features) == 0 {
		return nil, nil, fmt.Errorf("%s: columns %s: beside sequence and label no column is left for features", file, shown(c.header))
	}
	return c, notes, nil
}

// likeLabel reports whether a column's name begins as those of labels do: label_id, target2.
func likeLabel(name string) bool {
	name = strings.ToLower(name)
	for _, l := range surelyLabels {
		if rest, ok := strings.CutPrefix(name, l); ok && rest != "" && strings.ContainsAny(rest[:1], "_- .0123456789") {
			return true
		}
	}
	return false
}
