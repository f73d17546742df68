// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
}

// tinyTree is a tree with a valid manifest and little else.
func tinyTree(content string) Tree {
	p := tiny("acc", 16)
	t := Tree{"src/a.c": []byte(content), "README.md": []byte("read me\n")}
	t[ManifestName] = newManifest(&p, t).encode()
	return t
}

// names lists everything in a folder, so that leftovers show.
func names(t *testing.T, dir string) []string {
	t.Helper()
	var list []string
	err := filepath.Walk(dir, func(name string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			rel, _ := filepath.Rel(dir, name)
			list = append(list, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTreeIsWrittenAndReplaced(t *testing.T) {
	parent := t.TempDir()
	dir := filepath.Join(parent, "deep", "fw")
	for _, content := range []string{"one", "two", "three"} {
		if err := tinyTree(content).WriteTo(dir, false); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(filepath.Join(dir, "src", "a.c"))
		if err != nil || string(b) != content {
			t.Fatalf("src/a.c is %q, %v; expected %q", b, err, content)
		}
		write(t, filepath.Join(dir, "build", "host", "fw"), "object code") // must not keep the folder from being replaced
	}
	os.RemoveAll(filepath.Join(dir, "build"))
	want := []string{"deep/fw/README.md", "deep/fw/manifest.json", "deep/fw/src/a.c"}
	if d := cmp.Diff(want, names(t, parent)); d != "" {
		t.Errorf("leftovers (-want +got):\n%s", d)
	}
}

func TestTreeRefusesForeignFolders(t *testing.T) {
	for _, c := range []struct {
		name, file, want string
		ours             bool
	}{
		{"something else", "thesis.txt", "has no manifest.json", false},
		{"a manifest of something else", "manifest.json", "manifest.json", false},
		{"an edited file", "src/a.c", "src/a.c was changed", true},
		{"an added file", "src/mine.c", "src/mine.c was not generated", true},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := filepath.Join(t.TempDir(), "fw")
			if c.ours {
				if err := tinyTree("one").WriteTo(dir, false); err != nil {
					t.Fatal(err)
				}
			}
			write(t, filepath.Join(dir, c.file), "{}")
			before := names(t, filepath.Dir(dir))
			err := tinyTree("two").WriteTo(dir, false)
			if !errors.Is(err, ErrForeign) || !strings.Contains(err.Error(), c.want) {
				t.Fatalf("error is %v: expected ErrForeign that names %q", err, c.want)
			}
			if d := cmp.Diff(before, names(t, filepath.Dir(dir))); d != "" {
				t.Errorf("the folder was touched:\n%s", d)
			}
			if b, _ := os.ReadFile(filepath.Join(dir, c.file)); string(b) != "{}" {
				t.Errorf("%s is now %q", c.file, b)
			}
			if err := tinyTree("two").WriteTo(dir, true); err != nil {
				t.Fatalf("with force: %v", err)
			}
			if diffs, err := Check(dir); err != nil || len(diffs) != 0 {
				t.Errorf("after force: %v, %v", diffs, err)
			}
		})
	}
}

func TestTreeRefusesAFile(t *testing.T) {
	name := filepath.Join(t.TempDir(), "fw")
	write(t, name, "precious")
	for _, force := range []bool{false, true} {
		if err := tinyTree("x").WriteTo(name, force); err == nil || !strings.Contains(err.Error(), "is a file") {
			t.Errorf("force %v: error is %v", force, err)
		}
	}
	if b, _ := os.ReadFile(name); string(b) != "precious" {
		t.Errorf("the file is now %q", b)
	}
}

func TestTreeFailureKeepsWhatWasThere(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fw")
	if err := tinyTree("one").WriteTo(dir, false); err != nil {
		t.Fatal(err)
	}
	bad := tinyTree("two")
	bad["src/a.c/b.c"] = []byte("a file cannot be a folder")
	if err := bad.WriteTo(dir, true); err == nil {
		t.Fatal("a tree that cannot be written was written")
	}
	want := []string{"fw/README.md", "fw/manifest.json", "fw/src/a.c"}
	if d := cmp.Diff(want, names(t, filepath.Dir(dir))); d != "" {
		t.Errorf("after failure (-want +got):\n%s", d)
	}
	if diffs, err := Check(dir); err != nil || len(diffs) != 0 {
		t.Errorf("after failure: %v, %v", diffs, err)
	}
}

func TestTreeIntoUnwritableParent(t *testing.T) {
	if os.Getuid() == 0 {
		t.Skip("SKIPPED: root may write everywhere, so this is not proven")
	}
	parent := t.TempDir()
	if err := os.Chmod(parent, 0o555); err != nil {
		t.Fatal(err)
	}
	if err := tinyTree("x").WriteTo(filepath.Join(parent, "fw"), false); err == nil || !strings.Contains(err.Error(), "output folder") {
		t.Errorf("error is %v", err)
	}
}

func TestCheckFindsEveryDifference(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "fw")
	tree := tinyTree("one")
	if err := tree.WriteTo(dir, false); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "src", "a.c"), "edited")
	write(t, filepath.Join(dir, "src", "new.c"), "new")
	os.Remove(filepath.Join(dir, "README.md"))
	want := []Difference{{"README.md", Missing}, {"src/a.c", Changed}, {"src/new.c", Extra}}
	got, err := Check(dir)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Check (-want +got):\n%s", d)
	}
	if got, err = tree.Check(dir); err != nil || cmp.Diff(want, got) != "" {
		t.Errorf("Tree.Check: %v, %v", got, err)
	}
	if got, err = tinyTree("edited").Check(dir); err != nil || len(got) != 3 || got[1] != (Difference{ManifestName, Changed}) {
		t.Errorf("Tree.Check of other content: %v, %v", got, err)
	}
}

func TestCheckOfOtherFolders(t *testing.T) {
	dir := t.TempDir()
	if _, err := Check(dir); err == nil || !strings.Contains(err.Error(), "not a generated project") {
		t.Errorf("error is %v", err)
	}
	write(t, filepath.Join(dir, ManifestName), `{"tool":"unroll","files":{"../../etc/passwd":"00"}}`)
	if _, err := Check(dir); err == nil || !strings.Contains(err.Error(), "no path inside") {
		t.Errorf("error is %v", err)
	}
}

// A generated project says under which terms it may be used: those of the project.
func TestLicence(t *testing.T) {
	want, err := os.ReadFile("../LICENSE")
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range []Project{tiny("acc", 48), armProject()} {
		if tree := generate(t, p); string(tree["LICENSE"]) != string(want) {
			t.Errorf("%s: the tree's LICENSE is not that of the project", p.Prefix)
		}
	}
}
