// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// patience is how long a build waits for another one in the same folder, which may be the
// compilers of one that was killed.
const patience = 2 * time.Minute

// hold makes the folder of a build and takes it for this process and the tools that get
// the handle, until the last of them has ended: a compiler that outlives a build which was
// killed does not write into the next one, and of two builds one waits. Where the system
// has no such locks the folder is shared.
func hold(ctx context.Context, build string, patience time.Duration, say func(string)) (*os.File, error) {
	told := false
	for end := time.Now().Add(patience); ; {
		if err := os.MkdirAll(build, 0o777); err != nil {
			return nil, err
		}
		dir, err := os.Open(build)
		if err != nil {
			return nil, err
		}
		held, err := tryLock(dir)
		if err != nil || held && stands(dir, build) {
			return dir, nil
		}
		dir.Close()
		if held {
			continue // somebody removed the folder meanwhile
		}
		if !told {
			say("waiting for another build in " + build)
			told = true
		}
		if time.Now().After(end) {
			return nil, fmt.Errorf("another build has held %s for %v: wait for its end; where nothing builds there any more, remove that folder", build, patience)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// release gives a folder back: at once when all tools have ended, so that one which stays in
// the background, such as the server of a compiler cache, does not keep it; else when the
// last of them ends.
func release(dir *os.File, ended bool) {
	if ended {
		unlock(dir)
	}
	dir.Close()
}

// stands reports whether a folder still has its name.
func stands(dir *os.File, name string) bool {
	a, err := dir.Stat()
	if err != nil {
		return false
	}
	b, err := os.Stat(name)
	return err == nil && os.SameFile(a, b)
}

// empty removes what is in a folder, and keeps the folder, which is held.
func empty(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := os.RemoveAll(filepath.Join(dir, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// unlink removes what stands where the folder of a build is to be and is none, a link to
// somebody else's folder say: what that holds is not ours to remove.
func unlink(build string) error {
	info, err := os.Lstat(build)
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.IsDir() {
		return nil
	}
	if err != nil {
		return err
	}
	return os.Remove(build)
}
