// SPDX-License-Identifier: Apache-2.0

package source

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// TestFloatTFLite writes a float graph as .tflite, as a converter without
// quantization does, and opens it again.
func TestFloatTFLite(t *testing.T) {
	n, err := OpenONNX(testdata.Shared(t, "data", "silero", "silero_vad_16k_op15.onnx"), Options{Shapes: map[string][]int{"input": {1, 576}}, Set: map[string][]float64{"sr": {16000}}, States: []string{"state=stateN"}})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := tflite.Write(n.Graph)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "vad.tflite")
	if err := os.WriteFile(file, raw, 0o666); err != nil {
		t.Fatal(err)
	}
	if float, err := IsFloat(file); err != nil || !float {
		t.Fatalf("float %v, error %v", float, err)
	}
	back, err := Open(file, Options{States: []string{"state=stateN"}})
	if err != nil {
		t.Fatal(err)
	}
	run := func(g *graph.Graph) []float32 {
		exec, err := floatexec.New(g)
		if err != nil {
			t.Fatal(err)
		}
		in := make([]float32, 576)
		for i := range in {
			in[i] = float32(i%37)/37 - 0.5
		}
		out, err := exec.Runner().Run(1, [][]float32{in, make([]float32, 256)})
		if err != nil {
			t.Fatal(err)
		}
		return slices.Clone(out[1].Row(0))
	}
	if a, b := run(n.Graph), run(back.Graph); !slices.Equal(a, b) {
		t.Error("the graph computes something else after it was written and read")
	}
	if len(back.Graph.States) != 1 {
		t.Errorf("%d states, expected 1", len(back.Graph.States))
	}
}

// TestRecognise tells files by their content, and says where to go with others.
func TestRecognise(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		content string
		format  Format
		want    string
	}{
		"a.txt":    {"something", Unknown, "not a network of any known format"},
		"a.onnx":   {"\x08\x08\x12\x00", ONNX, ""},
		"b":        {"\x89HDF\r\n\x1a\nrest", Keras, ""},
		"c.pkl":    {"\x80\x04rest", Unknown, "a Python pickle"},
		"d.npy":    {"\x93NUMPY\x01\x00", Unknown, "one NumPy array"},
		"e.onnx":   {"\x1c\x00\x00\x00TFL3rest", TFLite, ""},
		"f.wav":    {"RIFF....WAVE", Unknown, "a sound file"},
		"g.tar.gz": {"\x1f\x8b\x08", Unknown, "compressed by gzip"},
		"h.npz":    {"PK\x03\x04broken", Unknown, "a broken zip archive"},
		// Lengths of a header whose bytes are those of a pickle, and of a gzip file.
		"i.safetensors": {"\x80\x02\x00\x00\x00\x00\x00\x00{" + strings.Repeat(" ", 0x280), Safetensors, ""},
		"j.safetensors": {"\x1f\x8b\x00\x00\x00\x00\x00\x00{" + strings.Repeat(" ", 0x8b20), Safetensors, ""},
		"empty.bin":     {"", Unknown, "not a network of any known format"},
	} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, []byte(c.content), 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Recognise(file)
		if got != c.format || c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v, error %v; expected %v and %q", name, got, err, c.format, c.want)
		}
	}
	if _, err := Recognise(dir); err == nil || !strings.Contains(err.Error(), "a folder") {
		t.Errorf("a folder: error %v", err)
	}
}
