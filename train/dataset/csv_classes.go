// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
)

// classTables are the names of tables that say what numbers of classes stand for.
var classTables = []string{"activity_labels", "activity_names", "activities", "class_names", "class_labels", "classes", "label_names", "target_names"}

// namesBeside finds the table in a folder that names classes; "" where there is none, or more.
func namesBeside(dir string) string {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return ""
	}
	found := ""
	for _, e := range entries {
		if name := e.Name(); !e.IsDir() && slices.Contains(tableEnds, strings.ToLower(filepath.Ext(name))) && slices.Contains(classTables, strings.ToLower(tableName(name))) {
			if found != "" {
				return ""
			}
			found = filepath.Join(dir, name)
		}
	}
	return found
}

// readNames reads lines of a number and a name, with blanks or another separator between them; nil
// where a table has other lines.
func readNames(file string) map[float64]string {
	raw, err := budget.ReadFile(file)
	if err != nil {
		return nil
	}
	names, seen := map[float64]string{}, map[string]bool{}
	for line := range strings.Lines(string(withoutMark(raw))) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		end := strings.IndexAny(line, " \t,;:|=")
		if end < 0 {
			return nil
		}
		number, err := strconv.Atoi(line[:end])
		name := strings.Trim(line[end:], " \t,;:|=\"")
		if err != nil && len(names) == 0 && !seen[""] {
			seen[""] = true // names of the columns
			continue
		}
		if _, twice := names[float64(number)]; err != nil || twice || name == "" || seen[name] {
			return nil
		}
		names[float64(number)], seen[name] = name, true
	}
	return names
}

// nameClasses gives labels that are numbers the names that a table beside them has for all of
// them, and says so.
func (t *table) nameClasses(dir string) {
	file := namesBeside(dir)
	if file == "" || t.o.Regression {
		return
	}
	names := readNames(file)
	if len(names) == 0 {
		return
	}
	named := make([]string, len(t.labels))
	for i, l := range t.labels {
		if l == "" {
			continue
		}
		v, ok := t.exact(l)
		if named[i] = names[v]; !ok || named[i] == "" {
			t.notes = append(t.notes, fmt.Sprintf("%s has no name for label %q, and its names are not taken", filepath.ToSlash(file), l))
			return
		}
	}
	t.labels = named
	t.notes = append(t.notes, fmt.Sprintf("classes have the names of %s", filepath.ToSlash(file)))
}
