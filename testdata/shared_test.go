// SPDX-License-Identifier: Apache-2.0

package testdata

import (
	"bytes"
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// Every file that is kept is found under its name, is small, and is what lies beside the
// project, where that is at hand.
func TestEvidence(t *testing.T) {
	n, total := 0, int64(0)
	err := fs.WalkDir(evidence, "data", func(name string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		n, total = n+1, total+info.Size()
		if info.Size() > 1<<20 {
			t.Errorf("%s has %d bytes, expected at most 1 MiB", name, info.Size())
		}
		plain, ok := strings.CutSuffix(name, ".gz")
		if !ok || !keeps(plain) {
			t.Errorf("%s is not one of the files that are kept", name)
			return nil
		}
		got := ReadShared(t, plain)
		if p, err := beside(t, plain); err == nil {
			want, err := os.ReadFile(p)
			if err != nil {
				return err
			}
			if !bytes.Equal(got, want) {
				t.Errorf("%s differs from what lies beside the project", plain)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 50 || total > 8<<20 {
		t.Errorf("%d files of %d bytes, expected at least 50 of at most 8 MiB", n, total)
	}
	for _, pattern := range kept {
		if found := Glob(t, path.Dir(pattern), path.Base(pattern)); len(found) == 0 {
			t.Errorf("nothing matches %s", pattern)
		}
	}
}
