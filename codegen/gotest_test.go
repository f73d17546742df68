package codegen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// asModule makes a generated project a module of its own that uses this checkout.
func asModule(t *testing.T, dir string) {
	t.Helper()
	root, err := filepath.Abs("..")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"go.mod", "go.sum"} {
		b, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		if name == "go.mod" {
			const unroll = "github.com/unroll-npu/unroll"
			text = strings.Replace(text, "module "+unroll, "module firmware", 1) +
				"\nrequire " + unroll + " v0.0.0\n\nreplace " + unroll + " => " + root + "\n"
		}
		write(t, filepath.Join(dir, name), text)
	}
}

// TestGeneratedGoTest runs the generated test: what needs a tool that is missing
// skips, all else must pass.
func TestGeneratedGoTest(t *testing.T) {
	goTests(t)
	for _, c := range []struct {
		p   Project
		run string
	}{
		{tiny("acc", 48), "."}, // everything
		{tiny("acc", 16), "Files|Stream"},
		{armProject(), "Files|Stream"},
		{tinyVariable(), "Files|Stream|Host"},
	} {
		dir := onDisk(t, c.p)
		asModule(t, dir)
		out := runIn(t, dir, "go", "test", "-mod=mod", "-count=1", "-v", "-run", c.run, ".")
		for _, want := range []string{"--- PASS: TestFilesAreAsGenerated", "--- PASS: TestCommandStream", "5 calls give the golden bytes on the simulated NPU"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in\n%s", want, out)
			}
		}
		for _, line := range strings.Split(out, "\n") {
			if strings.Contains(line, "SKIPPED") {
				t.Log(line)
			}
		}
	}
}

// TestGeneratedGoTestFindsAWrongByte: a test that cannot fail proves nothing.
func TestGeneratedGoTestFindsAWrongByte(t *testing.T) {
	goTests(t)
	for _, c := range []struct{ damage, want string }{
		{"output", "call 2: output, byte 3 is"},
		{"state", "call 2: state_h0, byte 3 is"},
	} {
		p := tiny("acc", 48)
		o := 0
		if c.damage == "state" {
			o = 1
		}
		p.Golden[2].Outputs[o][3] ^= 1
		dir := onDisk(t, p)
		asModule(t, dir)
		if out := failIn(t, dir, "go", "test", "-mod=mod", "-count=1", "-run", "TestCommandStream", "."); !strings.Contains(out, c.want) {
			t.Errorf("%q is missing in\n%s", c.want, out)
		}
	}
}

// goTests skips what builds Go programs, which takes its time.
func goTests(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("SKIPPED: -short, so the generated Go test is not proven")
	}
	tool(t, "go")
}
