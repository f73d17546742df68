// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"os/exec"
	"path/filepath"
	"testing"
)

// asCPlusPlus are the flags with which C compiles as C++, too.
var asCPlusPlus = []string{"-x", "c++", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wcast-qual",
	"-Wdouble-promotion", "-Wformat=2", "-Wvla", "-Wswitch-enum", "-Werror", "-Iinclude", "-Inpu", "-Iapp", "-Iplatform", "-Iplatform/corstone300",
	"-Iethosu/standin", "-Iethosu/board", "-Irtos", "-fsyntax-only"}

// compileAsCPlusPlus compiles C files of a folder as C++ with every compiler that is here.
func compileAsCPlusPlus(t *testing.T, dir string, files ...string) {
	t.Helper()
	for _, c := range []struct{ compiler, std string }{{"g++", "c++11"}, {"clang++", "c++17"}} {
		if _, err := exec.LookPath(c.compiler); err != nil {
			t.Logf("SKIPPED: %v", err)
			continue
		}
		args := append([]string{"-std=" + c.std}, asCPlusPlus...)
		runIn(t, dir, c.compiler, append(append(args, systemHeaders(t)...), files...)...)
	}
}

// systemHeaders are compiler options for the interfaces that the tests have of operating systems.
func systemHeaders(t *testing.T) []string {
	t.Helper()
	var options []string
	for _, headers := range []string{"rtos", "rtos/freertos", "rtos/cmsis"} {
		folder, err := filepath.Abs(filepath.Join("..", "firmware", "run", "testdata", headers))
		if err != nil {
			t.Fatal(err)
		}
		options = append(options, "-I"+folder)
	}
	return options
}

// TestGeneratedCCompilesAsC99 compiles the library as builds do that ask for C99 and add the
// extensions of the compiler, such as Zephyr's.
func TestGeneratedCCompilesAsC99(t *testing.T) {
	perVariant(t, "gcc", func(t *testing.T, dir string, _ Project) {
		for _, compiler := range []string{"gcc", "clang"} {
			if _, err := exec.LookPath(compiler); err != nil {
				t.Logf("SKIPPED: %v", err)
				continue
			}
			var files []string
			for _, glob := range []string{"src/*.c", "npu/*.c"} {
				m, err := filepath.Glob(filepath.Join(dir, glob))
				if err != nil {
					t.Fatal(err)
				}
				files = append(files, m...)
			}
			runIn(t, dir, compiler, append([]string{"-std=c99", "-Wall", "-Wextra", "-Wundef", "-Werror", "-Iinclude", "-Inpu", "-Iethosu/standin", "-fsyntax-only"}, files...)...)
		}
	})
}

func TestGeneratedCCompilesAsCPlusPlus(t *testing.T) {
	perVariant(t, "g++", func(t *testing.T, dir string, p Project) {
		var files []string
		for _, glob := range []string{"src/*.c", "npu/*.c", "app/*.c", "tests/*.c", "examples/*.c"} {
			m, err := filepath.Glob(filepath.Join(dir, glob))
			if err != nil {
				t.Fatal(err)
			}
			files = append(files, m...)
		}
		compileAsCPlusPlus(t, dir, files...)
	})
}
