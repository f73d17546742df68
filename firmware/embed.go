// SPDX-License-Identifier: Apache-2.0

package firmware

import (
	"embed"
	"io/fs"
)

//go:embed all:c all:boards all:ethosu all:u85
var files embed.FS

// Files is the C of every generated project that is the same on every board: npu,
// platform and cmake, and the .clang-format they obey. A project holds copies at the
// same paths.
func Files() fs.FS { return sub("c") }

// U85 is the C that takes the place of files of the same paths among Files in a project for
// an Ethos-U85: the registers that the driver is compiled for.
func U85() fs.FS { return sub("u85") }

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
