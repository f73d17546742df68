// SPDX-License-Identifier: Apache-2.0

package board

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
)

// sectionNames are what a linker script places, each in a memory of the board.
var sectionNames = []string{"code", "data", "model", "arena", "dram"}

// products are the generations of the NPU.
var products = []string{"ethos-u55", "ethos-u65", "ethos-u85"}

// accelerator is a generation of one size.
var accelerator = regexp.MustCompile(`^ethos-(u55-(32|64|128|256)|u65-(256|512)|u85-(128|256|512|1024|2048))$`)

var identifier = regexp.MustCompile(`^[A-Z][A-Z0-9_]*$`)

// check tells what is missing or contradicts itself.
func (b *Board) check() error {
	if b.Summary == "" || b.Needs == "" {
		if !b.Hidden {
			return errors.New(`"summary" and "needs" are empty: say in a line each what the board is and what must be installed`)
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
	case b.LinkerScript == "":
		return errors.New(`"linker_script" is empty: name a file of the board's folder`)
	case b.CPU.Hz == 0:
		return errors.New(`"cpu" has no "hz": the driver's timeouts need the clock of the core`)
	case b.NPU.Base == 0 || b.NPU.Base%4096 != 0:
		return fmt.Errorf(`"npu" has "base" %s: expected the address of its registers, a multiple of 4096`, b.NPU.Base.Hex())
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
		}
		for _, other := range byName {
			if m.Secure < other.Secure+other.Bytes && other.Secure < m.Secure+m.Bytes {
				return fmt.Errorf("memories %s and %s overlap", other.Name, m.Name)
			}
		}
		byName[m.Name] = m
	}
	for _, section := range sectionNames {
		m := byName[b.Sections[section]]
		if m == nil {
			return fmt.Errorf(`"sections" puts %s into %q: expected a name from "memories"`, section, b.Sections[section])
		}
		if section != "code" && section != "data" && len(m.Ports) == 0 {
			return fmt.Errorf(`"sections" puts the %s into %s, which has no "npu_ports": the NPU cannot reach it there`, section, m.Name)
		}
	}
	for section := range b.Sections {
		if !slices.Contains(sectionNames, section) {
			return fmt.Errorf(`"sections" has %q: expected %v`, section, sectionNames)
		}
	}
	return nil
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
