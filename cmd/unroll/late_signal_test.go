// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// signalling is a writer that ends a context, as a signal does, at a word.
type signalling struct {
	bytes.Buffer
	at  string
	end context.CancelCauseFunc
}

func (s *signalling) Write(p []byte) (int, error) {
	if s.at != "" && bytes.Contains(p, []byte(s.at)) {
		s.end(interruption{syscall.SIGTERM})
	}
	return s.Buffer.Write(p)
}

// signalled runs a command that is ended where its output, or what it says besides, has a word.
func signalled(atOut, atErr string, args ...string) (code int, said string) {
	ctx, end := context.WithCancelCause(context.Background())
	defer end(nil)
	stdout, stderr := &signalling{at: atOut, end: end}, &signalling{at: atErr, end: end}
	code = execute(ctx, args, strings.NewReader(""), stdout, stderr)
	return code, stdout.String() + stderr.String()
}

// twoClasses writes a table of 40 sequences.
func twoClasses(t *testing.T, dir string) string {
	t.Helper()
	var table strings.Builder
	table.WriteString("sequence,a,label\n")
	for i := range 120 {
		fmt.Fprintf(&table, "%d,%d.5,%s\n", i/3, (i/3%2*2-1)*(i%3+1), []string{"down", "up"}[i/3%2])
	}
	file := filepath.Join(dir, "t.csv")
	if err := os.WriteFile(file, []byte(table.String()), 0o666); err != nil {
		t.Fatal(err)
	}
	return file
}

// A signal that comes when all is done ends nothing: the code says that it is done, since the same command
// would be refused for the file that is there. One that ends what can go on says how it goes on.
func TestLateSignals(t *testing.T) {
	dir := t.TempDir()
	data, net, out := twoClasses(t, dir), filepath.Join(dir, "n.safetensors"), filepath.Join(dir, "n.tflite")
	run := signalled
	if code, said := run("", "", "train", "--data", data, "--units", "8", "--epochs", "20", "-o", net, "--json"); code != 0 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	for _, args := range [][]string{nil, {"--json"}} {
		at := "parameters"
		if code, said := run(at, "", append([]string{"train", "--data", data, "--units", "8", "--epochs", "20", "-o", net, "--force"}, args...)...); code != exitDone {
			t.Errorf("%v: a signal after the end: exit code %d: %s", args, code, said)
		}
	}
	if code, said := run("", "training: epoch", "train", "--data", data, "--units", "8", "--epochs", "100000", "-o", net, "--force"); code != 143 || !strings.Contains(said, "the same command goes on with it") {
		t.Errorf("a signal before the end: exit code %d: %s", code, said)
	}
	state := filepath.Join(dir, "state")
	if code, said := run("", "learning from", "lower", net, "--distill", "100000", "--resume", state, "-o", out); code != 143 || !strings.Contains(said, "wrote "+out+", the best so far; the same command goes on from "+state) {
		t.Errorf("a signal while learning: exit code %d: %s", code, said)
	}
}

// A cross-validation that was ended goes on with the fold that it was in, and leaves nothing but the network.
func TestFoldsGoOn(t *testing.T) {
	dir := t.TempDir()
	data, net := twoClasses(t, dir), filepath.Join(dir, "n.safetensors")
	args := []string{"train", "--data", data, "--units", "8", "--epochs", "60", "--folds", "3", "-o", net}
	code, calm := signalled("", "", args...)
	want, err := os.ReadFile(net)
	if code != 0 || err != nil {
		t.Fatalf("exit code %d, %v: %s", code, err, calm)
	}
	if err := os.Remove(net); err != nil {
		t.Fatal(err)
	}
	if code, said := signalled("", "fold 1 of 3", args...); code != 143 {
		t.Fatalf("exit code %d: %s", code, said)
	}
	code, said := signalled("", "", args...)
	if code != 0 || !strings.Contains(said, "going on from "+net+".fold1.run") || !strings.Contains(said, "going on from "+net+".fold2.run") {
		t.Errorf("exit code %d: %s", code, said)
	}
	if got, err := os.ReadFile(net); err != nil || !bytes.Equal(got, want) {
		t.Errorf("another network than without a stop: %v", err)
	}
	line := calm[strings.Index(calm, "3 folds: "):]
	if line = line[:strings.Index(line, "\n")]; !strings.Contains(said, line) {
		t.Errorf("other figures than %s: %s", line, said)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, "*")); len(left) != 2 {
		t.Errorf("left: %q", left)
	}
}
