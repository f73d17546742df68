// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"debug/elf"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/firmware/internal/link"
	"github.com/unroll-npu/unroll/firmware/run"
)

// TestAddBoard adds the board of CONTRIBUTING.md by the steps given there: a folder
// with one manifest. A project for it must run, with the arena where the manifest says.
func TestAddBoard(t *testing.T) {
	recipe, err := os.ReadFile(filepath.Join("..", "..", "docs", "CONTRIBUTING.md"))
	if err != nil {
		t.Fatal(err)
	}
	manifest := regexp.MustCompile("(?s)## Add a board.*?```json\n(.*?)```").FindSubmatch(recipe)
	if manifest == nil {
		t.Fatal("the recipe has no manifest")
	}
	dir := filepath.Join(t.TempDir(), "toy")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, board.ManifestName), manifest[1], 0o666); err != nil {
		t.Fatal(err)
	}
	p := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "toy", 5)
	if p.Options.Board, p.Options.Boards, err = board.Project(dir); err != nil {
		t.Fatal(err)
	}
	report := runProject(t, run.Options{Dir: write(t, generate(t, p)), On: "toy", Accel: p.Program.Accel})
	if !report.Pass || report.Calls != 5 {
		t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
	}
	image, err := elf.Open(report.Image)
	if err != nil {
		t.Fatal(err)
	}
	defer image.Close()
	if s := image.Section(".unroll_arena"); s == nil || s.Addr>>20 != 0x110 {
		t.Errorf("the arena is not in BRAM: %+v", s)
	}
}

// TestUnlikeBoards runs boards that have little in common with the one they inherit: few small
// memories, one for model and arena, and the NPU's interrupt as the last one of the core.
func TestUnlikeBoards(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	for name, manifest := range map[string]string{
		"small": `{"summary": "s", "needs": "n", "inherits": "qemu", "memories": [
			{"name": "ITCM", "access": "rx", "secure": "0x10000000", "bytes": "32K"},
			{"name": "DTCM", "access": "rw", "secure": "0x30000000", "bytes": "16K"},
			{"name": "ONE", "access": "rwx", "secure": "0x11000000", "bytes": "64K", "npu_ports": [0, 1]}],
			"sections": {"model": "ONE", "arena": "ONE", "dram": "ONE"}, "npu": {"nonsecure_base": "0"}}`,
		"last": `{"summary": "s", "needs": "n", "inherits": "qemu", "cpu": {"interrupts": 57}}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "with a space", name)
			writeFile(t, filepath.Join(dir, board.ManifestName), manifest)
			p := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "gru", 3)
			var err error
			if p.Options.Board, p.Options.Boards, err = board.Project(dir); err != nil {
				t.Fatal(err)
			}
			report := runProject(t, run.Options{Dir: write(t, generate(t, p)), On: name, Accel: p.Program.Accel})
			if !report.Pass || report.Calls != 3 {
				t.Errorf("pass=%v calls=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Problem, report.Console)
			}
		})
	}
}

// TestBoardsLink builds images for the boards that nothing here runs: code, model and
// arena must lie where the manifest says, and run must say what to do instead.
func TestBoardsLink(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles two projects, not in short mode")
	}
	for _, c := range []struct {
		name, accel string
		sections    map[string]uint64
	}{
		{"alif-e7-he", "ethos-u55-128", map[string]uint64{".vectors": 0x80000000, ".unroll_arena": 0x02000000, ".bss": 0x20000000}},
		{"himax-we2", "ethos-u55-64", map[string]uint64{".vectors": 0x10000000, ".unroll_model": 0x3a000000, ".unroll_arena": 0x3401f000, ".bss": 0x30000000}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			p := project(t, readModel(t, "gru16_t4"), c.accel, "gru", 2)
			var err error
			if p.Options.Board, p.Options.Boards, err = board.Project(c.name); err != nil {
				t.Fatal(err)
			}
			opt := run.Options{Dir: write(t, generate(t, p)), On: c.name, Accel: p.Program.Accel}
			opt.Image, err = run.Build(t.Context(), opt)
			if errors.Is(err, run.ErrNoTool) {
				t.Skipf("SKIPPED: %v", err)
			}
			if err != nil {
				t.Fatal(err)
			}
			image, err := elf.Open(opt.Image)
			if err != nil {
				t.Fatal(err)
			}
			defer image.Close()
			for name, start := range c.sections {
				if s := image.Section(name); s == nil || s.Addr>>16 != start>>16 {
					t.Errorf("%s is not at %#x: %+v", name, start, s)
				}
			}
			if files, err := run.Flash(opt.Dir, c.name, opt.Image, t.TempDir()); err != nil || len(files) < 3 {
				t.Errorf("%d images: %v", len(files), err)
			}
			if _, err := run.Run(t.Context(), opt); err == nil || !strings.Contains(err.Error(), "unroll flash writes them") {
				t.Errorf("run says %v", err)
			}
		})
	}
}

// moved is a memory that the NPU sees at other addresses than the program.
type moved struct{ link.Memory }

const movedBy = 0x10000000

func (m moved) ReadAt(addr uint64, p []byte) error  { return m.Memory.ReadAt(back(addr), p) }
func (m moved) WriteAt(addr uint64, p []byte) error { return m.Memory.WriteAt(back(addr), p) }

func back(addr uint64) uint64 {
	if addr>>24 == (0x31000000+movedBy)>>24 {
		return addr - movedBy
	}
	if addr>>24 == 0x31 {
		return 0 // the NPU has nothing where the program has its arena
	}
	return addr
}

// TestRemap runs a board on which the NPU sees the arena's memory somewhere else.
func TestRemap(t *testing.T) {
	if testing.Short() {
		t.Skip("SKIPPED: cross-compiles and emulates, not in short mode")
	}
	builtin, err := board.Builtin().Get("qemu")
	if err != nil {
		t.Fatal(err)
	}
	memories := append([]board.Memory(nil), builtin.Memories...)
	for i := range memories {
		if memories[i].Name == "SRAM" {
			memories[i].NPUOffset = movedBy
		}
	}
	manifest, err := json.Marshal(map[string]any{"summary": "remapped", "needs": "QEMU", "inherits": "qemu", "memories": memories})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "remapped")
	writeFile(t, filepath.Join(dir, board.ManifestName), string(manifest))
	p := project(t, readModel(t, "gru16_t4"), "ethos-u55-128", "gru", 3)
	if p.Options.Board, p.Options.Boards, err = board.Project(dir); err != nil {
		t.Fatal(err)
	}
	opt := run.Options{Dir: write(t, generate(t, p)), On: "remapped", Accel: p.Program.Accel}
	opt.Connect = func(m link.Memory) link.NPU {
		return run.SimulatedIn(p.Program.Accel, ethosu.DefaultSystemConfig(p.Program.Accel))(moved{m})
	}
	report, err := run.Run(t.Context(), opt)
	if errors.Is(err, run.ErrNoTool) {
		t.Skipf("SKIPPED: %v", err)
	}
	if err != nil {
		t.Fatal(err)
	}
	if !report.Pass || report.Calls != 3 {
		t.Errorf("pass=%v problem=%q console:\n%s", report.Pass, report.Problem, report.Console)
	}
}
