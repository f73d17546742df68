// Package testdata finds the data sets, models and golden vectors that tests use
// when they are at hand. They live beside the project, not in it, and every test
// that needs them passes through Shared.
package testdata

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

// Shared returns the path of a file or folder below ../shared, seen from the
// project's root. When it is absent the test is skipped, loudly, since what it
// proves stays unproven.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	_, here, _, ok := runtime.Caller(0)
	if !ok {
		t.Fatal("BUG: the source path of package testdata is unknown")
	}
	path := filepath.Join(append([]string{filepath.Dir(here), "..", "..", "shared"}, elem...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("SKIPPED: %s is not here, so this is not proven: %v", filepath.Join(append([]string{"../shared"}, elem...)...), err)
	}
	return path
}

// ReadShared returns the content of a file below ../shared or skips the test.
func ReadShared(t testing.TB, elem ...string) []byte {
	t.Helper()
	b, err := os.ReadFile(Shared(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}
