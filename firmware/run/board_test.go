package run_test

import (
	"debug/elf"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/firmware/run"
)

// TestAddBoard adds the board of CONTRIBUTING.md by the steps given there: a folder
// with one manifest. A project for it must run, with the arena where the manifest says.
func TestAddBoard(t *testing.T) {
	recipe, err := os.ReadFile(filepath.Join("..", "..", "CONTRIBUTING.md"))
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
