// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"os"
	"strings"
	"testing"
)

// A name that a folder has too means the set, and says so: nobody trains on the wrong one
// without being told.
func TestNameBesideFolder(t *testing.T) {
	for _, c := range []struct {
		folder string
		told   bool
	}{{NameIntegrator, true}, {"other", false}} {
		t.Run(c.folder, func(t *testing.T) {
			t.Chdir(t.TempDir())
			if err := os.Mkdir(c.folder, 0o777); err != nil {
				t.Fatal(err)
			}
			var said []string
			train, _, err := OpenSource(t.Context(), NameIntegrator, Options{Seed: 1}, func(s string) { said = append(said, s) })
			if err != nil || train.Len() != IntegratorTrain {
				t.Fatalf("%d sequences, %v", train.Len(), err)
			}
			if told := strings.Contains(strings.Join(said, "\n"), "./"+c.folder); told != c.told {
				t.Errorf("said %q", said)
			}
		})
	}
}
