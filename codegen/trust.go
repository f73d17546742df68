// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"io/fs"
	"path"
	"path/filepath"
	"strings"
)

// steering are the files that a build takes because of their name or ending, wherever
// they come from: CMake's own, and what include paths and patterns find.
var steering = map[string]bool{
	"CMakeCache.txt": true, "CMakeLists.txt": true, "CMakePresets.json": true, "CMakeUserPresets.json": true,
	"Makefile": true, "build.ninja": true, "module.yml": true,
	".cmake": true, ".c": true, ".h": true, ".s": true, ".S": true, ".ld": true, ".in": true, ".a": true, ".o": true,
}

// Trusted tells whether building the project in folder dir builds what was generated and
// nothing else. Whoever builds a project runs its build files: those of a project that
// came by mail, say. The error names what was changed, what is missing and what a build
// would take that was not generated, the leftovers of another build among it; also
// everything that is neither file nor folder. What lies in dir/build is not looked at:
// make it anew. A changed file is a mistake more often than an attack, and the answer is
// the same: look at it, or generate again.
func Trusted(dir string) error {
	place, err := filepath.EvalSymlinks(dir) // the folder itself may have two names
	if err != nil {
		place = dir // Check says what is wrong with it
	} else if err := onlyFiles(place); err != nil {
		return err
	}
	differences, err := Check(place)
	if err != nil {
		return err
	}
	var found []string
	for _, d := range differences {
		if d.Kind == Extra && !steering[path.Base(d.Path)] && !steering[path.Ext(d.Path)] {
			continue // somebody's notes, say
		}
		found = append(found, d.String())
	}
	const most = 8
	if n := len(found); n > most {
		found = append(found[:most], fmt.Sprintf("and %d more", n-most))
	}
	if len(found) > 0 {
		return fmt.Errorf("folder %s is not as it was generated, and its build files would be run:\n  %s\ngenerate it again, or look at these files and say --unchecked",
			dir, strings.Join(found, "\n  "))
	}
	return nil
}

// onlyFiles refuses links, pipes and devices in a project, which reading could hang on or
// be led elsewhere by.
func onlyFiles(dir string) error {
	return filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if name != dir && !e.IsDir() && !e.Type().IsRegular() {
			return fmt.Errorf("%s is neither a file nor a folder (%v): unroll generates nothing of the kind; remove it", name, e.Type())
		}
		if rel, err := filepath.Rel(dir, name); err == nil && e.IsDir() && buildFolders[filepath.ToSlash(rel)] {
			return filepath.SkipDir
		}
		return nil
	})
}
