// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/wav"
	"github.com/unroll-npu/unroll/train/nn"
)

// Sounds say how a folder of WAV files is read.
type Sounds struct {
	Features string // as audio.Parse takes them
	Rate     int    // recordings are brought to this rate; 0 refuses those of another than the first

	// List is a file that names the recordings, a line each: path, label and, if there, what
	// it belongs to, separated by a tab, ";" or ",". TestList names those of the test part.
	// Paths count from the folder. A list of paths alone takes labels as without a list.
	List, TestList string

	// Label and Group are regular expressions with one group in parentheses, which is the
	// label of a recording and what it belongs to. They are matched with its path in the
	// folder, parts separated by "/". Without Label that is the first folder of the path.
	Label, Group string
}

// recording is a file of a folder.
type recording struct {
	path         string // from the folder, with "/"
	label, group string
	test         bool
}

// maxRecordings bounds the number of files.
const maxRecordings = 1 << 20

// openSounds reads a folder of WAV files.
func openSounds(dir string, o Options) (train, test *Set, err error) {
	files, notes, err := recordings(dir, o)
	if err != nil {
		return nil, nil, err
	}
	wish, err := audio.Parse(o.Sounds.Features)
	if err != nil {
		return nil, nil, err
	}
	first, err := wav.Open(filepath.Join(dir, files[0].path))
	if err != nil {
		return nil, nil, err
	}
	rate := first.Rate
	if o.Sounds.Rate != 0 {
		rate = o.Sounds.Rate
	}
	p, err := wish.At(rate)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", dir, err)
	}
	rows, resampled, padded, err := featuresOf(dir, files, p, o.Sounds.Rate)
	if err != nil {
		return nil, nil, err
	}
	if resampled > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d recordings have another rate: resampled to %d samples a second", resampled, len(files), rate))
	}
	if padded > 0 {
		notes = append(notes, fmt.Sprintf("%d of %d recordings are shorter than a frame of %d samples: silence follows them", padded, len(files), p.Frame))
	}
	all, err := laySounds(dir, files, rows, p, o)
	if err != nil {
		return nil, nil, err
	}
	all.Notes = append(notes, all.Notes...)
	if o.Sounds.TestList == "" {
		return all, nil, nil
	}
	var parts [2][]int
	for i, f := range files {
		k := 0
		if f.test {
			k = 1
		}
		parts[k] = append(parts[k], i)
	}
	for i, name := range []string{"train on", "test"} {
		if len(parts[i]) == 0 {
			return nil, nil, fmt.Errorf("%s: with the test part of %s no recording is left to %s", dir, o.Sounds.TestList, name)
		}
	}
	return all.Subset(dir, parts[0]), all.Subset(dir+" test", parts[1]), nil
}

// recordings lists the files with labels and groups, in order of their paths.
func recordings(dir string, o Options) (files []recording, notes []string, err error) {
	s := &o.Sounds
	label, err := pattern("--label-pattern", s.Label)
	if err != nil {
		return nil, nil, err
	}
	group, err := pattern("--group-pattern", s.Group)
	if err != nil {
		return nil, nil, err
	}
	if s.List != "" {
		if files, err = readList(beside(dir, s.List)); err != nil {
			return nil, nil, err
		}
	} else if files, notes, err = walk(dir); err != nil {
		return nil, nil, err
	}
	if err := markTest(files, beside(dir, s.TestList)); err != nil {
		return nil, nil, err
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("%s: no .wav file in it: expected a folder for every class with its recordings, or a list of files (--list)", dir)
	}
	for i := range files {
		f := &files[i]
		if group != nil {
			if f.group, err = cut("--group-pattern", group, f.path); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", dir, err)
			}
		}
		switch {
		case label != nil:
			if f.label, err = cut("--label-pattern", label, f.path); err != nil {
				return nil, nil, fmt.Errorf("%s: %w", dir, err)
			}
		case f.label == "":
			class, _, nested := strings.Cut(f.path, "/")
			if !nested {
				return nil, nil, fmt.Errorf("%s: %s is in no folder that would be its class: move it, name classes in a list (--list), or say which part of its name is the class, as with --label-pattern '^([^_]+)_'", dir, f.path)
			}
			f.label = class
		}
	}
	return files, notes, nil
}

// pattern reads a regular expression with one group; none is nil.
func pattern(flag, text string) (*regexp.Regexp, error) {
	if text == "" {
		return nil, nil
	}
	r, err := regexp.Compile(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	if r.NumSubexp() != 1 {
		return nil, fmt.Errorf("%s %s: %d groups in parentheses, expected 1: the part of the path that counts", flag, text, r.NumSubexp())
	}
	return r, nil
}

func cut(flag string, r *regexp.Regexp, path string) (string, error) {
	m := r.FindStringSubmatch(path)
	if m == nil || m[1] == "" {
		return "", fmt.Errorf("%s %s finds nothing in %s: it is matched with every path in the folder", flag, r, path)
	}
	return m[1], nil
}

// walk lists the WAV files below a folder. Folders that begin with "_", where sets of words
// have their noise, and hidden files are left out.
func walk(dir string) (files []recording, notes []string, err error) {
	var left []string
	err = filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := e.Name()
		switch {
		case name == dir:
		case strings.HasPrefix(base, ".") && e.IsDir():
			return fs.SkipDir
		case strings.HasPrefix(base, "_") && e.IsDir():
			left = append(left, base)
			return fs.SkipDir
		case !e.IsDir() && strings.EqualFold(filepath.Ext(base), ".wav") && !strings.HasPrefix(base, "."):
			rel, err := filepath.Rel(dir, name)
			if err != nil {
				return err
			}
			if len(files) == maxRecordings {
				return fmt.Errorf("%s: more than %d recordings", dir, maxRecordings)
			}
			files = append(files, recording{path: filepath.ToSlash(rel)})
		}
		return nil
	})
	if len(left) > 0 {
		notes = append(notes, fmt.Sprintf("folders that begin with _ are left out: %s", strings.Join(left, ", ")))
	}
	// Not the order of the walk: it depends on the separator of paths.
	slices.SortFunc(files, func(a, b recording) int { return strings.Compare(a.path, b.path) })
	return files, notes, err
}

// hasSounds reports whether a WAV file is in a folder or in one directly below.
func hasSounds(dir string) bool {
	for _, glob := range []string{"*.[wW][aA][vV]", "*/*.[wW][aA][vV]", "*/*/*.[wW][aA][vV]"} {
		if m, err := filepath.Glob(filepath.Join(dir, glob)); err == nil && len(m) > 0 {
			return true
		}
	}
	return false
}

// beside returns a list's path: as it is given, or in the folder of the recordings, where
// sets of words have theirs.
func beside(dir, list string) string {
	if in := filepath.Join(dir, list); list != "" && !exists(list) && exists(in) {
		return in
	}
	return list
}

// readList reads a list of recordings.
func readList(file string) ([]recording, error) {
	b, err := budget.ReadFile(file)
	if err != nil {
		return nil, err
	}
	var files []recording
	line, seen := 0, map[string]int{}
	for in := bufio.NewScanner(bytes.NewReader(bytes.TrimPrefix(b, []byte("\xef\xbb\xbf")))); ; {
		if !in.Scan() {
			if err := in.Err(); err != nil {
				return nil, fmt.Errorf("%s: line %d: %w", file, line+1, err)
			}
			return files, nil
		}
		line++
		text := strings.TrimSpace(in.Text())
		if text == "" || strings.HasPrefix(text, "#") {
			continue
		}
		fields := []string{text}
		for _, sep := range []string{"\t", ";", ","} {
			if strings.Contains(text, sep) {
				fields = strings.Split(text, sep)
				break
			}
		}
		for i := range fields {
			fields[i] = strings.TrimSpace(fields[i])
		}
		f := recording{path: path.Clean(strings.ReplaceAll(fields[0], `\`, "/"))}
		if len(fields) > 1 {
			f.label = fields[1]
		}
		if len(fields) > 2 {
			f.group = fields[2]
		}
		if !strings.EqualFold(path.Ext(f.path), ".wav") {
			if line == 1 && len(fields) > 1 {
				continue // names of the columns
			}
			return nil, fmt.Errorf("%s: line %d: %q is no .wav file: expected path, label and, if known, what the recording belongs to", file, line, fields[0])
		}
		if len(fields) > 3 || len(fields) > 1 && f.label == "" {
			return nil, fmt.Errorf("%s: line %d: %d fields, expected path, label and, if known, what the recording belongs to", file, line, len(fields))
		}
		if first := seen[f.path]; first != 0 {
			return nil, fmt.Errorf("%s: line %d: %s is in line %d already", file, line, f.path, first)
		}
		if len(files) > 0 && (f.label == "") != (files[0].label == "") || len(files) > 0 && (f.group == "") != (files[0].group == "") {
			return nil, fmt.Errorf("%s: line %d: has other fields than the lines before", file, line)
		}
		seen[f.path] = line
		files = append(files, f)
	}
}

// markTest marks the recordings of the test part.
func markTest(files []recording, list string) error {
	if list == "" {
		return nil
	}
	test, err := readList(list)
	if err != nil {
		return err
	}
	number := map[string]int{}
	for i, f := range files {
		number[f.path] = i
	}
	for _, t := range test {
		i, found := number[t.path]
		if !found {
			return fmt.Errorf("%s: %s is not among the recordings", list, t.path)
		}
		files[i].test = true
	}
	return nil
}

// featuresOf computes the rows of every recording.
func featuresOf(dir string, files []recording, p *audio.Parameters, wanted int) (rows [][]float32, resampled, padded int, err error) {
	rows = make([][]float32, len(files))
	was, short := make([]int, len(files)), make([]bool, len(files))
	const piece = 64
	var work errgroup.Group
	work.SetLimit(4)
	for at := 0; at < len(files); at += piece {
		work.Go(func() error {
			e := audio.NewExtractor(p)
			for i := at; i < min(at+piece, len(files)); i++ {
				file := filepath.Join(dir, filepath.FromSlash(files[i].path))
				samples, rate, err := readSamples(file, p.Rate, wanted, files[0].path)
				if err != nil {
					return err
				}
				what := fmt.Sprintf("%s: its features, %d for every %d samples,", file, p.Features(), p.Hop)
				if err := budget.Ask(what, budget.Times(4, int64(p.Rows(len(samples))), int64(p.Features()))); err != nil {
					return err
				}
				was[i], short[i] = rate, len(samples) < p.Frame
				if short[i] {
					samples = append(slices.Clone(samples), make([]float32, p.Frame-len(samples))...)
				}
				rows[i] = e.Features(samples)
			}
			return nil
		})
	}
	if err := work.Wait(); err != nil {
		return nil, 0, 0, err
	}
	for i := range files {
		if was[i] != p.Rate {
			resampled++
		}
		if short[i] {
			padded++
		}
	}
	return rows, resampled, padded, nil
}

// readSamples reads a recording at a rate; it is resampled where a rate was asked for.
func readSamples(file string, rate, wanted int, first string) (samples []float32, was int, err error) {
	s, err := wav.Open(file)
	if err != nil {
		return nil, 0, err
	}
	if len(s.Samples) == 0 {
		return nil, 0, fmt.Errorf("%s: has no samples: remove it", file)
	}
	if s.Rate != rate {
		if wanted == 0 {
			return nil, 0, fmt.Errorf("%s: %d samples a second, %s has %d: ask for one rate with --resample %d", file, s.Rate, first, rate, min(rate, s.Rate))
		}
		r, err := s.Resample(rate)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", file, err)
		}
		return r.Samples, s.Rate, nil
	}
	return s.Samples, s.Rate, nil
}

// laySounds makes a set of the rows, all sequences of one length: longer ones keep their
// end, shorter ones are padded in front.
func laySounds(dir string, files []recording, rows [][]float32, p *audio.Parameters, o Options) (*Set, error) {
	width := p.Features()
	s := &Set{Name: dir, n: len(files), Features: width, Audio: p, origin: [2]string{dir, dir}, soundsIn: dir}
	longest, shortest := 0, math.MaxInt
	for _, r := range rows {
		longest, shortest = max(longest, len(r)/width), min(shortest, len(r)/width)
	}
	s.Steps = longest
	if o.Length > 0 {
		s.Steps = o.Length
	}
	if s.Steps > maxSteps {
		return nil, fmt.Errorf("%s: the longest recording has %d rows of features, and sequences have at most %d steps: cut recordings, or ask for --length", dir, longest, maxSteps)
	}
	if err := askSequences(dir, len(files), s.Steps, width); err != nil {
		return nil, err
	}
	if shortest != longest || s.Steps != longest {
		s.lengths = make([]int32, len(files))
		s.Notes = append(s.Notes, fmt.Sprintf("recordings have %d to %d rows of features: all are brought to %d, the last ones; what is missing is padded in front", shortest, longest, s.Steps))
	}
	s.values = make([]float32, len(files)*s.Steps*width)
	for i, r := range rows {
		count := min(len(r)/width, s.Steps)
		if s.lengths != nil {
			s.lengths[i] = int32(count)
		}
		copy(s.values[((i+1)*s.Steps-count)*width:(i+1)*s.Steps*width], r[len(r)-count*width:])
		s.sounds = append(s.sounds, files[i].path)
		if files[0].group != "" {
			s.groups = append(s.groups, files[i].group)
		}
	}
	var labels []string
	for _, f := range files {
		labels = append(labels, f.label)
	}
	if o.Regression {
		s.Task, s.Outputs = nn.Regression, 1
		for i, l := range labels {
			v, err := strconv.ParseFloat(l, 32)
			if err != nil {
				return nil, fmt.Errorf("%s: the label of %s is %q, expected a number", dir, files[i].path, l)
			}
			s.targets = append(s.targets, float32(v))
		}
		return checked(s)
	}
	s.Classes = classNames(labels)
	if s.Outputs = len(s.Classes); s.Outputs > maxClasses {
		return nil, fmt.Errorf("%s: %d different labels, expected at most %d: if they are numbers to predict, ask for a regression", dir, s.Outputs, maxClasses)
	}
	number := map[string]int32{}
	for i, c := range s.Classes {
		number[c] = int32(i)
	}
	for _, l := range labels {
		s.labels = append(s.labels, number[l])
	}
	return checked(s)
}

// Sound returns the samples of sequence i, at the rate of Audio, and the name of its
// recording; nil where the set is not of recordings.
func (s *Set) Sound(i int) (samples []float32, name string, err error) {
	if s.sounds == nil {
		return nil, "", nil
	}
	name = s.sounds[s.at(i)]
	samples, _, err = readSamples(filepath.Join(s.soundsIn, filepath.FromSlash(name)), s.Audio.Rate, s.Audio.Rate, "")
	return samples, name, err
}

// Sounds returns the first n samples, of 16 bits, of the set's recordings one after the
// other, or all where there are fewer; nil where the set is not of recordings.
func (s *Set) Sounds(n int) ([]int16, error) {
	var out []int16
	for i := range s.Len() {
		if s.sounds == nil || len(out) == n {
			break
		}
		samples, _, err := s.Sound(i)
		if err != nil {
			return nil, err
		}
		for _, x := range samples[:min(len(samples), n-len(out))] {
			v := math.Round(float64(x) * 32768)
			out = append(out, int16(max(min(v, math.MaxInt16), math.MinInt16)))
		}
	}
	return out, nil
}
