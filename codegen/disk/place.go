// SPDX-License-Identifier: Apache-2.0

package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// lacking reports whether the system or the file system cannot do what was asked.
func lacking(err error) bool {
	return errors.Is(err, errors.ErrUnsupported) || errors.Is(err, syscall.EINVAL) || errors.Is(err, syscall.ENOSYS)
}

// Place renames temp to target. Unless replace is set, a target that has come into being
// meanwhile stays, and the error is fs.ErrExist.
func Place(temp, target string, replace bool) error {
	if replace {
		return os.Rename(temp, target)
	}
	err := renameNew(temp, target)
	if err == nil || !lacking(err) {
		return err
	}
	if _, err := os.Lstat(target); err == nil {
		return &fs.PathError{Op: "rename", Path: target, Err: fs.ErrExist}
	}
	return os.Rename(temp, target)
}

// Exchange puts folder temp in the place of folder target, which exists, and removes what
// that held. Where names can be exchanged, target is whole at every moment; elsewhere it
// is missing between two renames, and Recover brings it back.
func Exchange(temp, target string) error {
	err := exchange(temp, target)
	if err == nil {
		if err := os.RemoveAll(temp); err != nil {
			return fmt.Errorf("%s is written, but the old one could not be removed from %s: %w", target, temp, err)
		}
		return nil
	}
	if !lacking(err) {
		return err
	}
	old := oldName(target)
	if err := os.Rename(target, old); err != nil {
		return err
	}
	if err := os.Rename(temp, target); err != nil {
		if back := os.Rename(old, target); back != nil {
			return fmt.Errorf("%w; what it held is in %s", err, old)
		}
		return err
	}
	if err := os.RemoveAll(old); err != nil {
		return fmt.Errorf("%s is written, but the old one could not be removed from %s: %w", target, old, err)
	}
	return nil
}

// Recover finishes an exchange that a process did not live to finish: a folder that had
// stepped aside comes back if nothing took its place, and goes if something did.
func Recover(target string) error {
	old := oldName(target)
	if _, err := os.Lstat(old); err != nil {
		return nil
	}
	if _, err := os.Lstat(target); errors.Is(err, fs.ErrNotExist) {
		return os.Rename(old, target)
	}
	return os.RemoveAll(old)
}

// oldName is where a folder steps aside.
func oldName(target string) string {
	name := prefix(target)
	return sibling(target, name[:len(name)-len("new-")]+"old")
}
