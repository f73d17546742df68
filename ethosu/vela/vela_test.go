package vela_test

import (
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// TestRoundTrip writes a program and reads it back whole, in every memory mode.
func TestRoundTrip(t *testing.T) {
	for _, name := range []string{"gru32x40_stream", "gru16_t4", "tflm_mnist_lstm20_int8"} {
		g, err := tflite.Read(name, testdata.ReadShared(t, "data", "models", name+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []string{"Shared_Sram", "Dedicated_Sram"} {
			a, _ := ethosu.ParseAccelerator("ethos-u65-512")
			mm, _ := ethosu.ParseMemoryMode(mode)
			p, err := compile.Compile(g, compile.Options{Accel: a, Mode: mm})
			if err != nil {
				t.Fatal(err)
			}
			b, err := vela.Write(p)
			if err != nil {
				t.Fatal(err)
			}
			q, err := vela.Read(name, b)
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(p, q); d != "" {
				t.Errorf("%s %s: %s", name, mode, d)
			}
			h, err := tflite.Read(name, b)
			if err != nil || !vela.IsCompiled(h) {
				t.Errorf("%s: IsCompiled is false, %v", name, err)
			}
			if vela.IsCompiled(g) {
				t.Errorf("%s: IsCompiled of the plain graph", name)
			}
		}
	}
}

// TestReadVela reads every file that Vela compiled and checks that its interface
// is that of the plain model.
func TestReadVela(t *testing.T) {
	dir := testdata.Shared(t, "data", "models")
	files, err := filepath.Glob(filepath.Join(dir, "*.vela*.tflite"))
	if err != nil || len(files) == 0 {
		t.Fatal(err, len(files))
	}
	for _, f := range files {
		base := filepath.Base(f)
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		p, err := vela.Read(base, data)
		if err != nil {
			t.Error(err)
			continue
		}
		plain, _, _ := strings.Cut(base, ".")
		g, err := tflite.Read(plain, testdata.ReadShared(t, "data", "models", plain+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		for i, id := range g.Inputs {
			if in := g.Tensors[id]; in.Name != p.Inputs[i].Name || !reflect.DeepEqual(in.Quant.Scales, p.Inputs[i].Quant.Scales) {
				t.Errorf("%s: input %d is %q, expected %q", base, i, p.Inputs[i].Name, in.Name)
			}
		}
		if !strings.Contains(base, p.Accel.Name[len("ethos-"):]) {
			t.Errorf("%s: read as %s", base, p.Accel.Name)
		}
	}
}

// TestReadRefuses damages a compiled file everywhere and expects errors, not panics.
func TestReadRefuses(t *testing.T) {
	data := testdata.ReadShared(t, "data", "models", "hello_world_int8.vela-u55-128.tflite")
	for i := range data {
		b := append([]byte(nil), data...)
		b[i] ^= 0xff
		if p, err := vela.Read("damaged", b); err == nil && p == nil {
			t.Fatalf("byte %d: no program and no error", i)
		}
		if _, err := vela.Read("cut", data[:i]); err == nil && i < len(data)-16 {
			t.Fatalf("the first %d bytes read as a program", i)
		}
	}
}
