// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/unroll-npu/unroll/codegen/disk"
)

// writeFile writes data as path, whole or not at all; without force it refuses to
// replace an existing file.
func writeFile(path string, data []byte, force bool) error {
	if err := checkTarget(path, force); err != nil {
		return err
	}
	return disk.WriteFile(path, data, force)
}

// checkTarget refuses a path that writeFile would not write: a folder, a file that is
// among the sources of the same run, and without force any file.
func checkTarget(path string, force bool, sources ...string) error {
	info, err := os.Stat(path)
	if err != nil {
		if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("cannot write %s: %w", path, err)
		}
		if _, err := os.Lstat(path); err == nil && !force {
			return fmt.Errorf("%s exists already, a link that leads nowhere: give another name or --force to replace it", path)
		}
		return nil
	}
	if info.IsDir() {
		return fmt.Errorf("%s is a folder: give the name of a file", path)
	}
	for _, s := range sources {
		if read, err := os.Stat(s); err == nil && os.SameFile(info, read) {
			return fmt.Errorf("%s is the file that is read: give another name", path)
		}
	}
	if info.Mode().IsRegular() && !force {
		return fmt.Errorf("%s exists already: give another name or --force to replace it", path)
	}
	return nil
}

// checkOutput is checkTarget for verbs that work before they write. It also tries
// whether the folder can be written, or the one that it will be made in.
func checkOutput(path string, force bool, sources ...string) error {
	if err := checkTarget(path, force, sources...); err != nil {
		return err
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return nil
	}
	return checkFolder(filepath.Dir(path))
}

// checkFolder tries whether files can be written into a folder, which need not exist yet.
func checkFolder(dir string) error {
	at := filepath.Clean(dir)
	for {
		if _, err := os.Stat(at); !errors.Is(err, fs.ErrNotExist) || filepath.Dir(at) == at {
			break
		}
		at = filepath.Dir(at)
	}
	if info, err := os.Stat(at); err == nil && !info.IsDir() {
		return fmt.Errorf("cannot write into %s: %s is a file", dir, at)
	}
	temp, err := os.MkdirTemp(at, ".unroll-")
	if err != nil {
		return fmt.Errorf("cannot write into %s: %w", dir, err)
	}
	return os.Remove(temp)
}

// printJSON prints v as the one object on w.
func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// commas formats n with thousands separators.
func commas[T int | int64](n T) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func sortedKeys[V any](m map[string]V) []string {
	return slices.Sorted(maps.Keys(m))
}
