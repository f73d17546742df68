// SPDX-License-Identifier: Apache-2.0

// Skipped reads what go test -json writes and prints what go test prints, as it comes;
// at the end it lists the tests that were skipped and why, so that nobody takes what was
// not proven for proven.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"
)

// event is a line of test2json.
type event struct {
	Action, Package, Test, Output string
}

func main() {
	begin := time.Now()
	said := map[[2]string][]string{} // by package and test, while it runs
	var skipped []string
	passed := 0
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 1<<24)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Println(lines.Text()) // of the build
			continue
		}
		key := [2]string{e.Package, e.Test}
		switch e.Action {
		case "output", "build-output":
			if e.Test != "" {
				said[key] = append(said[key], e.Output)
			} else if e.Output != "PASS\n" {
				fmt.Print(e.Output)
			}
		case "skip":
			if e.Test != "" {
				skipped = append(skipped, fmt.Sprintf("%s %s: %s", e.Package, e.Test, reason(said[key])))
			}
			delete(said, key)
		case "fail":
			fmt.Print(strings.Join(said[key], ""))
			delete(said, key)
		case "pass":
			if e.Test != "" {
				passed++
			}
			delete(said, key)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	slices.Sort(skipped)
	fmt.Printf("\n%d tests passed, %d were skipped, in %v\n", passed, len(skipped), time.Since(begin).Round(time.Second))
	for _, s := range skipped {
		fmt.Println("skipped:", s)
	}
}

// reason is what a test said when it was skipped.
func reason(output []string) string {
	for _, line := range output {
		if _, why, ok := strings.Cut(line, "SKIPPED: "); ok {
			return strings.TrimSpace(why)
		}
	}
	for _, line := range output {
		if text := strings.TrimSpace(line); text != "" && !strings.HasPrefix(text, "===") && !strings.HasPrefix(text, "---") {
			return text
		}
	}
	return "it does not say why"
}
