// SPDX-License-Identifier: Apache-2.0

package board

import (
	"cmp"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// ManifestName is the file that makes a folder a board.
const ManifestName = "board.json"

// Folder is where a project keeps its boards, one folder each.
const Folder = "platform"

// Board is a machine: what its manifest says, over what the ones it inherits say.
type Board struct {
	// Name is the folder's name.
	Name string `json:"-"`
	// Summary is what the board is, in one line.
	Summary string `json:"summary"`
	// On is the name for unroll run --on; the folder's name when empty.
	On string `json:"on"`
	// Target is the name for CMake, UNROLL_TARGET; the folder's name when empty.
	Target string `json:"target"`
	// Needs lists what must be installed to build and run for it.
	Needs string `json:"needs"`
	// Hidden boards can be named but are not offered.
	Hidden bool `json:"hidden"`
	// Unproven says what nobody has seen of this board, such as that it never ran on
	// silicon; empty for a board that has run.
	Unproven string `json:"unproven"`

	// Inherits names a board whose facts and C files this one has, too.
	Inherits string `json:"inherits"`
	// StandsInFor names a board in whose place this one runs a program, such as an
	// emulator; projects for that board can run on this one, too.
	StandsInFor string `json:"stands_in_for"`
	// Without are C files of the inherited boards that this one does not take.
	Without []string `json:"without"`

	// CPU is empty for this machine.
	CPU CPU `json:"cpu"`
	// Toolchain is the CMake toolchain file, a path in the project.
	Toolchain string `json:"toolchain"`
	// LinkerScript places the sections; the MEMORY that it uses comes from Memories.
	LinkerScript string            `json:"linker_script"`
	Memories     []Memory          `json:"memories"`
	Sections     map[string]string `json:"sections"` // memory by what lies in it: code, data, model, arena, dram
	NPU          NPU               `json:"npu"`

	// Shared are further folders below platform that the board takes.
	Shared []string `json:"shared"`
	// Defines are macros for driver, platform and application.
	Defines map[string]string `json:"defines"`
	// GeneralRegisters are C files that must not touch floating-point registers.
	GeneralRegisters []string `json:"general_registers"`

	// CSolution is the board as CMSIS-Toolbox knows it; empty when it does not.
	CSolution CSolution `json:"csolution"`

	// Images are the formats that unroll flash writes: elf, hex, bin, mps3.
	Images []string `json:"images"`
	// Linked says that the NPU is the process which starts the program.
	Linked bool `json:"linked"`
	// Emulators run an image; none: the image is a program of this machine, or
	// nothing here runs it.
	Emulators []Emulator `json:"emulators"`

	script string    // the folder that LinkerScript lies in
	chain  []*folder // the board's own folder first, then those it inherits
	given  []string  // GeneralRegisters as paths of a project
	set    *Set
}

// CPU is the core that runs the program.
type CPU struct {
	Name  string   `json:"name"`
	Flags []string `json:"flags"` // of the compiler
	Hz    Number   `json:"hz"`
	// Interrupts is how many external ones the vector table has.
	Interrupts Number `json:"interrupts"`
}

// Memory is a memory as the linker uses it.
type Memory struct {
	Name   string `json:"name"`
	Access string `json:"access"` // rx, rw or rwx
	// Secure and NonSecure are its first address in each world. A board without
	// security has only the first.
	Secure    Number  `json:"secure"`
	NonSecure *Number `json:"nonsecure"`
	// Bytes that every form of the board has.
	Bytes Number `json:"bytes"`
	// Ports of the NPU that reach it; none: the NPU must not touch it.
	Ports []int `json:"npu_ports"`
	// Windows are address and size of everything that the NPU's ports decode as this
	// memory; what Secure, NonSecure and Bytes say when there are none.
	Windows [][2]Number `json:"npu_windows"`
	// NPUOffset is added, modulo 2^32, to an address of the CPU to get the NPU's for the same
	// byte: 0xF0000000 where the NPU's is lower by 0x10000000.
	NPUOffset Number `json:"npu_offset"`
	// Loader and NonSecureLoader are its first address as a board's loader counts.
	Loader          *Number `json:"loader"`
	NonSecureLoader *Number `json:"nonsecure_loader"`
}

// NPU is where the NPU is.
type NPU struct {
	// Products are what the board is made with: generations, such as ethos-u55, or, where a chip
	// has one size, accelerators, such as ethos-u55-64; none: any.
	Products      []string `json:"products"`
	Base          Number   `json:"base"`
	NonSecureBase Number   `json:"nonsecure_base"`
	IRQ           Number   `json:"irq"`
}

// CSolution names a board for CMSIS-Toolbox.
type CSolution struct {
	Name   string `json:"name"` // of the target type
	Pack   string `json:"pack"`
	Device string `json:"device"`
}

// Emulator is a program that runs images of the board.
type Emulator struct {
	Program string `json:"program"`
	// Product is the one it has, ethos-u55, ethos-u65 or ethos-u85; empty for any.
	Product string   `json:"product"`
	Purpose string   `json:"purpose"`
	Install string   `json:"install"`
	Folders []string `json:"folders"` // patterns to look in, after PATH; ~ is home
	// Arguments of the program; {image} and {macs} are replaced.
	Arguments []string `json:"arguments"`
}

// Host says that the board is the machine that unroll runs on.
func (b *Board) Host() bool { return b.CPU.Name == "" }

// ArenaBytes returns the size of the memory that the arena lies in, 0 for a board without
// memories of its own.
func (b *Board) ArenaBytes() int {
	for _, m := range b.Memories {
		if m.Name == b.Sections["arena"] {
			return int(m.Bytes)
		}
	}
	return 0
}

// Image is the file name of the linked program.
func (b *Board) Image() string {
	if b.Host() {
		return "fw"
	}
	return "fw.elf"
}

// Runs says that something runs the board's images on this machine: the machine itself or an
// emulator. Those of another board are for its loader.
func (b *Board) Runs() bool { return b.Host() || len(b.Emulators) > 0 }

// Serves returns an error when the board has no such NPU: a product, such as ethos-u85, and
// its multiplications a cycle.
func (b *Board) Serves(product string, macs int) error {
	accelerator := fmt.Sprintf("%s-%d", product, macs)
	if len(b.NPU.Products) == 0 || slices.Contains(b.NPU.Products, product) || slices.Contains(b.NPU.Products, accelerator) {
		return nil
	}
	other := "another --accel"
	if len(b.NPU.Products) == 1 && !slices.Contains(products, b.NPU.Products[0]) {
		other = "--accel " + b.NPU.Products[0]
	}
	return fmt.Errorf("board %s has %s, but the model is compiled for %s: compile it with %s, or name another --board (a board of your own says what it has in \"npu\", \"products\")",
		b.Name, strings.Join(b.NPU.Products, " or "), accelerator, other)
}

// Reaches returns an error when the NPU does not reach what lies in a section through one of
// its AXI ports.
func (b *Board) Reaches(section string, port int) error {
	for _, m := range b.Memories {
		if m.Name == b.Sections[section] && !slices.Contains(m.Ports, port) {
			return fmt.Errorf("board %s puts the %s into %s, which the NPU reaches through port %d only (\"npu_ports\"), but the model is compiled for port %d: compile it with another --memory-mode, or put the %s elsewhere (\"sections\")",
				b.Name, section, m.Name, m.Ports[0], port, section)
		}
	}
	return nil
}

// HasNonSecure says that the board has a non-secure world.
func (b *Board) HasNonSecure() bool {
	return slices.ContainsFunc(b.Memories, func(m Memory) bool { return m.NonSecure != nil })
}

// Emulator returns the one that has a product, such as ethos-u55; nil when none has.
func (b *Board) Emulator(product string) *Emulator {
	for i := range b.Emulators {
		if e := &b.Emulators[i]; e.Product == "" || e.Product == product {
			return e
		}
	}
	return nil
}

// LoaderAddress is where the board's loader sees bytes that the core sees at address.
func (b *Board) LoaderAddress(address uint64, bytes int) (uint64, error) {
	var names []string
	for _, m := range b.Memories {
		if m.Loader == nil {
			continue
		}
		names = append(names, m.Name)
		for _, w := range []struct{ core, loader *Number }{{&m.Secure, m.Loader}, {m.NonSecure, cmp.Or(m.NonSecureLoader, m.Loader)}} {
			if w.core == nil {
				continue
			}
			if off := address - uint64(*w.core); off < uint64(m.Bytes) && uint64(bytes) <= uint64(m.Bytes)-off {
				return uint64(*w.loader) + off, nil
			}
		}
	}
	return 0, fmt.Errorf("the board's loader cannot put %d bytes at %#x: expected one of %s", bytes, address, strings.Join(names, ", "))
}

// Command is what starts an image on an emulator.
func (e *Emulator) Command(program, image string, macs string) []string {
	argv := []string{program}
	r := strings.NewReplacer("{image}", image, "{macs}", macs)
	for _, a := range e.Arguments {
		argv = append(argv, r.Replace(a))
	}
	return argv
}

// Includes are the folders with headers for platform and application, as paths of a
// project: the board's own first, so that its unroll_board.h is the one that counts.
func (b *Board) Includes() []string {
	var list []string
	for _, f := range b.chain {
		list = append(list, path.Join(Folder, f.name))
	}
	list = append(list, Folder)
	for _, s := range b.Shared {
		list = append(list, path.Join(Folder, s))
	}
	return list
}

// Sources are the C files of the platform, as paths of a project.
func (b *Board) Sources() []string {
	var list []string
	for _, f := range b.chain {
		for _, name := range f.names() {
			if strings.HasSuffix(name, ".c") && (f == b.chain[0] || !slices.Contains(b.Without, name)) {
				list = append(list, path.Join(Folder, f.name, name))
			}
		}
	}
	slices.Sort(list)
	return list
}

// GeneralRegisterSources are the files that must not touch floating point, as paths of a
// project: they run before it is set up, or where its registers are not saved.
func (b *Board) GeneralRegisterSources() []string { return slices.Clone(b.given) }

// SharedFolders are the folders of Shared as paths of a project.
func (b *Board) SharedFolders() []string {
	var list []string
	for _, s := range b.Shared {
		list = append(list, path.Join(Folder, s))
	}
	return list
}

// Script is the linker script, as a path of a project.
func (b *Board) Script() string { return path.Join(Folder, b.script, b.LinkerScript) }

// WholeScript is the linker script with its MEMORY, for builds that take one script
// only, as a path of a project. It is written for boards with a csolution, and for emulated
// ones that stand in for them.
func (b *Board) WholeScript() string { return path.Join(Folder, b.Name, b.Name+"-secure.ld") }

// folder is a board's folder.
type folder struct {
	name string
	fs   fs.FS
}

func (f *folder) names() []string {
	entries, err := fs.ReadDir(f.fs, ".")
	if err != nil {
		return nil
	}
	var list []string
	for _, e := range entries {
		if !e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list
}
