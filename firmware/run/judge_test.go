// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/internal/link"
)

func TestJudge(t *testing.T) {
	violated := &link.Stats{Violations: []*link.AccessError{{Address: 0x10, Bytes: 4, Reason: "no"}}}
	for _, c := range []struct {
		name   string
		report Report
		want   string // problem; empty: passed
	}{
		{"pass", Report{Console: "boot\nRESULT: PASS calls=3 mismatches=0 cycles=12345678901\n"}, ""},
		{"mismatch", Report{Console: "call 2: byte 7 is 1, expected 2\nRESULT: FAIL calls=3 mismatches=1\n", Exit: 10}, "1 of 3 calls differ from the golden vectors: call 2: byte 7 is 1, expected 2"},
		{"not run", Report{Console: "kws: init: ERR_UNREACHABLE\nRESULT: FAIL calls=0 mismatches=0\n", Exit: 10}, "the golden vectors did not run: kws: init: ERR_UNREACHABLE"},
		{"pass that counts a mismatch", Report{Console: "RESULT: PASS calls=3 mismatches=1\n"}, "1 of 3 calls"},
		{"no line", Report{Console: "boot\n"}, "no result line"},
		{"half a line", Report{Console: "RESULT: PASS calls=3"}, "no result line"},
		{"fault", Report{Console: "FAULT: IPSR=3\n", Exit: 99}, "fault"},
		{"lockup", Report{Exit: 134}, "locked up"},
		{"exit", Report{Console: "RESULT: PASS calls=3 mismatches=0\n", Exit: 1}, "exit status 1 in spite of"},
		{"violation", Report{Console: "RESULT: PASS calls=3 mismatches=0\n", Link: violated}, "the NPU reads 4 bytes at 0x10: no"},
		{"link", Report{Problem: "NPU link: x", Exit: -1}, "NPU link: x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := c.report
			r.judge()
			if r.Pass != (c.want == "") || !strings.Contains(r.Problem, c.want) {
				t.Errorf("pass=%v problem=%q, expected %q", r.Pass, r.Problem, c.want)
			}
		})
	}
	r := Report{Console: "RESULT: FAIL calls=1\nRESULT: PASS calls=3 mismatches=0 cycles=12345678901 name=x\n"}
	r.judge()
	if !r.Pass || r.Calls != 3 || r.Cycles != 12345678901 {
		t.Errorf("the last line counts: %+v", r)
	}
}

func TestConsole(t *testing.T) {
	var tee strings.Builder
	c := console{tee: &tee}
	if n, err := c.Write([]byte("a\r\nb\x04")); n != 5 || err != nil || c.text.String() != "a\nb" || tee.String() != "a\nb" {
		t.Errorf("%d %v %q %q", n, err, c.text.String(), tee.String())
	}
	c.Write(make([]byte, consoleLimit))
	if c.text.Len() > consoleLimit {
		t.Errorf("%d bytes kept", c.text.Len())
	}
}

func TestCallGraph(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.ci")
	text := `graph: { title: "a.c"
node: { title: "a.c:local" label: "local\na.c:1:1\n24 bytes (static)" }
node: { title: "api" label: "api\na.c:2:1\n16 bytes (static)" }
node: { title: "hook" label: "hook\nport.h:3:1" shape : ellipse }
edge: { sourcename: "api" targetname: "a.c:local" label: "a.c:9:1" }
edge: { sourcename: "a.c:local" targetname: "hook" label: "a.c:9:1" }
edge: { sourcename: "api" targetname: "api" label: "a.c:9:1" }
}
`
	port := `node: { title: "hook" label: "hook\nport.c:1:1\n8 bytes (dynamic,bounded)" }
node: { title: "main" label: "main\nmain.c:1:1\n1000 bytes (static)" }
edge: { sourcename: "main" targetname: "api" label: "main.c:9:1" }
`
	g := callGraph{}
	for i, content := range []string{text, port} {
		if err := os.WriteFile(file, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if err := g.read(file, i == 0); err != nil {
			t.Fatal(err)
		}
	}
	if got := g.deepest(); got != 24+16+8 {
		t.Errorf("%d bytes, expected 48: api, local and the hook; not main", got)
	}
}

func TestHex(t *testing.T) {
	data := make([]byte, 20)
	for i := range data {
		data[i] = byte(i)
	}
	got, err := Hex([]Segment{{0x1000fff8, data}, {0x70000000, []byte{0xaa}}}, 0x10000401)
	if err != nil {
		t.Fatal(err)
	}
	want := strings.Join([]string{
		":020000041000EA",
		":08FFF8000001020304050607E5",
		":020000041001E9",
		":0C00000008090A0B0C0D0E0F1011121352",
		":0200000470008A",
		":01000000AA55",
		":0400000510000401E2",
		":00000001FF",
		"",
	}, "\n")
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("hex (-want +got):\n%s", diff)
	}
	if _, err := Hex([]Segment{{1<<32 - 1, data}}, 0); err == nil {
		t.Error("an address above 32 bits passed")
	}
}

func TestSegmentsRefuse(t *testing.T) {
	for _, name := range []string{"missing.elf", "judge_test.go"} {
		if _, err := Segments(name); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if self, err := os.Executable(); err == nil {
		if _, err := Segments(self); err == nil {
			t.Error("a program of this machine passed for an image")
		}
	}
}

func TestCommandLines(t *testing.T) {
	accel, err := ethosu.ParseAccelerator("ethos-u65-512")
	if err != nil {
		t.Fatal(err)
	}
	fvp, err := findBoard("", "fvp")
	if err != nil {
		t.Fatal(err)
	}
	e := fvp.Emulator("ethos-u65")
	if command := strings.Join(e.Command("FVP", "fw.elf", "512"), " "); !strings.HasPrefix(command, "FVP -a fw.elf -C ethosu.num_macs=512 ") {
		t.Errorf("FVP command %q", command)
	}
	if _, err := findEmulator(fvp, e); err != nil {
		_, err := commandLine(fvp, "fw.elf", accel)
		if err == nil || !strings.Contains(err.Error(), "Ethos-U65 -a fw.elf -C ethosu.num_macs=512") || !strings.Contains(err.Error(), "developer.arm.com") {
			t.Errorf("without the FVP: %v", err)
		}
	}
	if _, err := findBoard("", "board"); err == nil || !strings.Contains(err.Error(), "host, qemu") {
		t.Errorf("unknown board: %v", err)
	}
}
