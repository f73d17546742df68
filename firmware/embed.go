package firmware

import (
	"embed"
	"io/fs"
)

//go:embed all:c
var files embed.FS

// Files is the fixed C of every generated project: npu, platform and cmake, and
// the .clang-format they obey. A project holds copies at the same paths.
func Files() fs.FS {
	sub, err := fs.Sub(files, "c")
	if err != nil {
		panic("BUG: the embedded C is missing: " + err.Error())
	}
	return sub
}
