// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/firmware/run"
)

// TestExec builds the unit tests of a project as its users do and runs them by CTest,
// each a process with an NPU of its own, GoogleTest's where it is installed. A library
// that gives a wrong byte, and a test that nothing gives an NPU, must fail.
func TestExec(t *testing.T) {
	for _, tool := range []string{"cmake", "ctest", "ninja", "gcc"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skipf("SKIPPED: unit tests over the simulator are not proven: %v", err)
		}
	}
	p := project(t, readModel(t, "gru32x40_stream"), "ethos-u55-128", "gru", 6)
	dir := write(t, generate(t, p))
	build := filepath.Join(dir, "build", "tests")
	make := func() {
		t.Helper()
		for _, argv := range [][]string{{"cmake", "-S", filepath.Join(dir, "tests"), "-B", build, "-G", "Ninja"}, {"cmake", "--build", build}} {
			if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
			}
		}
	}
	opt := run.Options{Connect: run.Simulated(p.Program.Accel)}
	tests := func(name ...string) (status, programs int, out string) {
		t.Helper()
		var text strings.Builder
		status, programs, err := run.Exec(t.Context(), run.Program{Argv: name, Stdout: &text, Stderr: &text}, opt)
		if err != nil {
			t.Fatal(err)
		}
		return status, programs, text.String()
	}
	make()
	status, programs, out := tests("ctest", "--test-dir", build, "--output-on-failure")
	if status != 0 || programs < 3 || !strings.Contains(out, "100% tests passed") {
		t.Errorf("status %d, %d programs used an NPU:\n%s", status, programs, out)
	}
	if _, err := os.Stat("/usr/include/gtest/gtest.h"); err != nil {
		t.Logf("SKIPPED: GoogleTest is not installed")
	} else if programs != 5 || !strings.Contains(out, "gru_test.golden_vectors") {
		t.Errorf("%d programs used an NPU, expected two of GoogleTest among five:\n%s", programs, out)
	}
	// stdout is the program's own.
	if _, _, out := tests(filepath.Join(build, "test_gru"), "golden"); out != "passed\n" {
		t.Errorf("it printed %q", out)
	}
	lonely, err := exec.Command(filepath.Join(build, "test_gru"), "golden").CombinedOutput()
	if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 97 || !strings.Contains(string(lonely), "--exec") || strings.Contains(string(lonely), "passed") {
		t.Errorf("without an NPU: %v\n%s", err, lonely)
	}
	golden := filepath.Join(dir, "src", "gru_model.c")
	text, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	damaged := regexp.MustCompile(`(gru_constants\[\] = \{\s*)0x[0-9A-F]{8}`).ReplaceAll(text, []byte("${1}0x00000001"))
	writeFile(t, golden, string(damaged))
	make()
	if status, _, out := tests("ctest", "--test-dir", build); status == 0 {
		t.Errorf("a damaged model passes:\n%s", out)
	}
}

// TestListen: a socket is not taken from who has it, nor is a file replaced.
func TestListen(t *testing.T) {
	dir, err := os.MkdirTemp("", "npu")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "file")
	writeFile(t, file, "mine")
	if _, err := run.Listen(file, run.Options{}); err == nil || !strings.Contains(err.Error(), "no socket") {
		t.Errorf("a file: %v", err)
	}
	socket := filepath.Join(dir, "npu")
	p := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "gru", 1)
	first, err := run.Listen(socket, run.Options{Connect: run.Simulated(p.Program.Accel)})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- first.Serve(false) }()
	if _, err := run.Listen(socket, run.Options{}); err == nil || !strings.Contains(err.Error(), "listens on") {
		t.Errorf("somebody's socket: %v", err)
	}
	c, err := net.Dial("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Write([]byte("GET / HTTP/1.1\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	if n, err := c.Read(make([]byte, 1)); err == nil {
		t.Errorf("%d bytes for a web browser", n)
	}
	if err := first.Close(); err == nil || !strings.Contains(err.Error(), "hello") {
		t.Errorf("it takes a web browser for a program: %v", err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(socket); err == nil {
		t.Error("the socket is left behind")
	}
}
