// SPDX-License-Identifier: Apache-2.0

package testdata

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A Recording is a text that is compared with a file in the testdata of the package under
// test, line by line, or written there. Such a file holds what the code said when it was
// right by other tests: a line that differs is a rule that was changed, and the change has
// to say why.
type Recording struct {
	strings.Builder
	t      testing.TB
	name   string
	update bool
	want   string
	same   int // bytes that were compared
}

// NewRecording begins the text of a file.
func NewRecording(t testing.TB, name string, update bool) *Recording {
	r := &Recording{t: t, name: filepath.Join("testdata", name), update: update}
	if !update {
		r.read()
	}
	return r
}

func (r *Recording) read() {
	r.t.Helper()
	b, err := os.ReadFile(r.name)
	if err != nil {
		r.t.Fatal(err)
	}
	r.want = string(b)
}

// Part ends a short test when the text is another one so far: what follows need not be
// computed to know that.
func (r *Recording) Part() {
	r.t.Helper()
	if r.update || !testing.Short() {
		return
	}
	so := r.String()
	if !strings.HasPrefix(r.want[r.same:], so[r.same:]) {
		r.compare(r.want[:min(len(so), len(r.want))])
		r.t.FailNow()
	}
	r.same = len(so)
}

// End compares the whole text, or writes it.
func (r *Recording) End() {
	r.t.Helper()
	if r.update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			r.t.Fatal(err)
		}
		if err := os.WriteFile(r.name, []byte(r.String()), 0o666); err != nil {
			r.t.Fatal(err)
		}
		r.read()
	}
	r.compare(r.want)
}

// compare reports the lines that differ.
func (r *Recording) compare(recorded string) {
	r.t.Helper()
	if recorded == r.String() {
		return
	}
	r.t.Errorf("%s differs; write it anew with -update when each of the lines is meant to (-recorded +now):\n%s", r.name,
		cmp.Diff(strings.Split(recorded, "\n"), strings.Split(r.String(), "\n")))
}

// Recorded is a recording of one part.
func Recorded(t testing.TB, name, text string, update bool) {
	t.Helper()
	r := NewRecording(t, name, update)
	r.WriteString(text)
	r.End()
}
