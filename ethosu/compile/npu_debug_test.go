package compile_test

import (
	"context"
	"os"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/dataset"
)

func TestNPUForm(t *testing.T) {
	if os.Getenv("NPU") == "" {
		t.Skip()
	}
	f, err := os.Open("/tmp/unroll/mnist_gru256.safetensors")
	if err != nil {
		t.Fatal(err)
	}
	st, _ := f.Stat()
	net, err := checkpoint.Read("x", f, st.Size())
	if err != nil {
		t.Fatal(err)
	}
	tr, _ := dataset.Digits(1, 100, 10)
	for i, o := range []lower.Options{{Form: lower.FormNPU}, {Form: lower.FormNPU}, {Form: lower.FormNPU, StateIO: true}} {
		r, err := lower.Lower(context.Background(), net, tr, o)
		if err != nil {
			t.Fatal(err)
		}
		b, err := tflite.Write(r.Int8)
		if err != nil {
			t.Fatal(err)
		}
		os.WriteFile([]string{"/tmp/npu_pc.tflite", "/tmp/npu_pt.tflite", "/tmp/npu_pts.tflite"}[i], b, 0o644)
	}
}
