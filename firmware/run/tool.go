package run

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
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
	toolQEMU  = "qemu-system-arm"
	toolFVP55 = "FVP_Corstone_SSE-300_Ethos-U55"
	toolFVP65 = "FVP_Corstone_SSE-300_Ethos-U65"
)

const installFVP = "download \"Corstone-300 Ecosystem FVP\" from https://developer.arm.com/downloads/-/arm-ecosystem-fvps, unpack it and put its models folder on PATH"

var fvpDirs = []string{"~/FVP_Corstone_SSE-300/models/*", "~/FVP*/models/*", "/opt/FVP_Corstone_SSE-300/models/*", "/opt/FVP*/models/*", "/opt/arm/FVP*/models/*"}

var tools = []Tool{
	{Name: toolCC, Names: []string{"cc", "gcc", "clang"}, Env: "CC", Purpose: "C compiler for this machine", Needed: "run --on host, the C part of generated tests", Install: "apt install gcc libc6-dev"},
	{Name: toolCMake, Names: []string{"cmake"}, Purpose: "build system, 3.20 or later", Needed: "run --on qemu, fvp", Install: "apt install cmake"},
	{Name: toolNinja, Names: []string{"ninja", "ninja-build", "samu"}, Purpose: "runs what CMake wrote", Needed: "run --on qemu, fvp", Install: "apt install ninja-build"},
	{Name: toolArm, Names: []string{"arm-none-eabi-gcc"}, Purpose: "C compiler for Cortex-M", Needed: "run --on qemu, fvp; flash", Install: "apt install gcc-arm-none-eabi libnewlib-arm-none-eabi"},
	{Name: toolQEMU, Names: []string{"qemu-system-arm"}, Purpose: "emulates the Cortex-M55", Needed: "run --on qemu", Install: "apt install qemu-system-arm"},
	{Name: toolFVP55, Names: []string{toolFVP55}, Dirs: fvpDirs, Purpose: "Arm's model of Corstone-300 with Ethos-U55", Needed: "run --on fvp", Install: installFVP},
	{Name: toolFVP65, Names: []string{toolFVP65}, Dirs: fvpDirs, Purpose: "Arm's model of Corstone-300 with Ethos-U65", Needed: "run --on fvp", Install: installFVP},
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

// Find looks a tool of the list up and returns its path; *ToolError when it is absent.
func Find(name string) (string, error) {
	for _, t := range tools {
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
	all := append([]Tool(nil), tools...)
	for i := range all {
		t := &all[i]
		if t.Path = t.find(); t.Path == "" {
			continue
		}
		ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
		out, err := exec.CommandContext(ctx, t.Path, "--version").CombinedOutput()
		cancel()
		if line, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n"); err == nil && line != "" {
			t.Version = strings.TrimSpace(line)
		}
	}
	return all
}
