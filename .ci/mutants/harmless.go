// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
)

// list of changes that no test can notice. A line is FILE FUNCTION `TEXT` WHAT: WHY; what
// has no such place any more is an error, so that the list does not outlive the code.
type harmlessList map[string]bool // whether one was met

func readHarmless(path string) (harmlessList, error) {
	text, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return harmlessList{}, nil
	}
	list := harmlessList{}
	for i, line := range strings.Split(string(text), "\n") {
		if line == "" || line[0] == '#' {
			continue
		}
		key, why, ok := strings.Cut(line, " -- ")
		if !ok || why == "" {
			return nil, fmt.Errorf("%s:%d: want FILE FUNCTION `TEXT` WHAT -- WHY", path, i+1)
		}
		list[key] = false
	}
	return list, err
}

func (l harmlessList) knows(m *mutant) bool {
	file, _, _ := strings.Cut(m.place, ":")
	key := fmt.Sprintf("%s %s `%s` %s", file, m.function, m.text, m.what)
	if _, ok := l[key]; !ok {
		return false
	}
	l[key] = true
	return true
}

// unused refuses lines for a folder that name no change.
func (l harmlessList) unused(dir string) error {
	for key, met := range l {
		file, _, _ := strings.Cut(key, " ")
		if !met && strings.HasPrefix(file, dir+"/") && !strings.Contains(file[len(dir)+1:], "/") {
			return fmt.Errorf("the list of equivalent changes names one that is not there: %s", key)
		}
	}
	return nil
}
