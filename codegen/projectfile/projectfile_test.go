// SPDX-License-Identifier: Apache-2.0

package projectfile

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

type flags struct {
	set   *pflag.FlagSet
	data  string
	units int
	rate  float64
	whole bool
	seed  uint64
	list  []string
	out   string
}

func newFlags(t *testing.T, args ...string) *flags {
	t.Helper()
	f := &flags{set: pflag.NewFlagSet("build", pflag.ContinueOnError)}
	f.set.StringVar(&f.data, "data", "digits", "")
	f.set.IntVar(&f.units, "units", 256, "")
	f.set.Float64Var(&f.rate, "rate", 0.01, "")
	f.set.BoolVar(&f.whole, "no-state", false, "")
	f.set.Uint64Var(&f.seed, "seed", 1, "")
	f.set.StringArrayVar(&f.list, "ignore", nil, "")
	f.set.StringVar(&f.out, "file", "", "")
	if err := f.set.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestApply(t *testing.T) {
	f := newFlags(t, "--units", "8")
	err := Apply(f.set, "unroll.toml", []byte("data = \"a b\" # ours\nunits = 99\nrate = 0.5\n\"no-state\" = true\nseed = 3\nignore = [\"x\", \"y,z\"]\n"), "file")
	if err != nil {
		t.Fatal(err)
	}
	if f.data != "a b" || f.units != 8 || f.rate != 0.5 || !f.whole || f.seed != 3 || !cmp.Equal(f.list, []string{"x", "y,z"}) {
		t.Errorf("got %+v", f)
	}
}

func TestApplyRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"unit = 8":                    `unroll.toml:1: there is no key "unit"; did you mean "units"?`,
		"\nzebra = 8":                 `unroll.toml:2: there is no key "zebra"; keys are the flags`,
		"file = \"x\"":                `there is no key "file"`,
		"units = \"many\"":            `unroll.toml:1: units = "many": `,
		"units = [1, 2]":              "units is a list: expected one value, a whole number",
		"[units]\nx = 1":              "units is a table",
		"units = 2024-01-01":          "expected a whole number",
		"data = ":                     "unroll.toml: toml",
		"units = 1\nunits = 2":        "unroll.toml: toml",
		"data = \"x\"\nno-state = 12": `unroll.toml:2: no-state = "12"`,
	} {
		err := Apply(newFlags(t).set, "unroll.toml", []byte(text), "file")
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, expected one with %q", text, err, want)
		}
	}
}

// TestRoundTrip writes what flags were given and reads it again.
func TestRoundTrip(t *testing.T) {
	given := newFlags(t, "--data", "sets/\"odd\"\\name\t", "--units", "12", "--rate", "1e-3", "--no-state", "--ignore", "a", "--ignore", "b, c")
	file, err := Write(given.set, nil, nil, "file")
	if err != nil {
		t.Fatal(err)
	}
	read := newFlags(t)
	if err := Apply(read.set, Name, file, "file"); err != nil {
		t.Fatalf("%v in\n%s", err, file)
	}
	given.set, read.set = nil, nil
	if d := cmp.Diff(given, read, cmp.AllowUnexported(flags{})); d != "" {
		t.Errorf("-given +read:\n%s\nof\n%s", d, file)
	}
	if !strings.Contains(string(file), "\n# seed = 1\n") {
		t.Errorf("what was not given is no comment:\n%s", file)
	}
}

// TestCommentsStay gives a file and a flag that replaces one of its values.
func TestCommentsStay(t *testing.T) {
	before := "# ours\ndata = \"sets\" # measured in May\nunits = 5 # small\n\n# the end\n"
	f := newFlags(t, "--units", "9", "--seed", "4")
	if err := Apply(f.set, Name, []byte(before), "file"); err != nil {
		t.Fatal(err)
	}
	text, err := Write(f.set, []byte(before), []string{"seed", "units"}, "file")
	if err != nil {
		t.Fatal(err)
	}
	got := string(text)
	if want := "# ours\ndata = \"sets\" # measured in May\nunits = 9 # small\n\n# the end\nseed = 4\n"; got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

func TestValuesOfSeveralLines(t *testing.T) {
	before := "ignore = [\n \"a\",\n]\n"
	f := newFlags(t, "--ignore", "b")
	if _, err := Write(f.set, []byte(before), []string{"ignore"}, "file"); err == nil || !strings.Contains(err.Error(), "on one line") {
		t.Errorf("error %v", err)
	}
}

func FuzzApply(f *testing.F) {
	f.Add("data = \"x\"\nunits = 3")
	f.Add("ignore = [1, true, \"x\"]")
	f.Add("ignore = [\"\"\"x\"\"\"\", '[', [[[[[[[[[[1]]]]]]]]]]]")
	f.Fuzz(func(t *testing.T, text string) {
		_ = Apply(newFlags(t).set, Name, []byte(text), "file")
	})
}
