// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"slices"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/firmware/board"
)

// preset is a way to configure the project, as CMakePresets.json lists it.
type preset struct {
	Name, Title       string
	Target, Toolchain string
	Sanitize          bool
}

// addBoards says what the project runs on.
func (v *view) addBoards(p *Project) error {
	v.Board, v.boards = p.Options.Board, p.Options.Boards
	if v.Board == nil {
		var err error
		if v.Board, v.boards, err = board.Project(board.DefaultFor(v.product)); err != nil {
			return err
		}
	}
	if err := v.Board.Serves(v.product, v.MACs); err != nil {
		return err
	}
	for _, b := range v.boards {
		if b.Hidden {
			continue
		}
		v.Offered = append(v.Offered, b)
		v.Presets = append(v.Presets, preset{Name: b.Target, Title: capital(b.Summary), Target: b.Target, Toolchain: b.Toolchain})
		switch {
		case b.Host():
			v.Presets = append(v.Presets, preset{b.Target + "-sanitize", "This PC with AddressSanitizer and UBSan", b.Target, "", true})
		case !b.Linked:
			v.Presets = append(v.Presets,
				preset{b.Target + "-llvm", capital(b.Summary) + ", LLVM", b.Target, "cmake/llvm.cmake", false},
				preset{b.Target + "-armclang", capital(b.Summary) + ", Arm Compiler 6", b.Target, "cmake/armclang.cmake", false})
		}
	}
	return nil
}

func capital(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// EmulatorCommand is how to start an image on the board's emulator by hand, one
// argument group a line; empty when nothing emulates the board's NPU.
func (v *view) EmulatorCommand() []string {
	e := v.Board.Emulator(v.product)
	if e == nil || v.Board.Linked {
		return nil
	}
	argv := e.Command(e.Program, "build/"+v.Board.Target+"/"+v.Board.Image(), strconv.Itoa(v.MACs))
	lines := []string{argv[0]}
	for i, width := 1, len(argv[0]); i < len(argv); i++ {
		word := argv[i]
		if i+1 < len(argv) && strings.HasPrefix(word, "-") {
			i++
			word += " " + argv[i]
		}
		if width+len(word) > 110 {
			lines, width = append(lines, ""), 0
		}
		last := &lines[len(lines)-1]
		*last = strings.TrimSpace(*last + " " + word)
		width = len(*last)
	}
	return lines
}

// Emulated is the board that stands in for the project's on an emulator, whose NPU is
// simulated; nil when none does.
func (v *view) Emulated() *board.Board {
	for _, b := range v.boards {
		if b.Linked && !b.Hidden && b.StandsInFor == v.Board.Name {
			return b
		}
	}
	return nil
}

// cprojectView is an image for CMSIS-Toolbox.
type cprojectView struct {
	*view
	On       *board.Board
	Image    string
	Where    string
	Platform []string // sources
}

// CProject describes the image for a board: the project's own, or what stands in for it.
func (v *view) CProject(b *board.Board) *cprojectView {
	p := &cprojectView{view: v, On: b, Image: "fw", Where: v.Board.CSolution.Name}
	if b != v.Board {
		p.Image, p.Where = "fw-qemu", b.Summary
	}
	for _, file := range b.Sources() {
		if !slices.Contains(b.GeneralRegisterSources(), file) {
			p.Platform = append(p.Platform, file)
		}
	}
	return p
}
