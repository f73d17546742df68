// SPDX-License-Identifier: Apache-2.0

package board

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// Tree is what a project holds of the board, by path: its folder, those it inherits,
// and what is written from its manifest.
func (b *Board) Tree() (map[string][]byte, error) {
	t := map[string][]byte{}
	for _, f := range b.chain {
		for _, name := range f.names() {
			text, err := fs.ReadFile(f.fs, name)
			if err != nil {
				return nil, fmt.Errorf("board %s: %w", f.name, err)
			}
			t[path.Join(Folder, f.name, name)] = text
		}
	}
	own := path.Join(Folder, b.Name)
	t[path.Join(own, "unroll_board.h")] = []byte(b.header())
	t[path.Join(own, "board.cmake")] = []byte(b.cmake())
	if !b.Host() {
		t[path.Join(own, "memory-secure.ld")] = []byte(b.memories(false))
		if b.CSolution.Name != "" || b.Linked && !b.Hidden {
			t[b.WholeScript()] = append([]byte(b.memories(false)+"\n"), t[b.Script()]...)
		}
		if b.HasNonSecure() {
			t[path.Join(own, "memory-nonsecure.ld")] = []byte(b.memories(true))
		}
	}
	return t, nil
}

// WriteTo writes the tree below a project's folder.
func (b *Board) WriteTo(dir string) error {
	t, err := b.Tree()
	if err != nil {
		return err
	}
	for name, text := range t {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(file, text, 0o666); err != nil {
			return err
		}
	}
	return nil
}

const columns = 100

// header gives the manifest's facts to C.
func (b *Board) header() string {
	var s strings.Builder
	fmt.Fprintf(&s, "/* Facts of board %s, written from its %s. */\n#ifndef UNROLL_BOARD_H\n#define UNROLL_BOARD_H\n\n", b.Name, ManifestName)
	if b.Host() {
		s.WriteString("/* The NPU is another process: it has no address. */\n#define UNROLL_BOARD_NPU_BASE 0u\n\n#endif\n")
		return s.String()
	}
	if b.HasNonSecure() {
		fmt.Fprintf(&s, "#ifdef UNROLL_NONSECURE\n#define UNROLL_BOARD_NPU_BASE %su\n#else\n#define UNROLL_BOARD_NPU_BASE %su\n#endif\n\n", b.NPU.NonSecureBase.Hex(), b.NPU.Base.Hex())
	} else {
		fmt.Fprintf(&s, "#ifdef UNROLL_NONSECURE\n#error \"board %s has no non-secure world\"\n#endif\n#define UNROLL_BOARD_NPU_BASE %su\n\n", b.Name, b.NPU.Base.Hex())
	}
	fmt.Fprintf(&s, "#define UNROLL_BOARD_NPU_IRQ    %du\n#define UNROLL_BOARD_INTERRUPTS %du\n#define UNROLL_BOARD_CORE_HZ    %du\n\n", b.NPU.IRQ, b.CPU.Interrupts, b.CPU.Hz)
	s.WriteString(eachInterrupt(uint64(b.CPU.Interrupts)))
	s.WriteString("/* X(start, bytes, ports, offset): memories that the NPU reaches, as the CPU addresses them. Bit n\n" +
		" * of ports is set when AXI port n does; offset makes the NPU's address of the CPU's. */\n")
	lines := []string{"#define UNROLL_BOARD_NPU_MEMORIES(X)"}
	for _, m := range b.Memories {
		ports := 0
		for _, p := range m.Ports {
			ports |= 1 << p
		}
		for _, w := range m.windows() {
			lines = append(lines, fmt.Sprintf("    X(%su, %su, %du, %su) /* %s */", w[0].Hex(), w[1].Hex(), ports, m.NPUOffset.Hex(), m.Name))
		}
	}
	s.WriteString(macro(lines) + "\n#endif\n")
	return s.String()
}

// eachInterrupt is a macro that names the external interrupts one by one: C has no initializer
// for a range of them that C++ has, too.
func eachInterrupt(count uint64) string {
	lines := []string{"#define UNROLL_BOARD_EACH_INTERRUPT(X)"}
	line := ""
	for i := range count {
		x := fmt.Sprintf("X(%du)", i)
		switch {
		case line == "":
			line = "    " + x
		case len(line)+1+len(x) > columns-2:
			lines, line = append(lines, line), "    "+x
		default:
			line += " " + x
		}
	}
	return "/* X(irq) for every external interrupt. */\n/* clang-format off */\n" + macro(append(lines, line)) + "/* clang-format on */\n\n"
}

// macro is a definition of several lines.
func macro(lines []string) string {
	var s strings.Builder
	for _, line := range lines[:len(lines)-1] {
		fmt.Fprintf(&s, "%-*s\\\n", columns-1, line)
	}
	return s.String() + lines[len(lines)-1] + "\n"
}

// windows are what the NPU's ports decode as the memory; none when no port does.
func (m *Memory) windows() [][2]Number {
	switch {
	case len(m.Ports) == 0:
		return nil
	case len(m.Windows) > 0:
		return m.Windows
	case m.NonSecure != nil:
		return [][2]Number{{*m.NonSecure, m.Bytes}, {m.Secure, m.Bytes}}
	}
	return [][2]Number{{m.Secure, m.Bytes}}
}

// memories is the MEMORY of a linker script, for one world.
func (b *Board) memories(nonsecure bool) string {
	var s strings.Builder
	world := "secure"
	if nonsecure {
		world = "non-secure"
	}
	fmt.Fprintf(&s, "/* Memories of board %s at their %s addresses, written from its %s. */\nMEMORY\n{\n", b.Name, world, ManifestName)
	width := 0
	for _, m := range b.Memories {
		width = max(width, len(m.Name+m.Access)+3)
	}
	for _, m := range b.Memories {
		origin := m.Secure
		if nonsecure {
			origin = *m.NonSecure
		}
		fmt.Fprintf(&s, "    %-*s : ORIGIN = %s, LENGTH = %s\n", width, fmt.Sprintf("%s (%s)", m.Name, m.Access), origin.Hex(), m.Bytes.size())
	}
	s.WriteString("}\n\n")
	for _, section := range sectionNames {
		fmt.Fprintf(&s, "REGION_ALIAS(\"UNROLL_%s\", %s)\n", strings.ToUpper(section), b.Sections[section])
	}
	return s.String()
}

// cmake gives the manifest's facts to the build.
func (b *Board) cmake() string {
	var s strings.Builder
	fmt.Fprintf(&s, "# Board %s: %s.\n# Written from its %s.\n", b.Name, b.Summary, ManifestName)
	set := func(name string, values ...string) {
		fmt.Fprintf(&s, "set(UNROLL_BOARD_%s", name)
		sep := " "
		if len(values) > 1 {
			sep = "\n    "
		}
		for _, v := range values {
			s.WriteString(sep + v)
		}
		s.WriteString(")\n")
	}
	rooted := func(paths []string) []string {
		var list []string
		for _, p := range paths {
			list = append(list, `"${UNROLL_ROOT}/`+p+`"`)
		}
		return list
	}
	set("TARGET", b.Target)
	set("TOOLCHAIN", quoted(b.Toolchain))
	set("NONSECURE", onOff(b.HasNonSecure()))
	set("CPU", quoted(b.CPU.Name))
	set("CPU_FLAGS", b.CPU.Flags...)
	var defines []string
	for k, v := range b.Defines {
		defines = append(defines, quoted(k+"="+v))
	}
	sort.Strings(defines)
	set("DEFINITIONS", defines...)
	set("SOURCES", rooted(b.Sources())...)
	set("SOURCE_FOLDERS", rooted(b.SharedFolders())...)
	set("GENERAL_REGISTERS", rooted(b.given)...)
	set("INCLUDES", rooted(b.Includes())...)
	if !b.Host() {
		set("LINKER_SCRIPT", rooted([]string{b.Script()})...)
		set("MEMORY", rooted([]string{path.Join(Folder, b.Name, "memory")})...)
	}
	var options []string
	for _, f := range slices.Backward(b.chain) {
		if slices.Contains(f.names(), "options.cmake") {
			options = append(options, path.Join(Folder, f.name, "options.cmake"))
		}
	}
	set("OPTIONS", rooted(options)...)
	return s.String()
}

func quoted(s string) string {
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`, `$`, `\$`).Replace(s) + `"`
}

func onOff(b bool) string {
	if b {
		return "ON"
	}
	return "OFF"
}
