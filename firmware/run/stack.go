// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bufio"
	"fmt"
	"os"
	"strconv"
	"strings"
)

// callGraph is what GCC's -fcallgraph-info=su tells about every function.
type callGraph map[string]*function

type function struct {
	stack   int  // bytes of its own frame
	counted bool // belongs to the library
	calls   []string
}

func (g callGraph) at(name string) *function {
	f := g[name]
	if f == nil {
		f = &function{}
		g[name] = f
	}
	return f
}

// read adds one file. Its lines are
//
//	node: { title: "NAME" label: "NAME\nFILE:LINE:COLUMN\n24 bytes (static)" }
//	edge: { sourcename: "NAME" targetname: "NAME" label: "..." }
func (g callGraph) read(path string, counted bool) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "node:"):
			label := quoted(line, "label:")
			bytes, ok := frame(label)
			if !ok {
				continue // a function of another file
			}
			f := g.at(quoted(line, "title:"))
			f.stack, f.counted = bytes, counted
		case strings.HasPrefix(line, "edge:"):
			from, to := quoted(line, "sourcename:"), quoted(line, "targetname:")
			if from == "" || to == "" {
				return fmt.Errorf("%s:%d: an edge without ends", path, n)
			}
			f := g.at(from)
			f.calls = append(f.calls, to)
		}
	}
	return lines.Err()
}

func quoted(line, key string) string {
	_, rest, ok := strings.Cut(line, key+` "`)
	if !ok {
		return ""
	}
	text, _, _ := strings.Cut(rest, `"`)
	return text
}

func frame(label string) (int, bool) {
	at := strings.LastIndex(label, `\n`)
	if at < 0 {
		return 0, false
	}
	number, _, ok := strings.Cut(label[at+2:], " bytes (")
	if !ok {
		return 0, false
	}
	bytes, err := strconv.Atoi(number)
	return bytes, err == nil
}

// deepest is the longest chain of frames that begins in the library, hooks of the
// port included. Recursion, which the library does not have, is followed once.
func (g callGraph) deepest() int {
	depth, active := map[string]int{}, map[string]bool{}
	var visit func(name string) int
	visit = func(name string) int {
		f := g[name]
		if d, ok := depth[name]; ok || f == nil || active[name] {
			return d
		}
		active[name] = true
		below := 0
		for _, callee := range f.calls {
			below = max(below, visit(callee))
		}
		active[name] = false
		depth[name] = f.stack + below
		return depth[name]
	}
	most := 0
	for name, f := range g {
		if f.counted {
			most = max(most, visit(name))
		}
	}
	return most
}
