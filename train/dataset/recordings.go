// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bufio"
	"bytes"
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// recording is a file of a folder.
type recording struct {
	path         string // from the folder, with "/"
	label, group string
	part         part
}

// maxRecordings bounds the number of files.
const maxRecordings = 1 << 20

// kind is what a folder holds a file of for every sequence.
type kind struct {
	ends   []string // of names, in lower case
	one    string   // of them, for messages
	others []string // ends of names of files that people take for such, and that are not read
	hint   string   // what to do with those
}

func (k *kind) is(name string) bool { return slices.Contains(k.ends, strings.ToLower(path.Ext(name))) }

var sounds = &kind{[]string{".wav"}, "recording", otherSounds, "convert them with ffmpeg or sox"}

// otherSounds are the ends of names of recordings that are not read.
var otherSounds = []string{".flac", ".mp3", ".ogg", ".opus", ".m4a", ".aac", ".aif", ".aiff", ".wma", ".sph", ".raw", ".pcm"}

// recordings lists the files with labels and groups, in order of their paths.
func recordings(dir string, o Options, k *kind) (files []recording, notes []string, err error) {
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
		if files, err = readList(beside(dir, s.List), k); err != nil {
			return nil, nil, err
		}
	} else if files, notes, err = walk(dir, k); err != nil {
		return nil, nil, err
	}
	if err := markTest(files, beside(dir, s.TestList), k); err != nil {
		return nil, nil, err
	}
	if len(files) == 0 {
		return nil, nil, fmt.Errorf("%s: no %s file in it: expected a folder for every class with its %ss, or a list of files (--list)", dir, k.ends[0], k.one)
	}
	inParts := false
	if s.List == "" {
		parts := partsOf(files, s.TestList == "")
		if inParts = parts != nil; inParts {
			notes = append(notes, fmt.Sprintf("the folders %s are taken for parts, not for classes; classes are the folders in them", shown(parts)))
		}
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
			name := f.path
			if inParts {
				_, name, _ = strings.Cut(name, "/")
			}
			class, _, nested := strings.Cut(name, "/")
			if !nested {
				if hint := loose(dir, files, k); hint != "" {
					return nil, nil, fmt.Errorf("%s: %s", dir, hint)
				}
				return nil, nil, fmt.Errorf("%s: %s is in no folder that would be its class: move it, name classes in a list (--list), or say which part of its name is the class, as with --label-pattern '^([^_]+)_'", dir, f.path)
			}
			f.label = class
		}
	}
	if label == nil && s.List == "" && !inParts {
		notes = append(notes, tooDeep(dir, files, k)...)
	}
	return files, notes, nil
}

// partsOf returns the folders of parts that the recordings are in, two or more with one to train
// on, where they are in nothing else, each with a folder for every class. The recordings are
// marked with their parts; those of the test part are not where a list has done so.
func partsOf(files []recording, mark bool) (parts []string) {
	trains := false
	of := make([]part, len(files))
	for i, f := range files {
		name, rest, nested := strings.Cut(f.path, "/")
		p, known := partOf(name)
		if !nested || !strings.Contains(rest, "/") || !known {
			return nil
		}
		of[i], trains = p, trains || p != testPart
		if !slices.Contains(parts, name) {
			parts = append(parts, name)
		}
	}
	if len(parts) < 2 || !trains {
		return nil
	}
	// Without a part to train on the one that validates is trained on.
	held := slices.Contains(of, trainPart)
	for i, p := range of {
		if p == testPart && mark || p == heldPart && held && files[i].part == trainPart {
			files[i].part = p
		}
	}
	return parts
}

// tooDeep says of recordings that are all below one folder, which is the only class then, and in
// several below that, where classes could be.
func tooDeep(dir string, files []recording, k *kind) (notes []string) {
	if slices.ContainsFunc(files, func(f recording) bool { return f.label != files[0].label }) {
		return nil
	}
	common := path.Dir(files[0].path)
	for _, f := range files {
		for common != "." && !strings.HasPrefix(f.path, common+"/") {
			common = path.Dir(common)
		}
	}
	for _, f := range files {
		if path.Dir(f.path) != common {
			return []string{fmt.Sprintf("every %s is below the folder %s, which is the only class: if the folders in %s are the classes, give that one", k.one, files[0].label, path.Join(filepath.ToSlash(dir), common))}
		}
	}
	return nil
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

// walk lists the files of a kind below a folder. Folders that begin with "_", where sets of words
// have their noise, and hidden files are left out.
func walk(dir string, k *kind) (files []recording, notes []string, err error) {
	var left []string
	other, first := 0, ""
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
		case !e.IsDir() && k.is(base) && !strings.HasPrefix(base, "."):
			rel, err := filepath.Rel(dir, name)
			if err != nil {
				return err
			}
			if len(files) == maxRecordings {
				return fmt.Errorf("%s: more than %d %ss", dir, maxRecordings, k.one)
			}
			files = append(files, recording{path: filepath.ToSlash(rel)})
		case !e.IsDir() && !strings.HasPrefix(base, ".") && slices.Contains(k.others, strings.ToLower(filepath.Ext(base))):
			if other++; other == 1 {
				first = base
			}
		}
		return nil
	})
	if other > 0 {
		notes = append(notes, fmt.Sprintf("%d %ss that are no %s files are left out, as %s: %s", other, k.one, k.ends[0], first, k.hint))
	}
	if len(left) > 0 {
		notes = append(notes, fmt.Sprintf("folders that begin with _ are left out: %s", strings.Join(left, ", ")))
	}
	// Not the order of the walk: it depends on the separator of paths.
	slices.SortFunc(files, func(a, b recording) int { return strings.Compare(a.path, b.path) })
	return files, notes, err
}

// maxDepth and maxSearched bound the search for a first WAV file.
const (
	maxDepth    = 8
	maxSearched = 1 << 16
)

// within reports whether a file of the kind is in a folder or below it.
func (k *kind) within(dir string) bool {
	found, searched := false, 0
	filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		rel, _ := filepath.Rel(dir, name)
		switch searched++; {
		case err != nil:
			return fs.SkipDir
		case searched > maxSearched:
			return fs.SkipAll
		case e.IsDir() && (strings.Count(filepath.ToSlash(rel), "/") >= maxDepth || len(rel) > 1 && strings.HasPrefix(e.Name(), ".")):
			return fs.SkipDir
		case !e.IsDir() && k.is(name) && !strings.HasPrefix(e.Name(), "."):
			found = true
			return fs.SkipAll
		}
		return nil
	})
	return found
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
func readList(file string, k *kind) ([]recording, error) {
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
		if !k.is(f.path) {
			if line == 1 && len(fields) > 1 {
				continue // names of the columns
			}
			return nil, fmt.Errorf("%s: line %d: %q is no %s file: expected path, label and, if known, what the %s belongs to", file, line, fields[0], k.ends[0], k.one)
		}
		if len(fields) > 3 || len(fields) > 1 && f.label == "" {
			return nil, fmt.Errorf("%s: line %d: %d fields, expected path, label and, if known, what the %s belongs to", file, line, len(fields), k.one)
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
func markTest(files []recording, list string, k *kind) error {
	if list == "" {
		return nil
	}
	test, err := readList(list, k)
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
			return fmt.Errorf("%s: %s is not among the %ss", list, t.path, k.one)
		}
		files[i].part = testPart
	}
	return nil
}
