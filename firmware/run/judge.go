// SPDX-License-Identifier: Apache-2.0

package run

import (
	"fmt"
	"strconv"
	"strings"
)

// result is the line that ends a program's output:
//
//	RESULT: PASS calls=200 mismatches=0 cycles=123456
type result struct {
	pass   bool
	values map[string]uint64
}

// parseResult finds the last result line. Values that are no numbers are left out.
func parseResult(console string) (result, bool) {
	at := strings.LastIndex(console, "RESULT:")
	if at < 0 {
		return result{}, false
	}
	line, _, whole := strings.Cut(console[at:], "\n")
	fields := strings.Fields(line)
	if !whole || len(fields) < 2 || (fields[1] != "PASS" && fields[1] != "FAIL") {
		return result{}, false
	}
	r := result{pass: fields[1] == "PASS", values: map[string]uint64{}}
	for _, f := range fields[2:] {
		name, text, _ := strings.Cut(f, "=")
		if v, err := strconv.ParseUint(text, 10, 64); err == nil {
			r.values[name] = v
		}
	}
	return r, true
}

// counters are the events of the NPU's PMU that a program counts, with their meaning.
var counters = []struct{ name, meaning string }{
	{"mac_active", "MAC unit works"},
	{"mac_on_weights", "it waits for weights"},
	{"axi0_read_beats", "beats read through port 0"},
	{"axi1_read_beats", "through port 1"},
}

// CounterText is the counters in words, empty when nothing counted.
func (r *Report) CounterText() string {
	var s strings.Builder
	for _, c := range counters {
		if v, ok := r.Counters[c.name]; ok {
			fmt.Fprintf(&s, "; %s %d", c.meaning, v)
		}
	}
	return s.String()
}

// judge decides from console, exit status and link whether the program passed.
func (r *Report) judge() {
	res, found := parseResult(r.Console)
	r.Calls = int(res.values["calls"])
	r.Mismatches = int(res.values["mismatches"])
	r.Cycles = res.values["cycles"]
	for _, c := range counters {
		if v, ok := res.values[c.name]; ok {
			if r.Counters == nil {
				r.Counters = map[string]uint64{}
			}
			r.Counters[c.name] = v
		}
	}
	if r.Problem == "" {
		r.Problem = r.problem(res, found)
	}
	r.Pass = r.Problem == ""
}

func (r *Report) problem(res result, found bool) string {
	switch {
	case r.Link != nil && len(r.Link.Violations) > 0:
		return r.Link.Violations[0].Error()
	case r.Exit != 0 && exitText(r.Exit) != "":
		return exitText(r.Exit)
	case !found:
		return fmt.Sprintf("no result line on the console (exit status %d)", r.Exit)
	case !res.pass && r.Calls == 0:
		return "the golden vectors did not run" + lastWords(r.Console)
	case !res.pass || r.Mismatches != 0:
		return fmt.Sprintf("%d of %d calls differ from the golden vectors", r.Mismatches, r.Calls) + lastWords(r.Console)
	case r.Exit != 0:
		return fmt.Sprintf("exit status %d in spite of RESULT: PASS", r.Exit)
	}
	return ""
}

// exitText explains the statuses that firmware and emulator give a meaning; empty
// for those of the application.
func exitText(status int) string {
	switch status {
	case 95:
		return "program and this unroll speak different link versions: generate and build it again"
	case 96:
		return "the program does not understand the link (exit status 96)"
	case 97, 98:
		return fmt.Sprintf("the program lost the link (exit status %d)", status)
	case 99:
		return "the core took a fault: see the FAULT line on the console"
	case 134:
		return "the core locked up: a fault inside the fault handler (QEMU exit status 134)"
	case -1:
		return "the program was killed"
	}
	return ""
}

// lastWords is the line before the result, in which an application says what went
// wrong.
func lastWords(console string) string {
	lines := strings.Split(strings.TrimSpace(console), "\n")
	if n := len(lines); n >= 2 && strings.HasPrefix(lines[n-1], "RESULT:") {
		return ": " + lines[n-2]
	}
	return ""
}
