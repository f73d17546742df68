// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/firmware/board"
)

// ErrNoTool is wrapped by every error about a program that is not installed.
var ErrNoTool = errors.New("not installed")

// Tool is a program that something needs.
type Tool struct {
	Name    string   `json:"name"`
	Purpose string   `json:"purpose"`
	Needed  string   `json:"needed"` // by what
	Install string   `json:"install"`
	Path    string   `json:"path,omitempty"`    // empty when absent
	Version string   `json:"version,omitempty"` // first line it prints about itself
	Names   []string `json:"-"`                 // file names, first found wins
	Env     string   `json:"-"`                 // variable that names it instead
	Dirs    []string `json:"-"`                 // patterns of folders to look in, after PATH; ~ is home
}

const (
	toolCC    = "cc"
	toolCMake = "cmake"
	toolNinja = "ninja"
	toolArm   = "arm-none-eabi-gcc"
)

var tools = []Tool{
	{Name: toolCC, Names: []string{"cc", "gcc", "clang"}, Env: "CC", Purpose: "C compiler for this machine", Needed: "run --on host, the C part of generated tests", Install: "apt install gcc libc6-dev"},
	{Name: toolCMake, Names: []string{"cmake"}, Purpose: "build system, 3.20 or later", Needed: "run --on qemu, fvp", Install: "apt install cmake"},
	{Name: toolNinja, Names: []string{"ninja", "ninja-build", "samu"}, Purpose: "runs what CMake wrote", Needed: "run --on qemu, fvp", Install: "apt install ninja-build"},
	{Name: toolArm, Names: []string{"arm-none-eabi-gcc"}, Purpose: "C compiler for Cortex-M", Needed: "run --on qemu, fvp; flash", Install: "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi"},
}

var otherTools = []Tool{
	{Name: "clang", Names: []string{"clang"}, Purpose: "second compiler", Needed: "the project's LLVM preset", Install: "apt install clang lld"},
	{Name: "ld.lld", Names: []string{"ld.lld"}, Purpose: "linker of LLVM", Needed: "the project's LLVM preset", Install: "apt install lld"},
	{Name: "cppcheck", Names: []string{"cppcheck"}, Purpose: "static analysis of C", Needed: "the project's own quality gates", Install: "apt install cppcheck"},
	{Name: "clang-format", Names: []string{"clang-format"}, Purpose: "formats C", Needed: "the project's own quality gates", Install: "apt install clang-format"},
}

// ToolError says that a program is missing, and how to get it.
type ToolError struct{ Tool Tool }

func (e *ToolError) Error() string {
	return fmt.Sprintf("%s (%s) is %v: %s", e.Tool.Name, e.Tool.Purpose, ErrNoTool, e.Tool.Install)
}

func (e *ToolError) Unwrap() error { return ErrNoTool }

// emulators are the programs that run images of the boards that come with unroll.
func emulators() []Tool {
	all, err := board.Builtin().All()
	if err != nil {
		panic("BUG: " + err.Error())
	}
	var list []Tool
	for _, b := range all {
		for i := range b.Emulators {
			t := emulatorTool(b, &b.Emulators[i])
			if !slices.ContainsFunc(list, func(o Tool) bool { return o.Name == t.Name }) {
				list = append(list, t)
			}
		}
	}
	slices.SortFunc(list, func(a, b Tool) int { return strings.Compare(b.Name, a.Name) })
	return list
}

func allTools() []Tool { return slices.Concat(tools, emulators(), otherTools) }

func emulatorTool(b *board.Board, e *board.Emulator) Tool {
	return Tool{Name: e.Program, Names: []string{e.Program}, Dirs: e.Folders, Purpose: e.Purpose, Needed: "run --on " + b.On, Install: e.Install}
}

// findEmulator returns the path of a board's emulator.
func findEmulator(b *board.Board, e *board.Emulator) (string, error) {
	t := emulatorTool(b, e)
	if path := t.find(); path != "" {
		return path, nil
	}
	return "", &ToolError{t}
}

// Find looks a tool of the list up and returns its path; *ToolError when it is absent.
func Find(name string) (string, error) {
	for _, t := range allTools() {
		if t.Name != name {
			continue
		}
		if path := t.find(); path != "" {
			return path, nil
		}
		return "", &ToolError{t}
	}
	panic("BUG: no tool is called " + name)
}

func (t *Tool) find() string {
	names := t.Names
	if t.Env != "" {
		if v := os.Getenv(t.Env); v != "" {
			names = []string{v}
		}
	}
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	home, _ := os.UserHomeDir()
	for _, pattern := range t.Dirs {
		if rest, ok := strings.CutPrefix(pattern, "~"); ok {
			pattern = home + rest
		}
		for _, name := range names {
			found, _ := filepath.Glob(filepath.Join(pattern, name))
			for _, path := range found {
				if p, err := exec.LookPath(path); err == nil {
					return p
				}
			}
		}
	}
	return ""
}

// Doctor returns every tool with its path and version filled in where it is here.
func Doctor(ctx context.Context) []Tool {
	all := allTools()
	for i := range all {
		t := &all[i]
		if t.Path = t.find(); t.Path == "" {
			continue
		}
		out, err := versionOf(ctx, t.Path)
		if line, _, _ := strings.Cut(strings.TrimSpace(out), "\n"); err == nil && line != "" {
			t.Version = strings.TrimSpace(line)
		}
	}
	return all
}
