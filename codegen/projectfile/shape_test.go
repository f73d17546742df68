// SPDX-License-Identifier: Apache-2.0

package projectfile

import (
	"strings"
	"testing"
	"time"
)

// TestShape refuses files that would take the parser's stack, or hours, and none that flags
// may look like.
func TestShape(t *testing.T) {
	many := func(s string) string { return strings.Repeat(s, 300000) }
	for _, c := range []struct{ name, text, want string }{
		{"lists", "data = \"x\"\nignore = " + many("["), "f.toml:2: more than 8 brackets are open"},
		{"tables", "a = " + many("{a="), "f.toml:1: more than 8 brackets are open"},
		{"a long key", "a" + many(".a") + " = 1", "f.toml:1: a key of more than 8 parts"},
		{"a key with spaces", "a" + many(" . \"a\"") + " = 1", "f.toml:1: a key of more than 8 parts"},
		{"a table's name", "#\n[a" + many(".a") + "]", "f.toml:2: a key of more than 8 parts"},
		{"behind a text", "a = [\"\"\"x\"\"\"\"," + many("["), "f.toml:1: more than 8 brackets are open"},
		{"behind an escape", `a = ["\"", ` + many("["), "f.toml:1: more than 8 brackets are open"},
		{"behind a literal", `a = ['\', ` + many("["), "f.toml:1: more than 8 brackets are open"},
		{"behind a text of lines", "a = ['''\n[\n''', " + many("["), "f.toml:3: more than 8 brackets are open"},
	} {
		begin := time.Now()
		err := Apply(newFlags(t).set, "f.toml", []byte(c.text), "file")
		if err == nil || !strings.Contains(err.Error(), c.want) || time.Since(begin) > 10*time.Second {
			t.Errorf("%s: %v after %v, expected %q", c.name, err, time.Since(begin), c.want)
		}
	}
	for _, text := range []string{
		"a = 1.5 # [[[[[[[[[[ a.b.c.d.e.f.g.h.i.j",
		"a = \"[[[[[[[[[[ a.b.c.d.e.f.g.h.i.j\"\nb = '{{{{{{{{{{'",
		"a = \"\"\"\n[[[[[[[[[[\\\"\"\"\" # [[[[[[[[[[",
		"a = [1.5, 2.5, 3.5, 4.5, 5.5, 6.5, 7.5, 8.5, 9.5, 1.5]",
		strings.Repeat("a = 1.5\n", 20),
		strings.Repeat("a = [[1]]\n", 20),
		"# no end",
		"a = \"no end [[[[[[[[[[",
		"",
	} {
		if err := checkShape("f.toml", []byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
