// SPDX-License-Identifier: Apache-2.0

// Package testdata finds the data sets, models and golden vectors that tests use. What
// the project needs to prove itself lies in data, compressed; what is large or belongs
// to others lies beside the project, where it is at hand.
package testdata

import (
	"bytes"
	"compress/gzip"
	"embed"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

//go:embed data
var evidence embed.FS

// kept are the files of ../shared that the project has itself, as patterns of path.Match.
// A test that cannot read one of them fails.
var kept = []string{
	"data/vectors/*.json", "data/operators/ops2.json", "data/cases/verify/*",
	"data/u85/gru16_t4.*", "data/u85/gru32x40_stream.*", "data/u85/rnn64_mnist.*", "data/u85/lstm64_mnist_state.*",
	"data/u85/ops/*", "data/u85/weight-stream-u85.json",
	"data/models/gru16_t4.*", "data/models/gru32x40_stream.*", "data/models/rnn64_mnist.*", "data/models/lstm64_mnist_state.*",
}

// keeps reports whether the project has a file itself.
func keeps(name string) bool {
	return slices.ContainsFunc(kept, func(pattern string) bool {
		ok, err := path.Match(pattern, name)
		return ok && err == nil
	})
}

// read unpacks a file that the project has itself.
func read(t testing.TB, name string) []byte {
	t.Helper()
	b, err := evidence.ReadFile(name + ".gz")
	if err != nil {
		t.Fatalf("testdata/%s.gz is missing: %v", name, err)
	}
	return unpack(t, "testdata/"+name+".gz", b)
}

// Unpacked returns what a file compressed with gzip holds, which lies beside the test.
func Unpacked(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return unpack(t, name, b)
}

func unpack(t testing.TB, name string, b []byte) []byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(b))
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	if b, err = io.ReadAll(z); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return b
}

// beside returns the path of a file or folder below ../shared, seen from the project's
// root, and whether it is there.
func beside(t testing.TB, name string) (string, error) {
	t.Helper()
	p := filepath.Join(root(t), "..", "shared", filepath.FromSlash(name))
	_, err := os.Stat(p)
	return p, err
}

// root returns the project's folder: the one with go.mod around the package under test,
// which is where a test starts. The path of a source file would not do: -trimpath takes
// it away.
func root(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		if dir == filepath.Dir(dir) {
			t.Fatal("no folder around the test has a go.mod")
		}
	}
}

// Shared returns the path of a file or folder below ../shared. Of a file that the project
// has itself it is that of a copy for the test. When it is absent the test is skipped,
// loudly, since what it proves stays unproven.
func Shared(t testing.TB, elem ...string) string {
	t.Helper()
	name := path.Join(elem...)
	if keeps(name) {
		p := filepath.Join(t.TempDir(), path.Base(name))
		if err := os.WriteFile(p, read(t, name), 0o600); err != nil {
			t.Fatal(err)
		}
		return p
	}
	p, err := beside(t, name)
	if err != nil {
		t.Skipf("SKIPPED: %s is not here, so this is not proven: %v", path.Join("../shared", name), err)
	}
	return p
}

// ReadShared returns the content of a file below ../shared or skips the test.
func ReadShared(t testing.TB, elem ...string) []byte {
	t.Helper()
	if name := path.Join(elem...); keeps(name) {
		return read(t, name)
	}
	b, err := os.ReadFile(Shared(t, elem...))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// Glob returns the names below ../shared of all files that a pattern matches and that are
// at hand, in order, for Shared and ReadShared. There must be one.
func Glob(t testing.TB, elem ...string) []string {
	t.Helper()
	pattern := path.Join(elem...)
	dir := path.Dir(pattern)
	var names []string
	list, _ := evidence.ReadDir(dir)
	for _, e := range list {
		names = append(names, path.Join(dir, strings.TrimSuffix(e.Name(), ".gz")))
	}
	if folder, err := beside(t, dir); err == nil {
		list, _ := os.ReadDir(folder)
		for _, e := range list {
			names = append(names, path.Join(dir, e.Name()))
		}
	}
	slices.Sort(names)
	names = slices.DeleteFunc(slices.Compact(names), func(n string) bool {
		ok, err := path.Match(pattern, n)
		return err != nil || !ok
	})
	if len(names) == 0 {
		t.Skipf("SKIPPED: nothing matches %s, so this is not proven", path.Join("../shared", pattern))
	}
	return names
}
