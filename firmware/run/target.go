package run

import (
	"fmt"
	"os"
	"path/filepath"

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
	b, err := set.On(on)
	if err != nil {
		return nil, err
	}
	if b.Script() != "" && dir != "" {
		if _, err := os.Stat(filepath.Join(dir, board.Folder, b.Name, "board.cmake")); err != nil {
			return nil, fmt.Errorf("%s: board %s has no board.cmake: generate the project again with --board", dir, b.Name)
		}
	}
	return b, nil
}
