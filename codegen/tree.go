// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/unroll-npu/unroll/codegen/disk"
)

// Tree is a project on its way to disk: file contents by slash-separated path.
type Tree map[string][]byte

// Paths returns the paths of the tree in order.
func (t Tree) Paths() []string {
	paths := make([]string, 0, len(t))
	for p := range t {
		paths = append(paths, p)
	}
	sort.Strings(paths)
	return paths
}

// ReadFile returns a file of the tree, or fs.ErrNotExist.
func (t Tree) ReadFile(name string) ([]byte, error) {
	if b, ok := t[name]; ok {
		return b, nil
	}
	return nil, &fs.PathError{Op: "read", Path: name, Err: fs.ErrNotExist}
}

// ErrForeign is wrapped by the error for a folder that holds something that was
// not generated.
var ErrForeign = errors.New("folder holds something else")

// WriteTo puts the tree on disk as folder dir, replacing an earlier generated
// tree there. The new folder is written whole under a temporary name beside dir
// and takes its place in one step, so that dir never holds half a project; on failure
// what was there stays. A folder that is not empty and has no manifest of ours, or holds
// files the manifest does not list or lists with other content, is only replaced
// with force.
func (t Tree) WriteTo(dir string, force bool) (err error) {
	dir, exists, err := target(dir, force)
	if err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	if err := os.MkdirAll(parent, 0o777); err != nil {
		return fmt.Errorf("output folder %s: %w", dir, err)
	}
	temp, err := disk.TempFolder(dir)
	if err != nil {
		return fmt.Errorf("output folder %s: its parent cannot be written: %w", dir, err)
	}
	defer func() {
		if err != nil {
			os.RemoveAll(temp)
		}
	}()
	if err := t.fill(temp); err != nil {
		return fmt.Errorf("output folder %s: %w", dir, err)
	}
	if !exists {
		if err := disk.Place(temp, dir, false); err != nil {
			return fmt.Errorf("output folder %s: %w", dir, err)
		}
		return nil
	}
	if err := disk.Exchange(temp, dir); err != nil {
		return fmt.Errorf("output folder %s cannot be replaced: %w", dir, err)
	}
	return nil
}

// CheckWritable tells whether WriteTo would accept the folder, before the work that
// leads to a tree is done. It also tries whether the parent can be written.
func CheckWritable(dir string, force bool) error {
	dir, _, err := target(dir, force)
	if err != nil {
		return err
	}
	parent := filepath.Dir(dir)
	for {
		if _, err := os.Stat(parent); err == nil || filepath.Dir(parent) == parent {
			break
		}
		parent = filepath.Dir(parent)
	}
	temp, err := os.MkdirTemp(parent, ".unroll-")
	if err != nil {
		return fmt.Errorf("output folder %s: its parent cannot be written: %w", dir, err)
	}
	return os.Remove(temp)
}

// standsElsewhere refuses the working folder and those that it is in: a project takes the
// place of a folder as a whole, which would leave this process, and the user's shell, in
// one that is gone.
func standsElsewhere(dir string) error {
	here, err := os.Getwd()
	if err != nil {
		return nil // nowhere cannot be replaced
	}
	abs, err := filepath.Abs(dir)
	if err != nil {
		return fmt.Errorf("output folder %s: %w", dir, err)
	}
	if rel, err := filepath.Rel(abs, here); err == nil && rel != ".." && !strings.HasPrefix(rel, ".."+string(filepath.Separator)) {
		return fmt.Errorf("output folder %s is the working folder, or one that it is in: a project takes the place of its folder as a whole; give a folder inside, such as %s", dir, filepath.Join(dir, "fw"))
	}
	return nil
}

// target resolves the output folder and refuses one whose content would be lost.
func target(dir string, force bool) (resolved string, exists bool, err error) {
	dir = filepath.Clean(dir)
	if err := standsElsewhere(dir); err != nil {
		return "", false, err
	}
	if err := disk.Recover(dir); err != nil {
		return "", false, fmt.Errorf("output folder %s: %w", dir, err)
	}
	info, err := os.Lstat(dir)
	exists = err == nil
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", false, fmt.Errorf("output folder %s: %w", dir, err)
	case exists && info.Mode()&fs.ModeSymlink != 0:
		if dir, err = filepath.EvalSymlinks(dir); err != nil {
			return "", false, fmt.Errorf("output folder %s is a link that leads nowhere: %w", dir, err)
		}
		if info, err = os.Stat(dir); err != nil {
			return "", false, fmt.Errorf("output folder %s: %w", dir, err)
		}
	}
	if exists && !info.IsDir() {
		return "", false, fmt.Errorf("output folder %s is a file: choose another name or remove it", dir)
	}
	if exists && !force {
		if err := replaceable(dir); err != nil {
			return "", false, err
		}
	}
	return dir, exists, nil
}

func (t Tree) fill(dir string) error {
	// MkdirTemp makes private folders; a project is an ordinary one.
	if err := os.Chmod(dir, 0o755); err != nil {
		return err
	}
	for _, p := range t.Paths() {
		if !fs.ValidPath(p) || p == "." {
			return fmt.Errorf("BUG: %q is not a path inside the tree", p)
		}
		name := filepath.Join(dir, filepath.FromSlash(p))
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return err
		}
		if err := os.WriteFile(name, t[p], 0o644); err != nil {
			return err
		}
	}
	return nil
}

// replaceable reports whether nothing in dir would be lost by replacing it:
// it is empty, or holds just what its manifest lists, unchanged, beside build
// folders.
func replaceable(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("output folder %s: %w", dir, err)
	}
	if len(entries) == 0 {
		return nil
	}
	m, err := readManifest(dir)
	if err != nil {
		return fmt.Errorf("output folder %s is not empty and not a project of this tool (%v): %w; choose another folder, or force", dir, err, ErrForeign)
	}
	diffs, err := m.compare(dir)
	if err != nil {
		return err
	}
	for _, d := range diffs {
		if d.Kind != Missing {
			return fmt.Errorf("output folder %s: %v, which would be lost: %w; move it away, or force", dir, d, ErrForeign)
		}
	}
	return nil
}

func hash(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
