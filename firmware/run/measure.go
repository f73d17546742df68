// SPDX-License-Identifier: Apache-2.0

package run

import (
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// Sizes is what the library and the driver take, in bytes, without the model and
// its arena. What is not known is 0: all of an image that another build made, or with
// sanitizers, or of objects that are not ELF; the stack where the compiler tells no use of it.
type Sizes struct {
	Code  int `json:"code_bytes,omitempty"`  // instructions and constants
	RAM   int `json:"ram_bytes,omitempty"`   // variables, and one context for the NPU and for each model
	Stack int `json:"stack_bytes,omitempty"` // deepest chain of calls into the library
}

// library are the folders of a project whose objects count.
var library = []string{"src", "npu"}

// Measure sums up the objects below the build folder of an image. Unused functions,
// which the linker drops, are included.
func Measure(image string) (Sizes, error) { return measure(image, library) }

// measure counts the objects of some folders only.
func measure(image string, folders []string) (Sizes, error) {
	var sizes Sizes
	build := filepath.Dir(image)
	calls := callGraph{}
	err := filepath.WalkDir(build, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Name() == "ethosu_core_driver.dir" {
			return filepath.SkipDir // Arm's, or what stands in for it
		}
		if err != nil || d.IsDir() {
			return err
		}
		counted := slices.Contains(folders, filepath.Base(filepath.Dir(path)))
		switch ext := filepath.Ext(path); {
		case ext == ".ci":
			return calls.read(path, counted)
		case counted && (ext == ".o" || ext == ".obj"):
			return sizes.add(path)
		}
		return nil
	})
	if err != nil {
		return Sizes{}, fmt.Errorf("measuring %s: %w", build, err)
	}
	sizes.Stack = calls.deepest()
	own, err := contexts(image, slices.Contains(folders, "npu"))
	if err != nil {
		return Sizes{}, fmt.Errorf("measuring %s: %w", image, err)
	}
	sizes.RAM += own
	return sizes, nil
}

func (s *Sizes) add(path string) error {
	f, err := elf.Open(path)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) {
			return nil
		}
		return err
	}
	defer f.Close()
	for _, sec := range f.Sections {
		switch {
		case sec.Flags&elf.SHF_ALLOC == 0 || placed(sec.Name):
		case sec.Name == ".eh_frame" || strings.HasPrefix(sec.Name, ".ARM.ex"):
			// Unwind tables: nothing unwinds, the linker drops them.
		case sec.Flags&elf.SHF_WRITE != 0 && !strings.HasPrefix(sec.Name, ".data.rel.ro"):
			s.RAM += int(sec.Size)
			if sec.Type != elf.SHT_NOBITS {
				s.Code += int(sec.Size) // its initial value
			}
		default:
			s.Code += int(sec.Size)
		}
	}
	return nil
}

// placed are the model and its arena: sections of npu_placement.h.
func placed(section string) bool {
	return strings.HasPrefix(section, ".rodata.unroll_") || strings.HasPrefix(section, ".bss.unroll_")
}
