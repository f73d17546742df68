// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

func sibling(target, name string) string { return filepath.Join(filepath.Dir(target), name) }

// WriteFile writes data as path, which holds either what it held before or all of data.
// Unless replace is set, a path that exists stays, and the error is fs.ErrExist. A link
// stays: what it leads to is replaced. A device or a pipe, such as /dev/null, is written
// to as it is.
func WriteFile(path string, data []byte, replace bool) (err error) {
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, data, 0o666)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("cannot make the output folder: %w", err)
	}
	tmp, err := TempFile(path)
	if err != nil {
		return fmt.Errorf("cannot write into %s: %w", dir, err)
	}
	defer func() {
		if err != nil {
			tmp.Close()
			os.Remove(tmp.Name())
		}
	}()
	if _, err := tmp.Write(data); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	if err := tmp.Chmod(0o644); err != nil {
		return err
	}
	if err := tmp.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	err = Place(tmp.Name(), path, replace)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s was written by somebody else meanwhile: %w", path, fs.ErrExist)
	}
	return err
}
