// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// ended returns the number of a process that is no more.
func ended(t *testing.T) int {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run=^$")
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	return cmd.Process.Pid
}

func TestLeftoversGo(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "g")
	left := fmt.Sprintf("%s%d-1", prefix(target), ended(t))
	write(t, filepath.Join(dir, left, "file"), "half")
	inUse := fmt.Sprintf("%s%d-1", prefix(target), os.Getpid())
	write(t, filepath.Join(dir, inUse), "of this process")
	others := []string{".g.new-", ".g.new-x-1", ".g.newest", ".gg.new-1-1", ".g.old-1"}
	for _, name := range others {
		write(t, filepath.Join(dir, name), "not ours")
	}
	tmp, err := TempFolder(target)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, left)); err == nil {
		t.Error("what an ended process left is still there")
	}
	for _, name := range append(others, inUse, filepath.Base(tmp)) {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
}

func TestExchange(t *testing.T) {
	dir := t.TempDir()
	target, temp := filepath.Join(dir, "g"), filepath.Join(dir, "new")
	write(t, filepath.Join(target, "a"), "old")
	write(t, filepath.Join(temp, "a"), "new")
	if err := Exchange(temp, target); err != nil {
		t.Fatal(err)
	}
	if read(t, filepath.Join(target, "a")) != "new" {
		t.Error("the new folder is not in place")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left %v", entries)
	}
}

// TestRecover leaves a folder where a process that cannot exchange would have died.
func TestRecover(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "g")
	write(t, filepath.Join(oldName(target), "a"), "old")
	if err := Recover(target); err != nil || read(t, filepath.Join(target, "a")) != "old" {
		t.Fatalf("the folder did not come back: %v", err)
	}
	write(t, filepath.Join(oldName(target), "a"), "older")
	if err := Recover(target); err != nil || read(t, filepath.Join(target, "a")) != "old" {
		t.Fatal(err)
	}
	if _, err := os.Stat(oldName(target)); err == nil {
		t.Error("the older folder is still there")
	}
}

// TestOneWriterWins lets many write a file that must not exist.
func TestOneWriterWins(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "file")
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() { errs[i] = WriteFile(path, fmt.Appendf(nil, "writer %d", i), false) })
	}
	wg.Wait()
	won := -1
	for i, err := range errs {
		switch {
		case err == nil && won < 0:
			won = i
		case err == nil:
			t.Errorf("writers %d and %d both won", won, i)
		case !errors.Is(err, fs.ErrExist):
			t.Error(err)
		}
	}
	if won < 0 || read(t, path) != fmt.Sprintf("writer %d", won) {
		t.Errorf("writer %d won, the file says %q", won, read(t, path))
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("left %v", entries)
	}
	if err := WriteFile(path, []byte("replaced"), true); err != nil || read(t, path) != "replaced" {
		t.Error(err)
	}
}

func TestLongNames(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("n", 250))
	if err := WriteFile(path, []byte("x"), false); err != nil {
		t.Error(err)
	}
}
