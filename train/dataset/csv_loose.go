// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// loose says of tables that lie in no folder of their class what they are, where names or
// columns show it, and how they are made what is read; else "".
func loose(dir string, files []recording, k *kind) string {
	if k != tables || slices.ContainsFunc(files, func(f recording) bool { return strings.Contains(f.path, "/") }) {
		return ""
	}
	first := files[0].path
	d, header := firstRowOf(filepath.Join(dir, first))
	end := path.Ext(first)
	has := func(names []string) string {
		for _, h := range header {
			if slices.Contains(names, strings.ToLower(h)) {
				return h
			}
		}
		return ""
	}
	label, sequence := has(labelNames), has(sequenceNames)
	switch {
	case label != "" && sequence == "":
		return fmt.Sprintf("%s has its label in column %q, and the class of a table in a folder is the folder: make one table of all, as with %s", first, label, joinedTables(dir, end, d, "{'sequence': f}"))
	case label != "":
		return fmt.Sprintf("%s has columns %q and %q, and in a folder every table is one sequence: give one table or, where all are one, make it, as with %s", first, sequence, label,
			joinedTables(dir, end, d, "{sys.argv[3]: lambda t: f + ' ' + t[sys.argv[3]]}", sequence))
	case sequence != "":
		return fmt.Sprintf("%s has the sequences of column %q, and in a folder every table is one sequence: if its name is the class, make one table of all, as with %s", first, sequence,
			joinedTables(dir, end, d, "{'label': os.path.splitext(f)[0], sys.argv[3]: lambda t: f + ' ' + t[sys.argv[3]]}", sequence))
	}
	return ""
}

// headerOf returns the first row of a table, nothing where it cannot be read.
func headerOf(file string) []string {
	_, header := firstRowOf(file)
	return header
}

// firstRowOf returns how a table is written, too.
func firstRowOf(file string) (dialect, []string) {
	f, err := os.Open(file)
	if err != nil {
		return dialect{}, nil
	}
	defer f.Close()
	t := &table{file: file}
	_, header, err := t.begin(f)
	if err != nil {
		return dialect{}, nil
	}
	return t.dialect, trimmed(header)
}
