// SPDX-License-Identifier: Apache-2.0

package source

import (
	"archive/zip"
	"bytes"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/npy"
)

// hereRefused are the models of semantics.zip that are right and cannot be had.
var hereRefused = []string{"lstmc_only"}

// TestSemantics runs models about what is easily misread: forms of attributes from opset 7
// to 24, directions, gates, clips, initial states, axes, padding, rounding of sizes. The
// files and their outputs were written by NumPy from the text of the operators, which
// is neither the conversion nor the evaluator. A model without outputs has to be refused.
func TestSemantics(t *testing.T) { runRecorded(t, "testdata/semantics.zip", 80, hereRefused) }

// TestRuntime runs models that a random generator wrote, with the outputs that ONNX Runtime
// 1.30 gave: recurrent nodes, chains of shapes, windows, products, branches, loops,
// functions of the model's own, constants of all types.
func TestRuntime(t *testing.T) { runRecorded(t, "testdata/runtime.zip", 100, nil) }

// TestOperators runs comparisons, choices by what is computed, and functions that are written
// out by others, with the outputs of ONNX Runtime 1.30.
func TestOperators(t *testing.T) { runRecorded(t, "testdata/operators.zip", 49, nil) }

// TestSpectra runs transforms of constant parameters and normalizations, with the outputs of ONNX Runtime 1.30.
// Of complex signals it gives something else than the words of STFT.
func TestSpectra(t *testing.T) { runRecorded(t, "testdata/spectra.zip", 21, []string{"stft_two"}) }

// recorded is a model of an archive with arrays of a run of it.
type recorded struct {
	file    []byte
	in, out map[string]*npy.Array
}

// readRecorded reads an archive, NAME/model.onnx with NAME/in/….npy and NAME/out/….npy.
func readRecorded(t *testing.T, archive string) (names []string, models map[string]*recorded) {
	t.Helper()
	z, err := zip.OpenReader(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	models = map[string]*recorded{}
	for _, f := range z.File {
		parts := strings.Split(f.Name, "/")
		m := models[parts[0]]
		if m == nil {
			m = &recorded{in: map[string]*npy.Array{}, out: map[string]*npy.Array{}}
			models[parts[0]] = m
			names = append(names, parts[0])
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if len(parts) == 2 {
			m.file = b
			continue
		}
		a, err := npy.Read(f.Name, bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		map[string]map[string]*npy.Array{"in": m.in, "out": m.out}[parts[1]][strings.TrimSuffix(parts[2], ".npy")] = a
	}
	return names, models
}

// runRecorded runs the models of an archive.
func runRecorded(t *testing.T, archive string, least int, hereRefused []string) {
	names, models := readRecorded(t, archive)
	if len(names) < least {
		t.Fatalf("%d models, expected more", len(names))
	}
	for _, name := range names {
		m := models[name]
		file := filepath.Join(t.TempDir(), name+".onnx")
		if err := os.WriteFile(file, m.file, 0o666); err != nil {
			t.Fatal(err)
		}
		n, err := Open(file, Options{States: []string{"none"}})
		if refused := len(m.out) == 0 || slices.Contains(hereRefused, name); refused || err != nil {
			if refused != (err != nil) || err != nil && strings.Contains(err.Error(), "BUG") {
				t.Errorf("%s: error %v, expected one: %v", name, err, refused)
			}
			continue
		}
		e, err := floatexec.New(n.Graph)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var in [][]float32
		for _, id := range n.Graph.Inputs {
			in = append(in, m.in[n.Graph.Tensors[id].Name].Floats())
		}
		out, err := e.Runner().Run(1, in)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, id := range n.Graph.Outputs {
			o := n.Graph.Tensors[id]
			want := m.out[o.Name]
			got := out[i].Row(0)
			if want == nil || !slices.Equal(o.Shape, want.Shape) || len(got) != len(want.Floats()) {
				t.Errorf("%s: output %q has shape %v, expected %+v", name, o.Name, o.Shape, want)
				continue
			}
			top := 1.0
			for _, v := range want.Floats() {
				top = math.Max(top, math.Abs(float64(v)))
			}
			for k, v := range want.Floats() {
				if math.Abs(float64(got[k]-v)) > 2e-5*top {
					t.Errorf("%s: output %q: value %d is %v, expected %v", name, o.Name, k, got[k], v)
					break
				}
			}
		}
	}
}
