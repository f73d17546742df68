// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"os"
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
	const join = `python3 -c "import pandas, glob; pandas.concat(pandas.read_csv(f).assign(%s) for f in sorted(glob.glob('*.csv'))).to_csv('../all.csv', index=False)"`
	first := files[0].path
	header := headerOf(filepath.Join(dir, first))
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
		return fmt.Sprintf("%s has its label in column %q, and the class of a table in a folder is the folder: make one table of all, as with "+join, first, label, "sequence=f")
	case label != "":
		return fmt.Sprintf("%s has columns %q and %q, and in a folder every table is one sequence: make one table of all, with numbers of sequences of its own, or give one table", first, sequence, label)
	case sequence != "":
		return fmt.Sprintf("%s has the sequences of column %q, and in a folder every table is one sequence: if its name is the class, make one table of all, as with "+join, first, sequence, fmt.Sprintf("label=f[:-4], %s=lambda t: f + t['%s'].astype(str)", sequence, sequence))
	}
	return ""
}

// headerOf returns the first row of a table, nothing where it cannot be read.
func headerOf(file string) []string {
	f, err := os.Open(file)
	if err != nil {
		return nil
	}
	defer f.Close()
	_, header, err := (&table{file: file}).begin(f)
	if err != nil {
		return nil
	}
	return trimmed(header)
}
