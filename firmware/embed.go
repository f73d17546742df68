// SPDX-License-Identifier: Apache-2.0

package firmware

import (
	"embed"
	"io/fs"
)

//go:embed all:c all:boards all:ethosu
var files embed.FS

// Files is the C of every generated project that is the same on every board: npu,
// platform and cmake, and the .clang-format they obey. A project holds copies at the
// same paths.
func Files() fs.FS { return sub("c") }

// Boards holds the boards that come with unroll, one folder each; see firmware/board.
func Boards() fs.FS { return sub("boards") }

// ArmDriver is the C that goes with Arm's driver: the board's side of it, and what stands in for
// it. A project for that driver holds copies below ethosu.
func ArmDriver() fs.FS { return sub("ethosu") }

func sub(name string) fs.FS {
	fsys, err := fs.Sub(files, name)
	if err != nil {
		panic("BUG: the embedded C is missing: " + err.Error())
	}
	return fsys
}
