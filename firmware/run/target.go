package run

import (
	"fmt"
	"strings"
)

// Target is a machine that a project can run on.
type Target struct {
	Name string // as in unroll run --on
	// CMake is the project's UNROLL_TARGET and the name of its build folder.
	CMake string
	// Toolchain is the CMake toolchain file below the project, empty for this machine.
	Toolchain string
	// Image is the linked program's file name in the build folder.
	Image string
	// Linked says that this process is the NPU.
	Linked bool
}

// Targets lists them all.
var Targets = []Target{
	{Name: "host", CMake: "host", Image: "fw", Linked: true},
	{Name: "qemu", CMake: "corstone300-qemu", Toolchain: "cmake/arm-none-eabi-gcc.cmake", Image: "fw.elf", Linked: true},
	{Name: "qemu-hook", CMake: "corstone300-qemu-hook", Toolchain: "cmake/arm-none-eabi-gcc.cmake", Image: "fw.elf", Linked: true},
	{Name: "fvp", CMake: "corstone300-fvp", Toolchain: "cmake/arm-none-eabi-gcc.cmake", Image: "fw.elf"},
}

// ParseTarget returns the target with the given name.
func ParseTarget(name string) (Target, error) {
	var names []string
	for _, t := range Targets {
		if t.Name == name {
			return t, nil
		}
		names = append(names, t.Name)
	}
	return Target{}, fmt.Errorf("cannot run on %q: expected one of %s", name, strings.Join(names, ", "))
}
