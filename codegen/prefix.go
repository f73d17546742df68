// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"hash/crc32"
	"regexp"
	"strings"
)

// maxPrefix leaves room for what follows the prefix in a C identifier, of which some
// tools look at 63 characters only.
const maxPrefix = 40

// styledPrefix is the longest prefix, and the longest name of a tensor, for which every
// generated line keeps the column limit.
const styledPrefix = 16

var prefixForm = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)

// reservedWords are the keywords of C11 and C++20 and the names that the fixed C
// and the standard headers of a generated project already use.
var reservedWords = wordSet(`
	alignas alignof and and_eq asm auto bitand bitor bool break case catch char char8_t char16_t char32_t
	class compl concept const consteval constexpr constinit const_cast continue co_await co_return co_yield
	decltype default delete do double dynamic_cast else enum explicit export extern false final float for
	friend goto if import inline int long module mutable namespace new noexcept not not_eq nullptr operator
	or or_eq override private protected public register reinterpret_cast requires restrict return short
	signed sizeof static static_assert static_cast struct switch template this thread_local throw true try
	typedef typeid typename typeof union unsigned using virtual void volatile wchar_t while xor xor_eq
	main errno linux unix arm i386 stdin stdout stderr null nan infinity
	unroll unroll_npu npu platform golden app test int8 int16 int32 uint8 uint16 uint32 size_t
`)

// takenNames are those of CMake's own targets, of libraries that a build links by
// name, and of headers that a PREFIX.h would hide.
var takenNames = wordSet(`
	all clean help install package package_source preinstall uninstall edit_cache rebuild_cache
	list_install_components depend fw check
	c m g gcc nosys rdimon semihost stdc rt dl pthread util ethosu_core_driver
	assert complex ctype errno fenv iso646 limits locale math setjmp signal stdalign stdarg stdatomic stdbool
	stddef stdint stdio stdlib stdnoreturn string tgmath threads time uchar wchar wctype
	unistd malloc alloca memory search sched strings regex poll glob newlib reent fcntl dirent termios
	corstone300 cortex_m semihosting board ethosu_driver
`)

func wordSet(s string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(s) {
		m[w] = true
	}
	return m
}

// CheckPrefix reports whether a prefix can start every C symbol and file name of
// a project.
func CheckPrefix(p string) error {
	switch {
	case p == "":
		return fmt.Errorf("prefix is empty: give a C identifier such as %q", "gru")
	case len(p) > maxPrefix:
		return fmt.Errorf("prefix %q has %d characters: at most %d are allowed", p, len(p), maxPrefix)
	case !prefixForm.MatchString(p):
		return fmt.Errorf("prefix %q is not a lower-case C identifier: use letters a-z, digits and _, starting with a letter", p)
	case strings.HasSuffix(p, "_") || strings.Contains(p, "__"):
		return fmt.Errorf("prefix %q ends in _ or doubles it, which C++ reserves: leave the extra _ out", p)
	case reservedWords[p]:
		return fmt.Errorf("prefix %q is a keyword or a name that the project already uses: choose another", p)
	case takenNames[p]:
		return fmt.Errorf("prefix %q is the name of a target of CMake, of a library or of a standard header, which %s.h or the target %s would hide: choose another", p, p, p)
	case strings.HasPrefix(p, "npu_"):
		return fmt.Errorf("prefix %q could collide with the NPU driver's headers: choose one that does not start with npu_", p)
	case strings.HasPrefix(p, "unroll_npu"):
		return fmt.Errorf("prefix %q collides with the NPU driver's symbols: choose one that does not start with unroll_npu", p)
	}
	return nil
}

// PrefixFrom derives a usable prefix from a name such as a file's base name. Names that
// differ give prefixes that differ, as far as their letters and digits do.
func PrefixFrom(name string) string {
	p := identifier(name)
	if len(p) > maxPrefix {
		sum := fmt.Sprintf("_%06x", crc32.ChecksumIEEE([]byte(p))&0xffffff)
		p = strings.TrimRight(p[:maxPrefix-len(sum)], "_") + sum
	}
	if CheckPrefix(p) != nil {
		p = "model_" + p
	}
	return p
}

// identifier folds any text into a lower-case C identifier: every run of other
// characters becomes one underscore.
func identifier(s string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(s) {
		switch {
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "_"):
			b.WriteByte('_')
		}
	}
	id := strings.TrimRight(b.String(), "_")
	if id == "" || id[0] >= '0' && id[0] <= '9' {
		id = "t_" + id
		id = strings.TrimRight(id, "_")
	}
	return id
}
