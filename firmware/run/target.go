// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"path/filepath"
	"slices"

	"github.com/unroll-npu/unroll/firmware/board"
)

// boards are those of a project, or those that come with unroll when dir is empty.
func boards(dir string) (*board.Set, error) {
	if dir == "" {
		return board.Builtin(), nil
	}
	return board.Open(os.DirFS(filepath.Join(dir, board.Folder)))
}

// findBoard returns the board of a project that unroll run --on names. The error is a
// *board.NameError when the project has none of that name.
func findBoard(dir, on string) (*board.Board, error) {
	set, err := boards(dir)
	if err != nil {
		return nil, err
	}
	if dir == "" {
		return set.On(on)
	}
	all, err := set.All()
	if err != nil {
		return nil, err
	}
	missing := &board.NameError{Name: on}
	for _, b := range all {
		// A board that others inherit lies in the project, too, without what a build needs.
		if _, err := os.Stat(filepath.Join(dir, board.Folder, b.Name, "board.cmake")); err != nil {
			continue
		}
		if b.On == on {
			return b, nil
		}
		missing.Expected = append(missing.Expected, b.On)
	}
	slices.Sort(missing.Expected)
	return nil, missing
}
