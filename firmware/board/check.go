// SPDX-License-Identifier: Apache-2.0

package board

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/firmware"
)

// sectionNames are what a linker script places, each in a memory of the board.
var sectionNames = []string{"code", "data", "model", "arena", "dram"}

// products are the generations of the NPU.
var products = []string{"ethos-u55", "ethos-u65", "ethos-u85"}

// accelerator is a generation of one size.
var accelerator = regexp.MustCompile(`^ethos-(u55-(32|64|128|256)|u65-(256|512)|u85-(128|256|512|1024|2048))$`)

// imageFormats are what run.Flash writes.
var imageFormats = []string{"elf", "hex", "bin", "mps3"}

var macroName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

var identifier = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// check tells what is missing or contradicts itself.
func (b *Board) check() error {
	if b.Summary == "" || b.Needs == "" {
		if !b.Hidden {
			return errors.New(`"summary" and "needs" are empty: say in a line each what the board is and what must be installed`)
		}
	}
	for _, t := range [][2]string{{"summary", b.Summary}, {"needs", b.Needs}, {"unproven", b.Unproven}} {
		if strings.ContainsAny(t[1], "\r\n") {
			return fmt.Errorf("%q has several lines: expected one", t[0])
		}
	}
	for _, t := range [][2]string{{"on", b.On}, {"target", b.Target}} {
		if !boardName.MatchString(t[1]) {
			return fmt.Errorf("%q is %q: expected a name of letters a-z, digits, - and _", t[0], t[1])
		}
	}
	if b.StandsInFor != "" && b.set.folders[b.StandsInFor] == nil {
		return fmt.Errorf(`"stands_in_for" names %q, which is no board: expected one of %s`, b.StandsInFor, strings.Join(b.set.Names(), ", "))
	}
	if folders := sharedFolders(); slices.Contains(folders, b.Name) {
		return fmt.Errorf("a project has files of its own in platform/%s: give the board's folder another name", b.Name)
	}
	for _, n := range b.Shared {
		if folders := sharedFolders(); !slices.Contains(folders, n) {
			return fmt.Errorf(`"shared" names %q: expected some of %v`, n, folders)
		}
	}
	for _, file := range b.given {
		if !b.has(file) {
			return fmt.Errorf(`"general_registers" names %s, which the project does not have`, file)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(b.Defines)) {
		if !macroName.MatchString(name) {
			return fmt.Errorf(`"defines" has %q: expected the name of a macro`, name)
		}
	}
	for _, n := range b.Without {
		if !b.inherits(n) {
			return fmt.Errorf(`"without" names %s, which no inherited board has`, n)
		}
	}
	if b.Host() {
		return nil
	}
	switch {
	case b.Toolchain == "":
		return errors.New(`"toolchain" is empty: name the CMake toolchain file, such as cmake/arm-none-eabi-gcc.cmake`)
	case !b.has(b.Toolchain):
		return fmt.Errorf(`"toolchain" names %s, which the project does not have: expected a file such as cmake/arm-none-eabi-gcc.cmake, or platform/%s/FILE for one of the board's folder`, b.Toolchain, b.Name)
	case b.LinkerScript == "":
		return errors.New(`"linker_script" is empty: name a file of the board's folder`)
	case len(b.CPU.Flags) == 0:
		return errors.New(`"cpu" has no "flags": say the compiler what the core is, as ["-mcpu=cortex-m55", "-mthumb", "-mfloat-abi=hard"]`)
	case b.CPU.Hz == 0:
		return errors.New(`"cpu" has no "hz": the driver's timeouts need the clock of the core`)
	case b.CPU.Hz < 100_000 || b.CPU.Hz >= 1<<32:
		return fmt.Errorf(`"cpu" has "hz" %d: expected the clock of the core in Hz, from 100000, below 2^32`, b.CPU.Hz)
	case b.CPU.Interrupts == 0 || b.CPU.Interrupts > 480:
		return fmt.Errorf(`"cpu" has %d "interrupts": expected how many external ones its vector table has, 1 to 480`, b.CPU.Interrupts)
	case b.NPU.Base == 0 || b.NPU.Base%4096 != 0 || b.NPU.Base >= 1<<32:
		return fmt.Errorf(`"npu" has "base" %s: expected the address of its registers, a multiple of 4096 below 4 GiB`, b.NPU.Base.Hex())
	case b.NPU.NonSecureBase%4096 != 0 || b.NPU.NonSecureBase >= 1<<32:
		return fmt.Errorf(`"npu" has "nonsecure_base" %s: expected a multiple of 4096 below 4 GiB`, b.NPU.NonSecureBase.Hex())
	case b.NPU.IRQ == 0 || b.NPU.IRQ >= b.CPU.Interrupts:
		return fmt.Errorf(`"npu" has "irq" %d and "cpu" %d "interrupts": expected a number from 1, below the second`, b.NPU.IRQ, b.CPU.Interrupts)
	case b.HasNonSecure() && b.NPU.NonSecureBase == 0:
		return errors.New(`"npu" has no "nonsecure_base", but memories have a non-secure address`)
	}
	for _, product := range b.NPU.Products {
		if !slices.Contains(products, product) && !accelerator.MatchString(product) {
			return fmt.Errorf(`"npu" has "products" with %q: expected some of %v, or accelerators such as ethos-u55-128`, product, products)
		}
	}
	for _, format := range b.Images {
		if !slices.Contains(imageFormats, format) {
			return fmt.Errorf(`"images" has %q: expected some of %v`, format, imageFormats)
		}
	}
	for _, e := range b.Emulators {
		if e.Program == "" {
			return errors.New(`"emulators" has one without a "program"`)
		}
	}
	if _, err := fs.Stat(b.set.folders[b.script].fs, b.LinkerScript); err != nil {
		return fmt.Errorf(`"linker_script": %w`, err)
	}
	return b.checkMemories()
}

func (b *Board) checkMemories() error {
	byName := map[string]*Memory{}
	for i := range b.Memories {
		m := &b.Memories[i]
		switch {
		case !identifier.MatchString(m.Name):
			return fmt.Errorf("memory %q: expected a name of letters A-Z, digits and _", m.Name)
		case byName[m.Name] != nil:
			return fmt.Errorf("two memories are called %s", m.Name)
		case m.Access != "rx" && m.Access != "rw" && m.Access != "rwx":
			return fmt.Errorf(`memory %s has "access" %q: expected rx, rw or rwx`, m.Name, m.Access)
		case m.Bytes == 0 || m.Secure+m.Bytes > 1<<32:
			return fmt.Errorf("memory %s has %d bytes at %s: expected some, below 4 GiB", m.Name, m.Bytes, m.Secure.Hex())
		case (m.NonSecure != nil) != b.HasNonSecure():
			return fmt.Errorf(`memory %s has no "nonsecure" address, but others have`, m.Name)
		case slices.ContainsFunc(m.Ports, func(p int) bool { return p != 0 && p != 1 }):
			return fmt.Errorf(`memory %s has "npu_ports" %v: the NPU has ports 0 and 1`, m.Name, m.Ports)
		case m.NonSecure != nil && *m.NonSecure+m.Bytes > 1<<32:
			return fmt.Errorf(`memory %s has %d bytes at "nonsecure" %s: expected them below 4 GiB`, m.Name, m.Bytes, m.NonSecure.Hex())
		case m.holds(false, b.NPU.Base) || m.NonSecure != nil && m.holds(true, b.NPU.NonSecureBase):
			return fmt.Errorf("memory %s holds the address that the NPU's registers have", m.Name)
		}
		for _, other := range b.Memories[:i] {
			if overlap(m.Secure, m.Bytes, other.Secure, other.Bytes) {
				return fmt.Errorf("memories %s and %s overlap", other.Name, m.Name)
			}
			if m.NonSecure != nil && other.NonSecure != nil && overlap(*m.NonSecure, m.Bytes, *other.NonSecure, other.Bytes) {
				return fmt.Errorf(`memories %s and %s overlap at their "nonsecure" addresses`, other.Name, m.Name)
			}
		}
		if err := m.checkNPU(); err != nil {
			return err
		}
		byName[m.Name] = m
	}
	for _, section := range sectionNames {
		m := byName[b.Sections[section]]
		if m == nil {
			return fmt.Errorf(`"sections" puts %s into %q: expected a name from "memories"`, section, b.Sections[section])
		}
		if needed := map[string]string{"code": "x", "model": "r"}[section]; !strings.Contains(m.Access, cmp.Or(needed, "w")) {
			return fmt.Errorf(`"sections" puts the %s into %s, whose "access" is %s: expected %s in it`, section, m.Name, m.Access, cmp.Or(needed, "w"))
		}
		if section != "code" && section != "data" && len(m.Ports) == 0 {
			return fmt.Errorf(`"sections" puts the %s into %s, which has no "npu_ports": the NPU cannot reach it there`, section, m.Name)
		}
	}
	for _, section := range slices.Sorted(maps.Keys(b.Sections)) {
		if !slices.Contains(sectionNames, section) {
			return fmt.Errorf(`"sections" has %q: expected %v`, section, sectionNames)
		}
	}
	return b.checkVectors(byName[b.Sections["code"]])
}

// checkVectors looks at where the vector table will be: the core takes its address in multiples of
// its size, rounded up to a power of two.
func (b *Board) checkVectors(code *Memory) error {
	bytes := 4 * (16 + b.CPU.Interrupts)
	multiple := Number(512)
	for multiple < bytes {
		multiple *= 2
	}
	if code.Secure%multiple != 0 || code.NonSecure != nil && *code.NonSecure%multiple != 0 {
		return fmt.Errorf(`memory %s holds the code, and the vector table first: with %d "interrupts" expected its address to be a multiple of %d`, code.Name, b.CPU.Interrupts, multiple)
	}
	return nil
}

// checkNPU looks at what the NPU sees of a memory.
func (m *Memory) checkNPU() error {
	if len(m.Ports) == 0 && (len(m.Windows) > 0 || m.NPUOffset != 0) {
		return fmt.Errorf(`memory %s has "npu_windows" or "npu_offset", but no "npu_ports" that reach it`, m.Name)
	}
	if there := (m.Secure + m.NPUOffset) % (1 << 32); m.NPUOffset >= 1<<32 || m.NPUOffset%16 != 0 || there+m.Bytes > 1<<32 {
		return fmt.Errorf(`memory %s has "npu_offset" %s: expected what, added modulo 2^32, makes addresses of the NPU's, a multiple of 16`, m.Name, m.NPUOffset.Hex())
	}
	secure, nonsecure := len(m.Windows) == 0, len(m.Windows) == 0 || m.NonSecure == nil
	for _, w := range m.Windows {
		if w[1] == 0 || w[0]+w[1] > 1<<32 {
			return fmt.Errorf(`memory %s has "npu_windows" with %d bytes at %s: expected some, below 4 GiB`, m.Name, w[1], w[0].Hex())
		}
		secure = secure || w[0] <= m.Secure && m.Secure+m.Bytes <= w[0]+w[1]
		nonsecure = nonsecure || w[0] <= *m.NonSecure && *m.NonSecure+m.Bytes <= w[0]+w[1]
	}
	if !secure || !nonsecure {
		return fmt.Errorf(`memory %s has "npu_windows", none of which holds all of it: expected addresses of the CPU's`, m.Name)
	}
	return nil
}

// holds says that an address is in the memory, in one of the two worlds.
func (m *Memory) holds(nonsecure bool, address Number) bool {
	start := m.Secure
	if nonsecure {
		start = *m.NonSecure
	}
	return overlap(start, m.Bytes, address, 1)
}

func overlap(start, bytes, other, otherBytes Number) bool {
	return start < other+otherBytes && other < start+bytes
}

// has says that a project for the board has a file.
func (b *Board) has(file string) bool {
	if _, err := fs.Stat(firmware.Files(), path.Clean(file)); err == nil {
		return true
	}
	for _, f := range b.chain {
		if name, ok := strings.CutPrefix(file, path.Join(Folder, f.name)+"/"); ok && slices.Contains(f.names(), name) {
			return true
		}
	}
	return false
}

// sharedFolders are those below platform that belong to no board.
func sharedFolders() []string {
	entries, err := fs.ReadDir(firmware.Files(), Folder)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	var list []string
	for _, e := range entries {
		if e.IsDir() {
			list = append(list, e.Name())
		}
	}
	return list
}

// inherits says that an inherited folder has a file.
func (b *Board) inherits(name string) bool {
	for _, f := range b.chain[1:] {
		if slices.Contains(f.names(), name) {
			return true
		}
	}
	return false
}
