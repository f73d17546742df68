// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"sort"
	"strings"
	"time"
)

//go:embed chooser.go.txt
var chooser string

// program is the package's tests with every change in them.
type program struct {
	*pkg
	folder, binary string
	tests          []*test // the quickest first
}

// test is one test, what it reaches and what it costs.
type test struct {
	name    string
	seconds float64 // of the processor
	reaches []byte
}

// outcome of a change.
type outcome string

const (
	killed    outcome = "noticed"
	survived  outcome = "survives"
	unreached outcome = "unreached"
)

// build writes the changed files beside the package and compiles its tests with them.
func (p *pkg) build() (*program, error) {
	folder, err := os.MkdirTemp("", "mutants-")
	if err != nil {
		return nil, err
	}
	b := &program{pkg: p, folder: folder, binary: filepath.Join(folder, "tests")}
	replace := map[string]string{}
	put := func(path, text string) error {
		to := filepath.Join(folder, filepath.Base(path))
		replace[filepath.Join(p.root, path)] = to
		return os.WriteFile(to, []byte(text), 0o600)
	}
	for _, f := range p.files {
		if err := put(f.path, f.changed()); err != nil {
			return nil, err
		}
	}
	text := strings.NewReplacer("PACKAGE", p.name, "MUTANTS+1", fmt.Sprint(len(p.mutants)+1)).Replace(chooser)
	if err := put(filepath.Join(p.dir, "mutants_chooser.go"), text); err != nil {
		return nil, err
	}
	overlay, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(folder, "overlay.json"), overlay, 0o600); err != nil {
		return nil, err
	}
	command := exec.Command("go", "test", "-c", "-overlay", filepath.Join(folder, "overlay.json"), "-o", b.binary, "./"+p.dir)
	command.Dir = p.root
	if out, err := command.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("the changed package, kept in %s, does not compile: %w\n%s", folder, err, out)
	}
	return b, nil
}

func (b *program) remove() { os.RemoveAll(b.folder) }

// changed is a file's text with all its changes.
func (s *source) changed() string {
	sort.SliceStable(s.edits, func(i, j int) bool {
		a, b := s.edits[i], s.edits[j]
		return a.offset < b.offset || a.offset == b.offset && a.rank < b.rank
	})
	var text bytes.Buffer
	done := 0
	for _, e := range s.edits {
		text.Write(s.text[done:e.offset])
		text.WriteString(e.text)
		done = e.offset
	}
	text.Write(s.text[done:])
	return text.String()
}

// execute runs some tests for at most so many seconds of the processor, and says whether
// all passed. A change may ask for any amount of memory: 8 GB of addresses are enough.
func (b *program) execute(names []string, seconds float64, environment ...string) (bool, float64) {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = regexp.QuoteMeta(n)
	}
	limit := fmt.Sprintf("ulimit -v 8388608 -t %d; exec \"$@\"", int(math.Ceil(seconds)))
	command := exec.Command("bash", "-c", limit, "bash", b.binary, "-test.short", "-test.failfast", "-test.timeout", "10m",
		"-test.run", "^("+strings.Join(quoted, "|")+")$")
	command.Dir = filepath.Join(b.root, b.dir)
	command.Env = append(os.Environ(), environment...)
	// A change that lets a test wait for ever takes no time of the processor.
	stop := time.AfterFunc(time.Duration(20*seconds+60)*time.Second, func() { command.Process.Kill() })
	defer stop.Stop()
	err := command.Run()
	return err == nil, (command.ProcessState.UserTime() + command.ProcessState.SystemTime()).Seconds()
}

// profile runs every test alone and notes what it reaches. All have to pass. Those that
// take longer than is wanted are left out.
func (b *program) profile(x choice) error {
	command := exec.Command(b.binary, "-test.list", ".")
	command.Dir = filepath.Join(b.root, b.dir)
	out, err := command.Output()
	if err != nil {
		return fmt.Errorf("listing the tests: %w", err)
	}
	names := slices.DeleteFunc(strings.Fields(string(out)), func(n string) bool { return strings.HasPrefix(n, "Benchmark") || !x.tests.MatchString(n) })
	tests, errs := make([]*test, len(names)), make([]error, len(names))
	for i, done := range inTurn(len(names), x.jobs, func(i int) { tests[i], errs[i] = b.look(names[i], x.seconds) }) {
		<-done
		if errs[i] == nil && tests[i] == nil {
			fmt.Printf("left out: %s, more than %g s\n", names[i], x.seconds)
		}
	}
	b.tests = slices.DeleteFunc(tests, func(t *test) bool { return t == nil })
	sort.SliceStable(b.tests, func(i, j int) bool { return b.tests[i].seconds < b.tests[j].seconds })
	return errors.Join(errs...)
}

// look runs a test alone; one that takes longer than most seconds is none.
func (b *program) look(name string, most float64) (*test, error) {
	seen := filepath.Join(b.folder, "seen-"+name)
	if err := os.WriteFile(seen, make([]byte, len(b.mutants)+1), 0o600); err != nil {
		return nil, err
	}
	passed, seconds := b.execute([]string{name}, most+1, "MUTANTS_SEEN="+seen)
	if seconds > most { // ended or not
		return nil, nil
	}
	if !passed {
		return nil, fmt.Errorf("%s fails without a change", name)
	}
	reaches, err := os.ReadFile(seen)
	return &test{name, seconds, reaches}, err
}

// try runs the tests that come by a change: the quick ones together, the others alone.
func (b *program) try(m *mutant) outcome {
	var names []string
	total := 0.0
	result := unreached
	run := func() bool {
		passed, _ := b.execute(names, 3*total+3, fmt.Sprintf("MUTANT=%d", m.id))
		names, total = nil, 0
		return passed
	}
	for _, t := range b.tests {
		if t.reaches[m.id] == 0 {
			continue
		}
		result = survived
		if len(names) > 0 && total+t.seconds > 0.3 && !run() {
			return killed
		}
		names, total = append(names, t.name), total+t.seconds
	}
	if len(names) > 0 && !run() {
		return killed
	}
	return result
}
