// SPDX-License-Identifier: Apache-2.0

// Mutants measures what the tests of a package can tell: it changes the package's code in
// one place at a time, runs the package's own tests, and counts the changes that a test
// noticed. What survives is printed: the tests that are missing.
//
//	go run ./.ci/mutants [-sample N] [-seed S] [-at FILE:LINE,...] [-tests REGEXP] PACKAGE...
//
// All changes of a package are compiled into one test program that makes one of them,
// chosen by an environment variable, and that notes which changes a test comes by: a change
// costs the run of the tests that reach it, the quickest first, and no compilation. While
// tests are written, -seconds leaves out the slow ones and -tests all but some: a change
// that the others do not notice is a change that all of them may.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"sort"
	"strings"
)

// choice is what is tried of a package, and with which of its tests.
type choice struct {
	sample  int
	seed    uint64
	at      []string
	list    bool
	seconds float64
	tests   *regexp.Regexp
	jobs    int
}

func main() {
	sample := flag.Int("sample", 0, "number of changes of each package to try, 0 for all")
	seed := flag.Uint64("seed", 1, "which changes a sample takes")
	at := flag.String("at", "", "only changes whose place contains one of these texts, such as dma.go:41,u85_dma.go")
	list := flag.Bool("list", false, "print the changes and do not run any")
	seconds := flag.Float64("seconds", 600, "leave out tests that take longer: the score is then at least what it says")
	tests := flag.String("tests", "", "run only tests with such names: the score is then at least what it says")
	jobs := flag.Int("jobs", runtime.NumCPU(), "programs that run at the same time")
	least := flag.Float64("least", 0, "fail below this percentage")
	flag.Parse()
	names, err := regexp.Compile(*tests)
	if err != nil || *jobs < 1 {
		fmt.Fprintf(os.Stderr, "mutants: -tests %q (%v) and -jobs %d: expected a regular expression, and at least 1\n", *tests, err, *jobs)
		os.Exit(2)
	}
	x := choice{sample: *sample, seed: *seed, at: strings.Split(*at, ","), list: *list, seconds: *seconds, tests: names, jobs: *jobs}
	failed := false
	var table strings.Builder
	for _, path := range flag.Args() {
		score, line, err := measure(path, x)
		if err != nil {
			fmt.Fprintf(os.Stderr, "mutants: %s: %v\n", path, err)
			failed = true
			continue
		}
		table.WriteString(line)
		failed = failed || score < *least
	}
	fmt.Print("\n", table.String())
	if failed {
		os.Exit(1)
	}
}

// measure tries the changes of one package. The score is the percentage of changes that
// tests noticed, of those that are not known to change nothing.
func measure(path string, x choice) (float64, string, error) {
	p, err := load(path)
	if err != nil {
		return 0, "", err
	}
	if err := p.change(); err != nil {
		return 0, "", err
	}
	harmless, err := readHarmless(filepath.Join(p.root, ".ci/mutants/equivalent.txt"))
	if err != nil {
		return 0, "", err
	}
	var chosen []*mutant
	equivalent := 0
	for _, m := range p.mutants {
		if harmless.knows(m) {
			equivalent++
			continue
		}
		if slices.ContainsFunc(x.at, func(at string) bool { return strings.Contains(m.place, at) }) {
			chosen = append(chosen, m)
		}
	}
	if err := harmless.unused(p.dir); err != nil {
		return 0, "", err
	}
	all := len(chosen)
	if x.sample > 0 && x.sample < all {
		r := rand.New(rand.NewPCG(x.seed, uint64(all)))
		r.Shuffle(all, func(i, j int) { chosen[i], chosen[j] = chosen[j], chosen[i] })
		chosen = chosen[:x.sample]
		sort.Slice(chosen, func(i, j int) bool { return chosen[i].id < chosen[j].id })
	}
	if x.list {
		for _, m := range chosen {
			fmt.Println(m)
		}
		return 100, fmt.Sprintf("%-20s %5d changes\n", p.dir, all), nil
	}
	b, err := p.build()
	if err != nil {
		return 0, "", err
	}
	defer b.remove()
	if err := b.profile(x); err != nil {
		return 0, "", err
	}
	noticed, reached := 0, 0
	results := make([]outcome, len(chosen))
	done := inTurn(len(chosen), x.jobs, func(i int) { results[i] = b.try(chosen[i]) })
	for i, m := range chosen {
		<-done[i]
		how := results[i]
		if how != unreached {
			reached++
		}
		if how == killed {
			noticed++
			continue
		}
		fmt.Printf("%s: %s\n", how, m)
	}
	score := 100 * float64(noticed) / float64(max(len(chosen), 1))
	return score, fmt.Sprintf("%-20s %5.1f %%  %4d of %4d noticed, %4d reached; %d changes in all, %d more change nothing\n",
		p.dir, score, noticed, len(chosen), reached, all, equivalent), nil
}

// inTurn calls f with 0 to n-1, so many at the same time; a channel closes when its call is
// done.
func inTurn(n, jobs int, f func(i int)) []chan struct{} {
	done, next := make([]chan struct{}, n), make(chan int, n)
	for i := range done {
		done[i] = make(chan struct{})
		next <- i
	}
	close(next)
	for range jobs {
		go func() {
			for i := range next {
				f(i)
				close(done[i])
			}
		}()
	}
	return done
}
