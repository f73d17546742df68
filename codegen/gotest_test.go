// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/codegen/golden"
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
		{armProject(), "Files|Stream"},
		{tinyVariable(), "Files|Stream|Host"},
		{tinySequence("seq"), "."},
		{tinySteps("steps"), "Files|Stream|Host"},
		{armSequence(), "Files|Stream"},
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
		findsWrongBytes(t, dir)
	}
}

// findsWrongBytes damages golden vectors: a test that cannot fail proves nothing.
func findsWrongBytes(t *testing.T, dir string) {
	t.Helper()
	name := filepath.Join(dir, filepath.FromSlash(golden.Path))
	v, err := golden.Read(name)
	if err != nil {
		t.Fatal(err)
	}
	call := &v.Calls[2]
	damage := map[string]golden.Hex{"call 2: output, byte 3 is": call.Outputs[0]}
	if call.States != nil {
		damage["call 2: state_h0, byte 3 is"] = call.States[0]
	}
	for want, data := range damage {
		data[3] ^= 1
		b, err := v.Encode()
		if err != nil {
			t.Fatal(err)
		}
		write(t, name, string(b))
		if out := failIn(t, dir, "go", "test", "-mod=mod", "-run", "Stream", "."); !strings.Contains(out, want) {
			t.Errorf("%q is missing in\n%s", want, out)
		}
		data[3] ^= 1
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
