// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/testdata"
)

// recording is what data/models says of the inferences of a model.
type recording struct {
	Count           int
	Inputs, Outputs []struct {
		Name          string
		Shape         []int
		Bytes, Offset int
	}
}

// TestSimulateRecordedState runs recorded frames of a streaming GRU through the command,
// plain and compiled by Vela, with the state carried by --state alone, and compares with
// the recorded outputs of TFLite Micro.
func TestSimulateRecordedState(t *testing.T) {
	var rec recording
	if err := json.Unmarshal(testdata.ReadShared(t, "data/models/gru32x40_stream.io.json"), &rec); err != nil {
		t.Fatal(err)
	}
	bin := testdata.ReadShared(t, "data/models/gru32x40_stream.io.bin")
	const calls = 28 // the first sequence
	in, out := rec.Inputs[0], rec.Outputs[0]
	dir := t.TempDir()
	x := &runner.Array{Type: graph.Int8, Shape: append([]int{calls}, in.Shape...), Data: bin[in.Offset : in.Offset+calls*in.Bytes]}
	frames := filepath.Join(dir, "x.npy")
	if err := os.WriteFile(frames, x.AppendNPY(nil), 0o666); err != nil {
		t.Fatal(err)
	}
	want := bin[out.Offset : out.Offset+calls*out.Bytes]
	for _, file := range []string{"models/gru32x40_stream.tflite", "models/gru32x40_stream.vela51-u55-128.tflite", "models/gru32x40_stream.vela-u65-256.tflite",
		"u85/gru32x40_stream.vela51-u85-128.tflite", "u85/gru32x40_stream.vela51-u85-1024.tflite"} {
		model := filepath.Base(file)
		results := filepath.Join(dir, model)
		args := []string{"simulate", testdata.Shared(t, "data", file),
			"--input", in.Name + "=" + frames, "--state", rec.Inputs[1].Name + "=" + rec.Outputs[1].Name, "--out", results}
		if strings.Contains(file, "vela") {
			args = append(args, "--adversarial")
		}
		var stdout, stderr bytes.Buffer
		code := execute(context.Background(), args, nil, &stdout, &stderr)
		if code != 0 || strings.Contains(stderr.String(), "note:") {
			t.Errorf("%s: exit code %d: %s", model, code, stderr.String())
			continue
		}
		file, err := os.ReadFile(filepath.Join(results, runner.FileName(out.Name)+".npy"))
		if err != nil {
			t.Error(err)
			continue
		}
		got, err := runner.ReadNPY(model, file)
		if err != nil {
			t.Error(err)
			continue
		}
		if !bytes.Equal(got.Data, want) {
			t.Errorf("%s: outputs differ from the recorded ones", model)
		}
	}

	// Without --state the pair is carried or offered, and it is said which; with none every
	// call starts anew, and nothing is offered.
	for _, args := range [][]string{nil, {"--state", "none"}} {
		var stdout, stderr bytes.Buffer
		if code := execute(context.Background(), append([]string{"simulate", testdata.Shared(t, "data/models", "gru32x40_stream.tflite"), "--input", in.Name + "=" + frames}, args...), nil, &stdout, &stderr); code != 0 {
			t.Fatalf("exit code %d: %s", code, stderr.String())
		}
		if named := strings.Contains(stderr.String(), rec.Inputs[1].Name+"="+rec.Outputs[1].Name); named != (args == nil) {
			t.Errorf("%q: stderr is %q", args, stderr.String())
		}
	}
}
