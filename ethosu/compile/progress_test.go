// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
)

// TestProgress: who waits is told of every pass that runs, in order; the chain is long enough
// that one variant is all there is to try.
func TestProgress(t *testing.T) {
	o := config{"ethos-u55-128", "", ""}.options(t)
	o.Skip = []string{"order", "shapes"}
	var want, got []string
	for _, p := range compile.Passes {
		if !slices.Contains(o.Skip, p.Name) {
			want = append(want, p.Name)
		}
	}
	o.Progress = func(pass string) { got = append(got, pass) }
	if _, err := compile.Compile(elementwiseChain(32, 120), o); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("told of %q, expected %q", got, want)
	}
}
