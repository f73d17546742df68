// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestKeras reads a file that h5py wrote as tf.keras lays it out.
func TestKeras(t *testing.T) {
	root, err := Read(file(t, "legacy.h5"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(root.Attrs["model_config"], `{"class_name": "Sequential"`) || root.Attrs["backend"] != "tensorflow" || root.Attrs["keras_version"] != "2.11.0" {
		t.Errorf("attributes %q", root.Attrs)
	}
	var paths []string
	root.Walk(func(path []string, n *Node) { paths = append(paths, strings.Join(path, "/")) })
	if len(paths) != 8 || paths[2] != "model_weights/decoder/decoder/lstm_cell/recurrent_kernel:0" {
		t.Errorf("datasets %q", paths)
	}
	k := root.Find("model_weights", "encoder", "encoder", "gru_cell", "kernel:0")
	if k == nil || len(k.Shape) != 2 || k.Shape[0] != 4 || k.Shape[1] != 15 || k.Data[0] != 1.6243454 || k.Data[2] != -0.5281718 {
		t.Errorf("kernel %+v", k)
	}
}

// TestMany reads a tree of names of two levels, floats of three widths, and what is
// no array of floats.
func TestMany(t *testing.T) {
	root, err := Read(file(t, "many.h5"))
	if err != nil {
		t.Fatal(err)
	}
	if len(root.Children) != 304 {
		t.Errorf("%d children, expected 304", len(root.Children))
	}
	for _, name := range []string{"g000", "g001", "g298", "g299"} {
		x := root.Find(name)
		if x == nil || len(x.Data) != 6 || x.Data[5] != float32(100*(int(name[1]-'0'))+10*int(name[2]-'0')+int(name[3]-'0')) {
			t.Errorf("%s: %+v", name, x)
		}
	}
	if s := root.Find("scalar"); len(s.Data) != 1 || s.Data[0] != 2.5 {
		t.Errorf("scalar %+v", s)
	}
	if s := root.Find("unwritten"); len(s.Data) != 2 || s.Data[0] != 0 {
		t.Errorf("unwritten %+v", s)
	}
	if s := root.Find("ints"); s.Data != nil || s.Shape[0] != 4 {
		t.Errorf("ints %+v", s)
	}
	if root.Attrs["text"] != "grüße" {
		t.Errorf("text %q", root.Attrs["text"])
	}
}

func TestRefusals(t *testing.T) {
	for name, want := range map[string]string{"packed.h5": "compressed", "latest.h5": `libver="latest"`} {
		if _, err := Read(file(t, name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %q", name, err, want)
		}
	}
	b := file(t, "legacy.h5")
	for n := 0; n < len(b); n += 97 {
		if _, err := Read(b[:n]); err == nil {
			t.Errorf("the first %d bytes of %d were read", n, len(b))
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(file(f, "legacy.h5"))
	f.Add(file(f, "packed.h5"))
	f.Fuzz(func(t *testing.T, b []byte) {
		root, err := Read(b)
		if err != nil {
			return
		}
		root.Walk(func(_ []string, n *Node) {
			if n.Data != nil && len(n.Data) != elements(n.Shape) {
				t.Errorf("%d values for shape %v", len(n.Data), n.Shape)
			}
		})
	})
}
