// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestLogits lowers weights of several classes without a softmax: decisions are judged by the
// largest output, the names of the classes are kept, and outputs are as the weights give them.
func TestLogits(t *testing.T) {
	dir := t.TempDir()
	weights := filepath.Join("..", "..", "lower", "source", "testdata", "torch_gru.safetensors")
	var table strings.Builder
	table.WriteString("take,x,y,z,w,label\n")
	for i := range 60 * 7 {
		fmt.Fprintf(&table, "t%02d", i/7)
		for k := range 4 {
			fmt.Fprintf(&table, ",%.4f", math.Sin(float64(4*i+k)*0.7)+math.Cos(float64(i*i)*0.05))
		}
		fmt.Fprintf(&table, ",%s\n", []string{"calm", "fall"}[i/7%2])
	}
	set := filepath.Join(dir, "takes.csv")
	if err := os.WriteFile(set, []byte(table.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	lower := func(head string) (int, string, string) {
		args := []string{"lower", weights, "--join", "ends", "--head", head, "--data", set, "--sequence-column", "take", "--activations", "int8", "--json", "-o", filepath.Join(dir, head+".tflite")}
		var stdout, stderr bytes.Buffer
		code := execute(context.Background(), args, nil, &stdout, &stderr)
		return code, stdout.String(), stderr.String()
	}
	outputs := map[string]map[string]any{}
	for _, head := range []string{"none", "softmax"} {
		code, stdout, stderr := lower(head)
		if code != 0 {
			t.Fatalf("--head %s: exit code %d: %s", head, code, stderr)
		}
		var r map[string]any
		if err := json.Unmarshal([]byte(stdout), &r); err != nil {
			t.Fatal(err)
		}
		outputs[head] = r
		if said := strings.Contains(stderr, "assumed: logits of 2 classes"); said != (head == "none") {
			t.Errorf("--head %s: stderr is %q", head, stderr)
		}
		file, err := os.ReadFile(filepath.Join(dir, head+".tflite"))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(file, []byte(`"task":"classification"`)) || !bytes.Contains(file, []byte(`"classes":["calm","fall"]`)) {
			t.Errorf("--head %s: the file does not say the classes", head)
		}
	}
	none, softmax := outputs["none"], outputs["softmax"]
	if none["float_accuracy"] == nil || none["float_accuracy"] != softmax["float_accuracy"] || none["quantized_accuracy"] == nil || none["confusion"] == nil {
		t.Errorf("accuracies are %v and %v, with softmax %v", none["float_accuracy"], none["quantized_accuracy"], softmax["float_accuracy"])
	}
	if a, b := none["operators"].(float64), softmax["operators"].(float64); a != b-1 {
		t.Errorf("%v operators, with the softmax %v", a, b)
	}
}
