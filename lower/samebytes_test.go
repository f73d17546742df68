// SPDX-License-Identifier: Apache-2.0

package lower_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// plainRun tells the test's own child process to print what it lowers.
const plainRun = "UNROLL_TEST_PRINT_LOWERED"

// fingerprint lowers networks in every way that looks at float values and returns
// the kernels in use and a hash of each file.
func fingerprint(t *testing.T) (kernels, hashes string) {
	var b strings.Builder
	for i, o := range []lower.Options{
		{StateIO: true},
		{StateIO: true, Estimator: lower.MSE},
		{StateIO: true, Estimator: lower.Percentile, Percentile: 99},
		{StateIO: true, Activations: lower.Mixed},
		{StateIO: true, Activations: lower.Int16, Form: lower.FormKeras},
		{FoldStandardization: true},
	} {
		for _, cell := range []string{"gru", "gru_before", "lstm", "rnn"} {
			net := randomNet(31, 9, 7, nn.Classification, cells[cell], nn.Layer{Cell: nn.LSTM, Units: 20})
			net.Mean, net.Std = []float32{.1, .2, .3, 1, 2, 3, 4}, []float32{.7, .8, .9, 3, 2, 1, 5}
			r, err := lower.Lower(context.Background(), net, noise{9, 7, 60}, o)
			if err != nil {
				t.Fatal(err)
			}
			file, err := tflite.Write(r.Int8)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(&b, "%d %s %x\n", i, cell, sha256.Sum256(file))
		}
	}
	return gemm.Kernels().String(), b.String()
}

// What a file holds does not depend on the vector units of the machine that wrote
// it: a process that is told it has none lowers the same networks to the same
// bytes.
func TestSameBytesWithoutVectorKernels(t *testing.T) {
	kernels, here := fingerprint(t)
	if os.Getenv(plainRun) != "" {
		fmt.Printf("%s\n%s", kernels, here)
		return
	}
	if kernels == gemm.Portable.String() {
		t.Skipf("%s has no vector kernels to compare with", runtime.GOARCH)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	child := exec.Command(self, "-test.run=^"+t.Name()+"$")
	child.Env = append(os.Environ(), plainRun+"=1", "GODEBUG=cpu.avx2=off,cpu.avx512f=off,cpu.fma=off")
	out, err := child.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	plain, there, _ := strings.Cut(string(out), "\n")
	if plain != gemm.Portable.String() {
		t.Fatalf("the child ran with %s kernels, expected %v", plain, gemm.Portable)
	}
	there, _, _ = strings.Cut(there, "PASS")
	if here != there {
		t.Errorf("with %s kernels:\n%swith portable kernels:\n%s", kernels, here, there)
	}
}

// The language lets compilers fuse a product with the sum it feeds, and those for
// other machines do: no float code that bytes depend on leaves them the choice.
func TestNoFusedMultiplyAdd(t *testing.T) {
	if testing.Short() {
		t.Skip("compiles for another machine")
	}
	build := exec.Command("go", "build", "-gcflags=-S", "./...", "../ethosu", "../ethosu/internal/block", "../ethosu/compile", "../ethosu/perf", "../ethosu/weights/...")
	build.Env = append(os.Environ(), "GOARCH=arm64", "CGO_ENABLED=0")
	out, err := build.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if !bytes.Contains(out, []byte("FMULS")) {
		t.Fatal("the listing has no float products: it shows nothing")
	}
	for line := range strings.Lines(string(out)) {
		for _, op := range []string{"FMADD", "FMSUB", "FNMADD", "FNMSUB"} {
			if strings.Contains(line, "\t"+op) {
				t.Errorf("fused: %s", strings.TrimSpace(line))
			}
		}
	}
}
