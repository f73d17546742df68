// SPDX-License-Identifier: Apache-2.0

package firmware_test

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"

	"github.com/unroll-npu/unroll/firmware"
	"github.com/unroll-npu/unroll/firmware/board"
)

var update = flag.Bool("update", false, "rewrite golden files")

var (
	strict = strings.Fields("-std=c11 -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wundef -Wstrict-prototypes " +
		"-Wmissing-prototypes -Wcast-qual -Wdouble-promotion -Wformat=2 -Wvla -Wswitch-enum -Wnull-dereference -Werror")
	cortexM55 = []string{"-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"}
)

// root is a folder with all C that is the same in every project, and every board.
var root string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "firmware")
	if err == nil {
		root, err = dir, os.CopyFS(dir, firmware.Files())
	}
	if err == nil {
		err = os.CopyFS(filepath.Join(dir, "ethosu"), firmware.ArmDriver())
	}
	var boards []*board.Board
	if err == nil {
		boards, err = board.Builtin().All()
	}
	for _, b := range boards {
		if err == nil {
			err = b.WriteTo(dir)
		}
	}
	if err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// includes are the flags for the headers of driver and a board.
func includes(t *testing.T, name string) []string {
	t.Helper()
	flags := []string{"-I" + filepath.Join(root, "npu"), "-I" + filepath.Join(root, "ethosu", "standin"), "-I" + filepath.Join(root, "ethosu", "board")}
	for _, dir := range builtin(t, name).Includes() {
		flags = append(flags, "-I"+filepath.Join(root, dir))
	}
	return flags
}

func builtin(t *testing.T, name string) *board.Board {
	t.Helper()
	b, err := board.Builtin().Get(name)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// sources lists the C files of the driver and of a board.
func sources(t *testing.T, name string) []string {
	t.Helper()
	b := builtin(t, name)
	var found []string
	for _, dir := range append([]string{"npu", board.Folder, "ethosu/standin"}, b.SharedFolders()...) {
		files, err := filepath.Glob(filepath.Join(root, dir, "*.c"))
		if err != nil || len(files) == 0 {
			t.Fatalf("no C in %s: %v", dir, err)
		}
		found = append(found, files...)
	}
	for _, file := range b.Sources() {
		found = append(found, filepath.Join(root, file))
	}
	return found
}

func tool(t *testing.T, name string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skipf("SKIPPED: what %s would find stays unknown: %v", name, err)
	}
	return path
}

func check(t *testing.T, argv ...string) {
	t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
}

// TestWarnings compiles every file with every compiler that can, at several levels
// of optimisation, each of which sees other things.
func TestWarnings(t *testing.T) {
	newlib := func(t *testing.T) []string {
		out, err := exec.Command(tool(t, "arm-none-eabi-gcc"), "-print-sysroot").Output()
		if err != nil {
			t.Fatal(err)
		}
		root := strings.TrimSpace(string(out))
		return []string{"-isystem", filepath.Join(root, "include"), "-isystem", "/usr/include/newlib"}
	}
	for _, c := range []struct {
		name, compiler string
		flags          []string
		board          string
		extra          func(*testing.T) []string
	}{
		{"gcc", "gcc", []string{"-O2", "-fanalyzer"}, "host", nil},
		{"clang", "clang", []string{"-O2"}, "host", nil},
		{"arm-gcc", "arm-none-eabi-gcc", append([]string{"-Os", "-fanalyzer", "-Wcast-align=strict"}, cortexM55...), "qemu", nil},
		{"arm-gcc-O2", "arm-none-eabi-gcc", append([]string{"-O2", "-DUNROLL_TIMING_U55_HIGH_END"}, cortexM55...), "corstone300", nil},
		{"arm-gcc-O0", "arm-none-eabi-gcc", append([]string{"-O0", "-DUNROLL_NONSECURE=1", "-DUNROLL_TIMING_U65_HIGH_END"}, cortexM55...), "qemu", nil},
		{"arm-gcc-hook", "arm-none-eabi-gcc", append([]string{"-O3"}, cortexM55...), "qemu-hook", nil},
		{"arm-clang", "clang", append([]string{"-Os", "--target=arm-none-eabi"}, cortexM55...), "qemu", newlib},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			argv := append([]string{tool(t, c.compiler)}, strict...)
			argv = append(argv, includes(t, c.board)...)
			for k, v := range builtin(t, c.board).Defines {
				argv = append(argv, "-D"+k+"="+v)
			}
			argv = append(argv, c.flags...)
			if c.extra != nil {
				argv = append(argv, c.extra(t)...)
			}
			argv = append(argv, "-o", filepath.Join(t.TempDir(), "out.o"), "-c")
			for _, file := range sources(t, c.board) {
				check(t, append(argv[:len(argv):len(argv)], file)...)
			}
		})
	}
}

// TestHeaders compiles each public header alone, as C and as C++.
func TestHeaders(t *testing.T) {
	for _, c := range []struct{ compiler, language, std string }{
		{"gcc", "c", "c11"}, {"g++", "c++", "c++11"}, {"g++", "c++", "c++20"}, {"clang", "c++", "c++17"}, {"arm-none-eabi-g++", "c++", "c++17"},
	} {
		t.Run(c.compiler+" "+c.std, func(t *testing.T) {
			compiler := tool(t, c.compiler)
			headers, err := filepath.Glob(filepath.Join(root, "npu", "*.h"))
			if err != nil || len(headers) == 0 {
				t.Fatalf("no headers: %v", err)
			}
			for _, header := range append(headers, filepath.Join(root, "platform", "platform.h")) {
				// Included twice: the guard must hold.
				file := filepath.Join(t.TempDir(), "header")
				text := fmt.Sprintf("#include %q\n#include %q\nextern int dummy;\n", header, header)
				if err := os.WriteFile(file, []byte(text), 0o666); err != nil {
					t.Fatal(err)
				}
				argv := []string{compiler, "-x", c.language, "-std=" + c.std, "-Wall", "-Wextra", "-Wpedantic", "-Wconversion", "-Werror", "-fsyntax-only", file}
				check(t, append(argv, includes(t, "corstone300")...)...)
			}
		})
	}
}

// TestCPlusPlus compiles everything that may be part of an application as C++, too: some
// builds know one language only.
func TestCPlusPlus(t *testing.T) {
	for _, c := range []struct{ compiler, std, board string }{
		{"g++", "c++11", "host"}, {"clang++", "c++17", "host"}, {"arm-none-eabi-g++", "c++14", "qemu"}, {"arm-none-eabi-g++", "c++20", "corstone320"},
	} {
		t.Run(c.compiler+" "+c.std+" "+c.board, func(t *testing.T) {
			t.Parallel()
			argv := append(asCPlusPlus(append([]string{tool(t, c.compiler)}, strict...)), "-std="+c.std, "-fsyntax-only")
			if c.board != "host" {
				argv = append(argv, cortexM55...)
			}
			for k, v := range builtin(t, c.board).Defines {
				argv = append(argv, "-D"+k+"="+v)
			}
			argv = append(argv, includes(t, c.board)...)
			files := sources(t, c.board)
			for system, headers := range map[string]string{"freertos": "freertos", "cmsis": "cmsis"} {
				argv = append(argv, "-Irun/testdata/rtos", "-Irun/testdata/rtos/"+headers)
				files = append(files, filepath.Join(root, "rtos", "npu_rtos_"+system+".c"))
			}
			for _, file := range files {
				check(t, append(argv[:len(argv):len(argv)], "-I"+filepath.Join(root, "rtos"), file)...)
			}
		})
	}
}

// asCPlusPlus makes a compilation of C one of C++.
func asCPlusPlus(argv []string) []string {
	result := []string{strings.Replace(argv[0], "-gcc", "-g++", 1), "-x", "c++"}
	for _, flag := range argv[1:] {
		if !strings.HasPrefix(flag, "-std=") && !strings.HasSuffix(flag, "-prototypes") {
			result = append(result, flag)
		}
	}
	return result
}

// TestLinkage finds functions that a header gives to C++ by other names than to C: an
// application in C++ that replaces one, such as the NPU's interrupt, would define another one.
func TestLinkage(t *testing.T) {
	prototype := regexp.MustCompile(`(?m)^[a-z_][\w *()]*\([^;{}]*\)[^;{}]*;`)
	err := filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".h" || filepath.Base(path) == "cmsis_compiler.h" {
			return err
		}
		text, err := os.ReadFile(path)
		if found := prototype.Find(text); found != nil && !bytes.Contains(text, []byte("extern \"C\" {")) {
			t.Errorf("%s: no extern \"C\" around %s", path, found)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestSystems compiles the driver's hooks for operating systems against the interfaces
// that the tests have of these.
func TestSystems(t *testing.T) {
	gcc := tool(t, "arm-none-eabi-gcc")
	for name, headers := range map[string]string{"npu_rtos_freertos.c": "freertos", "npu_rtos_cmsis.c": "cmsis"} {
		argv := append([]string{gcc}, strict...)
		argv = append(argv, cortexM55...)
		argv = append(argv, "-O2", "-fanalyzer", "-Irun/testdata/rtos", "-Irun/testdata/rtos/"+headers, "-I"+filepath.Join(root, "rtos"))
		argv = append(argv, includes(t, "qemu")...)
		check(t, append(argv, "-c", filepath.Join(root, "rtos", name), "-o", filepath.Join(t.TempDir(), "out.o"))...)
	}
}

// TestArmBoard compiles what a board gives Arm's driver against the declarations that it
// needs of the driver's header, which is not here: the forms that its versions have had,
// and none that it was never seen to have.
func TestArmBoard(t *testing.T) {
	gcc := tool(t, "arm-none-eabi-gcc")
	forms, err := os.ReadFile(filepath.Join("..", "templates", "arm", "npu", "unroll_ethosu.h.tmpl"))
	if err != nil {
		t.Fatal(err)
	}
	const (
		common = `#pragma once
#include <stddef.h>
#include <stdint.h>
struct ethosu_driver {
    struct { const uint64_t *base_addr; const size_t *base_addr_size; int num_base_addr; } job;
};
`
		calls = `void ethosu_irq_handler(struct ethosu_driver *drv);
void *ethosu_semaphore_create(void);
int ethosu_semaphore_give(void *sem);
void ethosu_inference_end(struct ethosu_driver *drv, void *user_arg);
`
		pointers = "void ethosu_flush_dcache(uint32_t *p, size_t bytes);\nvoid ethosu_invalidate_dcache(uint32_t *p, size_t bytes);\n"
		ranges   = "void ethosu_flush_dcache(const uint64_t *base_addr, const size_t *base_addr_size, int num_base_addr);\n" +
			"void ethosu_invalidate_dcache(const uint64_t *base_addr, const size_t *base_addr_size, int num_base_addr);\n"
		forever = "int ethosu_semaphore_take(void *sem);\n"
		timeout = "#define ETHOSU_SEMAPHORE_WAIT_FOREVER (UINT64_MAX)\nint ethosu_semaphore_take(void *sem, uint64_t timeout);\n"
		destroy = "void ethosu_semaphore_destroy(void *sem);\n"
		remap   = "uint64_t ethosu_address_remap(uint64_t address, int index);\n"
		mask    = "void ethosu_set_basep_cache_mask(struct ethosu_driver *drv, uint8_t flush_mask, uint8_t invalidate_mask);\n"
	)
	for _, c := range []struct {
		name, version, hooks string
		flags                string
		refused              string // part of the message
	}{
		{name: "9670332 of 2022", version: "0.16.0", hooks: pointers + forever + remap},
		{name: "a2732ec of 2023, with a timeout", version: "0.16.0", hooks: pointers + timeout + remap},
		{name: "4140d66 of 2024, with all prototypes", version: "0.16.0", hooks: pointers + timeout + destroy + remap},
		{name: "e79714a of 2024, with a mask", version: "0.16.0", hooks: pointers + timeout + destroy + remap + mask},
		{name: "5fbe299 of 2025", version: "1.0.0", hooks: ranges + timeout + destroy + remap},
		{name: "a newer one", version: "1.1.0", hooks: ranges + timeout + destroy + remap, refused: "never seen"},
		{name: "a newer one that somebody has looked at", version: "1.1.0", hooks: ranges + timeout + destroy + remap, flags: "-DUNROLL_ETHOSU_RANGES=1"},
		{name: "an older one", version: "0.15.0", hooks: pointers + forever, refused: "never seen"},
		{name: "no version", hooks: ranges + timeout, refused: "has no version"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			header := common + "#ifdef __cplusplus\nextern \"C\" {\n#endif\n" + calls + c.hooks + "#ifdef __cplusplus\n}\n#endif\n"
			for i, n := range strings.Split(c.version, ".") {
				if n != "" {
					header += "#define ETHOSU_DRIVER_VERSION_" + []string{"MAJOR", "MINOR", "PATCH"}[i] + " " + n + "\n"
				}
			}
			for name, text := range map[string][]byte{"ethosu_driver.h": []byte(header), "unroll_ethosu.h": forms} {
				if err := os.WriteFile(filepath.Join(dir, name), text, 0o666); err != nil {
					t.Fatal(err)
				}
			}
			argv := append([]string{gcc}, strict...)
			argv = append(argv, cortexM55...)
			argv = append(argv, strings.Fields(c.flags)...)
			argv = append(argv, "-Os", "-I"+dir)
			argv = append(argv, includes(t, "qemu")...)
			argv = append(argv, "-c", filepath.Join(root, "ethosu", "board", "ethosu_board.c"), "-o", filepath.Join(dir, "board.o"))
			if c.refused == "" {
				check(t, argv...)
				check(t, asCPlusPlus(argv)...)
				return
			}
			out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput()
			if err == nil || !strings.Contains(string(out), c.refused) || !strings.Contains(string(out), "define UNROLL_ETHOSU_RANGES") {
				t.Errorf("expected an error with its remedy, found %v:\n%s", err, out)
			}
		})
	}
}

func TestFormat(t *testing.T) {
	argv := []string{tool(t, "clang-format"), "--style=file:c/.clang-format", "--dry-run", "--Werror"}
	for _, pattern := range []string{root + "/npu/*.[ch]", root + "/platform/*.[ch]", root + "/platform/*/*.[ch]", root + "/ethosu/*/*.[ch]", root + "/rtos/*.[ch]", "run/testdata/rtos/*.[ch]", "run/testdata/rtos/*/*.h", "testdata/*/*/*.c", "testdata/*/*/*.h"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		argv = append(argv, found...)
	}
	check(t, argv...)
}

func TestCppcheck(t *testing.T) {
	for _, c := range []struct {
		board, define string
	}{
		{"qemu", "UNROLL_TIMING_U55_HIGH_END"},
		{"host", "NPU_MMIO_EXTERN"},
	} {
		t.Run(c.board, func(t *testing.T) {
			argv := []string{tool(t, "cppcheck"), "-q", "--enable=all", "--inconclusive", "--std=c11", "--platform=arm32-wchar_t4",
				"--suppress=missingIncludeSystem", "--suppress=unusedFunction", "--suppress=unmatchedSuppression", "--inline-suppr",
				"--error-exitcode=1", "-D" + c.define}
			argv = append(argv, includes(t, c.board)...)
			check(t, append(argv, sources(t, c.board)...)...)
		})
	}
}

// TestSizes keeps code and stack of the driver in a table, one row per function.
// The budget for the driver is 2.5 KB of code.
func TestSizes(t *testing.T) {
	gcc := tool(t, "arm-none-eabi-gcc")
	if out, _ := exec.Command(gcc, "-dumpversion").Output(); !bytes.HasPrefix(out, []byte("12.2")) {
		t.Skipf("SKIPPED: the table is for gcc 12.2, this is %s", out)
	}
	dir := t.TempDir()
	object := filepath.Join(dir, "npu_driver.o")
	check(t, append([]string{gcc, "-std=c11", "-Os", "-ffunction-sections", "-fstack-usage", "-Ic/npu", "-c", "c/npu/npu_driver.c", "-o", object}, cortexM55...)...)
	usage, err := os.ReadFile(filepath.Join(dir, "npu_driver.su"))
	if err != nil {
		t.Fatal(err)
	}
	sections, err := exec.Command(tool(t, "arm-none-eabi-size"), "-A", object).Output()
	if err != nil {
		t.Fatal(err)
	}
	var table strings.Builder
	total := 0
	for _, m := range regexp.MustCompile(`(?m)^\.(text\.\w+|rodata\S*|data\S*|bss\S*)\s+(\d+)`).FindAllSubmatch(sections, -1) {
		bytes, _ := strconv.Atoi(string(m[2]))
		if bytes == 0 {
			continue
		}
		total += bytes
		name := strings.TrimPrefix(string(m[1]), "text.")
		stack := "-"
		if s := regexp.MustCompile(`:` + name + `\t(\d+)\tstatic`).FindSubmatch(usage); s != nil {
			stack = string(s[1])
		}
		fmt.Fprintf(&table, "%-26s code %4d  stack %3s\n", name, bytes, stack)
	}
	fmt.Fprintf(&table, "%-26s code %4d\n", "total", total)
	if total > 2560 {
		t.Errorf("the driver has %d bytes of code, its budget is 2560", total)
	}
	testdata.Recorded(t, "driver-size.txt", table.String(), *update)
}

// TestOneDriver compiles the driver for board and for QEMU: the same bytes, since
// only the base address, an argument, differs.
func TestOneDriver(t *testing.T) {
	gcc := tool(t, "arm-none-eabi-gcc")
	var objects [][]byte
	for _, defines := range [][]string{includes(t, "corstone300"), append(includes(t, "qemu"), "-DUNROLL_SEMIHOSTING=1")} {
		object := filepath.Join(t.TempDir(), "npu_driver.o")
		check(t, append(append([]string{gcc, "-std=c11", "-Os", "-Ic/npu", "-c", "c/npu/npu_driver.c", "-o", object}, cortexM55...), defines...)...)
		b, err := os.ReadFile(object)
		if err != nil {
			t.Fatal(err)
		}
		objects = append(objects, b)
	}
	if !bytes.Equal(objects[0], objects[1]) {
		t.Error("the driver for QEMU is not the driver for the board")
	}
}

// TestForgottenCache links the driver without a port: that must fail, and name the
// cache.
func TestForgottenCache(t *testing.T) {
	gcc := tool(t, "gcc")
	out, err := exec.Command(gcc, "-std=c11", "-Ic/npu", "-nostdlib", "-Wl,-e,unroll_npu_run", "c/npu/npu_driver.c", "-o", filepath.Join(t.TempDir(), "x")).CombinedOutput()
	if err == nil || !bytes.Contains(out, []byte("unroll_npu_port_cache_invalidate")) || !bytes.Contains(out, []byte("unroll_npu_port_cache_clean")) {
		t.Errorf("the driver links without cache maintenance: %v\n%s", err, out)
	}
}
