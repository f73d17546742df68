package codegen

import (
	"fmt"
	"regexp"
	"strings"
)

// maxPrefix keeps the generated lines inside the column limit.
const maxPrefix = 16

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
	case strings.HasPrefix(p, "unroll_npu"):
		return fmt.Errorf("prefix %q collides with the NPU driver's symbols: choose one that does not start with unroll_npu", p)
	}
	return nil
}

// PrefixFrom derives a usable prefix from a name such as a file's base name.
func PrefixFrom(name string) string {
	p := identifier(name)
	if len(p) > maxPrefix {
		p = strings.TrimRight(p[:maxPrefix], "_")
	}
	if CheckPrefix(p) != nil {
		p = "model"
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
