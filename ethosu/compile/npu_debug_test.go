package compile_test

import (
	"context"
	"encoding/gob"
	"os"
	"testing"
	"time"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
)

var _ = gob.NewEncoder
var _ = os.Getenv

func TestNPUForm(t *testing.T) {
	tr, _ := dataset.Digits(1, 640, 10)
	net, err := train.Fit(context.Background(), train.Config{Seed: 1}, tr, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, state := range []bool{false, true} {
		r, err := lower.Lower(context.Background(), net, tr, lower.Options{Form: lower.FormNPU, StateIO: state})
		if err != nil {
			t.Fatal(err)
		}
		b, err := tflite.Write(r.Int8)
		if err != nil {
			t.Fatal(err)
		}
		n := "/tmp/npu_gru256.tflite"
		if state {
			n = "/tmp/npu_gru256_state.tflite"
		}
		os.WriteFile(n, b, 0o644)
		a, _ := ethosu.ParseAccelerator("ethos-u55-128")
		compile.DebugEstimate(t)
		start := time.Now()
		p, err := compile.Compile(r.Int8, compile.Options{Accel: a})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("compile %v", time.Since(start))
		f, err := perf.FiguresOf(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%+v", f)
	}
}

func TestPerf(t *testing.T) {
	for _, m := range models {
		g, _, _ := readModel(t, m)
		a, _ := ethosu.ParseAccelerator("ethos-u55-128")
		compile.DebugEstimate(t)
		p, err := compile.Compile(g, compile.Options{Accel: a})
		if err != nil {
			t.Fatal(err)
		}
		f, err := perf.FiguresOf(p)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s %+v", m.name, f)
	}
}
