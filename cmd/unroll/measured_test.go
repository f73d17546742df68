// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/testdata"
)

var measured = flag.Bool("measured", false, "train on MNIST and compare the README's figures with what comes out; with -update write them")

// summary is what build, lower and compile say with --json, as far as the README does.
type summary struct {
	Float     float64 `json:"float_accuracy"`
	Quantized float64 `json:"quantized_accuracy"`
	Compared  int     `json:"compared"`
	Flash     int     `json:"flash_bytes"`
	SRAM      int     `json:"sram_bytes"`
	Cycles    int     `json:"cycles"`
	WakeUps   int     `json:"wake_ups"`
}

// bench runs commands in one folder and remembers what they said.
type bench struct {
	t         *testing.T
	self, dir string
}

func (b *bench) run(format string, args ...any) summary {
	b.t.Helper()
	line := fmt.Sprintf(format, args...)
	cmd := exec.Command(b.self, strings.Fields(line)...)
	cmd.Args[0], cmd.Dir = "unroll", b.dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		b.t.Fatalf("unroll %s: %v: %s", line, err, stderr.String())
	}
	var s summary
	if err := json.Unmarshal(out, &s); err != nil {
		b.t.Fatalf("unroll %s: %v: %s", line, err, out)
	}
	return s
}

// lowered lowers the trained network with some options and compiles it with others.
func (b *bench) lowered(options string, compile ...string) (accuracy float64, of []summary) {
	b.t.Helper()
	accuracy = b.run("lower net/model/gru256.safetensors --json --force -o net.tflite %s", options).Quantized
	for _, c := range compile {
		of = append(of, b.run("compile net.tflite --json --force -o net.npu.tflite %s", c))
	}
	return accuracy, of
}

// TestMeasured makes the table "Measured" of the README by the commands that it names.
func TestMeasured(t *testing.T) {
	if !*measured {
		t.Skip("SKIPPED: the README's figures take a training (-measured); .ci/nightly does it")
	}
	mnist := testdata.Shared(t, "data", "mnist")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, self: self, dir: t.TempDir()}
	whole := b.run("build --data %s --json -o net", mnist)
	rows := [][2]string{
		{"accuracy on the 10,000 test images", fmt.Sprintf("float %.2f %%, int8 %.2f %%: 8 bits, a scale for every output of a matrix, are within the default bound", 100*whole.Float, 100*whole.Quantized)},
		{"simulator against reference", fmt.Sprintf("%s calls, 200 of them with carried state: equal byte for byte", commas(whole.Compared))},
		{"flash (stream and constants), SRAM", fmt.Sprintf("%s and %s bytes", commas(whole.Flash), commas(whole.SRAM))},
	}
	row := func(name, format string, args ...any) {
		rows = append(rows, [2]string{name, fmt.Sprintf(format, args...)})
	}
	const ram = "--weights sram"
	row("estimated cycles a call", "%s; %s with `%s`", commas(whole.Cycles), commas(b.run("compile net/model/gru256.tflite --json --force -o net.npu.tflite %s", ram).Cycles), ram)
	accuracy, s := b.lowered("--activations int8", "", ram)
	row("`--activations int8`, one scale a matrix, here and below", "%s; %s; %s bytes of flash, %.2f %%", commas(s[0].Cycles), commas(s[1].Cycles), commas(s[0].Flash), 100*accuracy)
	_, s = b.lowered("--activations int8 --no-state", "", ram)
	row("the same without state in and out (`--no-state`)", "%s; %s", commas(s[0].Cycles), commas(s[1].Cycles))
	accuracy, s = b.lowered("--activations int8 --weight-levels 64", "")
	row("the same with `--weight-levels 64`", "%s; %s bytes of flash, int8 %.2f %%", commas(s[0].Cycles), commas(s[0].Flash), 100*accuracy)
	accuracy, s = b.lowered("--activations mixed", "")
	row("the same with `--activations mixed`", "%s; %s bytes of flash, %.2f %%", commas(s[0].Cycles), commas(s[0].Flash), 100*accuracy)
	_, s = b.lowered("--activations int8", "--sram-budget 160000")
	row("the same with `--sram-budget 160000`", "%s", commas(s[0].Cycles))
	_, s = b.lowered("--activations int8 --steps 1", "--steps 28 --sequence step")
	row("its step, 28 times a call (`lower --steps 1`, `compile --steps 28 --sequence step`)", "%s; %s bytes of flash, %d wake-ups", commas(s[0].Cycles), commas(s[0].Flash), s[0].WakeUps)
	sizes, err := os.ReadFile(filepath.Join("..", "..", "firmware", "run", "testdata", "model-size.txt"))
	if err != nil {
		t.Fatal(err)
	}
	size := func(model string) []any {
		m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(model) + ` +ethos-u55-128 +code (\d+) +ram (\d+) +stack (\d+)$`).FindSubmatch(sizes)
		if m == nil {
			t.Fatalf("model-size.txt has no %s for ethos-u55-128", model)
		}
		code := string(m[1])
		return []any{code[:len(code)-3] + "," + code[len(code)-3:], string(m[2]), string(m[3])}
	}
	row("C library and driver, -Os, Cortex-M55 (`gru256_mnist_state`, nothing dropped)", "%s bytes of code, %s of RAM, %s of stack", size("gru256_mnist_state")...)
	row("the same for a sequence of streams (GRU-32, 28 steps)", "%s; %s; %s", size("gru32x40_stream x28")...)

	var table strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&table, "| %s | %s |\n", r[0], r[1])
	}
	const first, after = "| accuracy on the 10,000 test images |", "| Silero VAD from its ONNX model"
	readme := filepath.Join("..", "..", "README.md")
	text, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	from, to := strings.Index(string(text), first), strings.Index(string(text), after)
	if from < 0 || to < from {
		t.Fatalf("README.md has no rows from %q to %q", first, after)
	}
	if *update {
		made := string(text[:from]) + table.String() + string(text[to:])
		if err := os.WriteFile(readme, []byte(made), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(string(text[from:to]), table.String()); diff != "" {
		t.Errorf("README.md does not say what is measured (-update writes it):\n%s", diff)
	}
}
