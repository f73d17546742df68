// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// tool skips the test, loudly, when a program is not installed.
func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: %s is not installed, so this is not proven", name)
	}
	return path
}

func runIn(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
	}
	return string(out)
}

func onDisk(t *testing.T, p Project) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), p.Prefix)
	if err := generate(t, p).WriteTo(dir, false); err != nil {
		t.Fatal(err)
	}
	return dir
}

var warnings = []string{
	"-std=c11", "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Wsign-conversion", "-Wshadow", "-Wundef", "-Wstrict-prototypes",
	"-Wmissing-prototypes", "-Wcast-align=strict", "-Wcast-qual", "-Wdouble-promotion", "-Wformat=2", "-Wvla", "-Wswitch-enum",
	"-Wnull-dereference", "-Werror", "-Iinclude", "-Inpu", "-Iapp", "-Iplatform", "-Iplatform/corstone300", "-Iethosu/standin", "-Iethosu/board", "-c",
}

// variants are projects that take different ways through the templates.
func variants() []Project {
	inPlace, copied := tiny("acc", 16), tiny("a_prefix_of_16_c", 48)
	plain := tiny("p", 48)
	plain.Program.States, plain.ClassNames, plain.Mean, plain.Std, plain.Golden = nil, nil, nil, nil, nil
	plain.Program.FastSize = 64
	plain.Program.Constants = nil
	plain.Program.Stages[0] = plain.Program.Whole(plain.Program.Stages[0].Commands, nil, nil)
	scalar := tiny("scalar", 16)
	scalar.Mean, scalar.Std = []float32{0.5}, []float32{0.25}
	scalar.Options.ConstantsInRAM = true
	return []Project{inPlace, copied, plain, scalar, armProject(), tinyVariable(),
		tinySequence("seq"), tinySteps("steps"), armSequence(), fastSequence(), tinyWindows("win", 48), tinyAudio("sound", "mfcc,bands=20,coefficients=16"), armSound()}
}

func perVariant(t *testing.T, need string, f func(t *testing.T, dir string, p Project)) {
	for _, p := range variants() {
		t.Run(p.Prefix, func(t *testing.T) {
			t.Parallel()
			tool(t, need)
			dir := onDisk(t, p)
			f(t, dir, p)
		})
	}
}

func modelSources(t *testing.T, dir string) []string {
	t.Helper()
	var files []string
	for _, glob := range []string{"src/*.c", "app/*.c", "tests/*.c", "examples/[als]*.c"} {
		m, err := filepath.Glob(filepath.Join(dir, glob))
		if err != nil || len(m) == 0 && glob[0] != 't' && glob[0] != 'e' {
			t.Fatalf("no %s: %v", glob, err)
		}
		files = append(files, m...)
	}
	return files
}

// taskExamples are the examples that need the headers of an operating system.
func taskExamples(t *testing.T, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "examples", "tasks*.c"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestGeneratedCIsFormatted(t *testing.T) {
	perVariant(t, "clang-format", func(t *testing.T, dir string, p Project) {
		headers, err := filepath.Glob(filepath.Join(dir, "[aeis]*/*.h"))
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range append(append(modelSources(t, dir), headers...), taskExamples(t, dir)...) {
			want := runIn(t, dir, "clang-format", file)
			got, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if string(got) != want {
				a, b := strings.Split(string(got), "\n"), strings.Split(want, "\n")
				for i := range a {
					if i >= len(b) || a[i] != b[i] {
						t.Errorf("%s:%d: generated\n%s\nformatted\n%s", filepath.Base(file), i+1,
							strings.Join(a[i:min(i+4, len(a))], "\n"), strings.Join(b[min(i, len(b)):min(i+4, len(b))], "\n"))
						break
					}
				}
			}
		}
	})
}

func TestGeneratedCCompilesForHost(t *testing.T) {
	perVariant(t, "gcc", func(t *testing.T, dir string, p Project) {
		runIn(t, dir, "gcc", append(append([]string{"-O2", "-fanalyzer"}, warnings...), modelSources(t, dir)...)...)
		if tasks := taskExamples(t, dir); len(tasks) != 0 {
			runIn(t, dir, "gcc", append(append(append([]string{"-O2", "-Irtos"}, warnings...), systemHeaders(t)...), tasks...)...)
		}
	})
}

func TestGeneratedCCompilesForCortexM55(t *testing.T) {
	perVariant(t, "arm-none-eabi-gcc", func(t *testing.T, dir string, p Project) {
		args := append([]string{"-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard", "-Os"}, warnings...)
		runIn(t, dir, "arm-none-eabi-gcc", append(args, modelSources(t, dir)...)...)
	})
}

func TestGeneratedHeadersCompileAsCPlusPlus(t *testing.T) {
	perVariant(t, "g++", func(t *testing.T, dir string, p Project) {
		use := "#include \"" + p.Prefix + ".h\"\n#include \"../app/" + p.Prefix + "_golden.h\"\n" + audioHeader(p) + strings.ToUpper(p.Prefix) + "_ARENA_DEFINE(arena);\n" +
			"void *use();\nvoid *use() { return arena; }\n"
		if err := os.WriteFile(filepath.Join(dir, "use.cpp"), []byte(use), 0o666); err != nil {
			t.Fatal(err)
		}
		for _, c := range []struct{ compiler, std string }{{"g++", "c++14"}, {"clang++", "c++11"}, {"clang++", "c++20"}} {
			if _, err := exec.LookPath(c.compiler); err != nil {
				t.Logf("SKIPPED: %v", err)
				continue
			}
			runIn(t, dir, c.compiler, "-std="+c.std, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-Iinclude", "-Inpu", "-Iapp", "-c", "use.cpp")
		}
	})
}

// audioHeader includes the header of projects that take samples.
func audioHeader(p Project) string {
	if p.Audio == nil {
		return ""
	}
	return "#include \"" + p.Prefix + "_audio.h\"\nvoid *stream();\nvoid *stream() { static " + p.Prefix + "_audio a; " + p.Prefix + "_audio_init(&a, 1u); return &a; }\n"
}

// failIn runs a command that must fail and returns what it printed.
func failIn(t *testing.T, dir, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = dir
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("%s %s succeeded:\n%s", name, strings.Join(args, " "), out)
	}
	return string(out)
}

// copyFiles copies pairs of files: from this folder into a project.
func copyFiles(t *testing.T, dir string, pairs ...string) {
	t.Helper()
	for i := 0; i < len(pairs); i += 2 {
		b, err := os.ReadFile(pairs[i])
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, pairs[i+1]), string(b))
	}
}
