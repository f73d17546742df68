// SPDX-License-Identifier: Apache-2.0

package projectfile

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/spf13/pflag"
)

// Name is what the file is called in projects.
const Name = "unroll.toml"

// Apply sets the flags that the file gives and the command line does not. name says in errors
// where text came from; skip are flags that have no key. Nothing is set on an error about a
// key; a value that a flag refuses is an error that names it.
func Apply(set *pflag.FlagSet, name string, text []byte, skip ...string) error {
	if err := checkShape(name, text); err != nil {
		return err
	}
	var values map[string]any
	if _, err := toml.Decode(string(text), &values); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	keys := make([]string, 0, len(values))
	for k := range values {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	args := map[string][]string{}
	for _, key := range keys {
		flag := set.Lookup(key)
		if flag == nil || flag.Hidden || slices.Contains(skip, key) {
			return fmt.Errorf("%s%s: there is no key %q%s", name, line(text, key), key, meant(set, key, skip))
		}
		list, err := texts(flag, values[key])
		if err != nil {
			return fmt.Errorf("%s%s: %s %v", name, line(text, key), key, err)
		}
		args[key] = list
	}
	for _, key := range keys {
		if set.Changed(key) {
			continue
		}
		for _, v := range args[key] {
			if err := set.Set(key, v); err != nil {
				return fmt.Errorf("%s%s: %s = %q: %v", name, line(text, key), key, v, cause(err))
			}
		}
	}
	return nil
}

// cause is what is wrong with a value, without the flag's name in pflag's words.
func cause(err error) string {
	s := err.Error()
	if at := strings.LastIndex(s, " flag: "); at >= 0 {
		return s[at+len(" flag: "):]
	}
	return s
}

// texts returns a value as a flag takes it: several for a flag that is repeated.
func texts(flag *pflag.Flag, value any) ([]string, error) {
	if list, ok := value.([]any); ok {
		if _, repeated := flag.Value.(pflag.SliceValue); !repeated {
			return nil, fmt.Errorf("is a list: expected one value, %s", kind(flag))
		}
		var all []string
		for _, v := range list {
			one, err := text(flag, v)
			if err != nil {
				return nil, err
			}
			all = append(all, one)
		}
		return all, nil
	}
	one, err := text(flag, value)
	return []string{one}, err
}

func text(flag *pflag.Flag, value any) (string, error) {
	switch v := value.(type) {
	case string:
		return v, nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), nil
	case bool:
		return strconv.FormatBool(v), nil
	case map[string]any:
		return "", fmt.Errorf("is a table: keys stand alone, by the names of flags")
	}
	return "", fmt.Errorf("is a %T: expected %s", value, kind(flag))
}

func kind(flag *pflag.Flag) string {
	switch t := flag.Value.Type(); t {
	case "int", "uint64", "uint":
		return "a whole number"
	case "float64":
		return "a number"
	case "bool":
		return "true or false"
	case "string":
		return "a text"
	default:
		return t
	}
}

// line says where a key stands, as the end of a file's name.
func line(text []byte, key string) string {
	for i, l := range strings.Split(string(text), "\n") {
		if keyOf(l) == key {
			return fmt.Sprintf(":%d", i+1)
		}
	}
	return ""
}

// keyOf returns the key that a line gives a value to, or "".
func keyOf(line string) string {
	key, _, ok := strings.Cut(line, "=")
	if !ok || strings.HasPrefix(strings.TrimSpace(line), "#") {
		return ""
	}
	return strings.Trim(strings.TrimSpace(key), `"'`)
}

func meant(set *pflag.FlagSet, key string, skip []string) string {
	var names []string
	set.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden && !slices.Contains(skip, f.Name) {
			names = append(names, f.Name)
		}
	})
	if like := Nearest(key, names); like != "" {
		return fmt.Sprintf("; did you mean %q?", like)
	}
	return "; keys are the flags of the verb without their dashes"
}

// Write returns the file of what a set of flags was given. Where the flags came from a file,
// before is its text: it stays as it is, comments too, but for what the command line gave
// (given, the names of those flags). Otherwise every other flag follows as a comment. A
// file whose values take several lines may be an error.
func Write(set *pflag.FlagSet, before []byte, given []string, skip ...string) ([]byte, error) {
	var b strings.Builder
	if before != nil {
		return rewrite(set, before, given, skip)
	}
	b.WriteString("# What unroll build was given; unroll build -f unroll.toml does the same again, from the same folder.\n\n")
	var rest []*pflag.Flag
	set.VisitAll(func(f *pflag.Flag) {
		switch {
		case f.Hidden || slices.Contains(skip, f.Name):
		case f.Changed:
			fmt.Fprintf(&b, "%s = %s\n", f.Name, literal(f, f.Value.String()))
		default:
			rest = append(rest, f)
		}
	})
	b.WriteString("\n# Everything else, as it is where nothing is said; unroll build --help explains each.\n")
	for _, f := range rest {
		fmt.Fprintf(&b, "# %s = %s\n", f.Name, literal(f, f.DefValue))
	}
	return []byte(b.String()), nil
}

// rewrite replaces the lines of the flags that the command line gave, and adds those that
// have none.
func rewrite(set *pflag.FlagSet, before []byte, given, skip []string) ([]byte, error) {
	lines := strings.Split(strings.TrimRight(string(before), "\n"), "\n")
	for _, name := range given {
		f := set.Lookup(name)
		if f == nil || slices.Contains(skip, name) {
			continue
		}
		now := fmt.Sprintf("%s = %s", name, literal(f, f.Value.String()))
		at := slices.IndexFunc(lines, func(l string) bool { return keyOf(l) == name })
		if at < 0 {
			lines = append(lines, now)
			continue
		}
		if _, comment, ok := strings.Cut(lines[at], " #"); ok {
			now += " #" + comment
		}
		lines[at] = now
	}
	text := strings.Join(lines, "\n") + "\n"
	var values map[string]any
	if _, err := toml.Decode(text, &values); err != nil {
		return nil, fmt.Errorf("%s cannot take the values of the command line (%s) beside its own: write each of its values on one line", Name, strings.Join(given, ", "))
	}
	return []byte(text), nil
}

// literal writes a flag's value as TOML.
func literal(f *pflag.Flag, value string) string {
	if v, ok := f.Value.(pflag.SliceValue); ok {
		list := v.GetSlice()
		if value == f.DefValue && !f.Changed {
			list = nil
		}
		quoted := make([]string, len(list))
		for i, s := range list {
			quoted[i] = quote(s)
		}
		return "[" + strings.Join(quoted, ", ") + "]"
	}
	switch f.Value.Type() {
	case "int", "uint64", "uint", "bool", "float64":
		return value
	}
	return quote(value)
}

// quote writes a basic string of TOML.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b.WriteByte('\\')
			b.WriteRune(r)
		case r < 0x20 || r == 0x7f:
			fmt.Fprintf(&b, `\u%04X`, r)
		default:
			b.WriteRune(r)
		}
	}
	b.WriteByte('"')
	return b.String()
}
