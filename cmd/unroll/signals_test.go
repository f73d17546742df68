// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// TestSignalsSaveTheState ends a training by each signal: the state and the network so
// far are there, the exit code tells the signal, and the run can go on.
func TestSignalsSaveTheState(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, signal := range []syscall.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP} {
		t.Run(signalNames[signal], func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := exec.Command(self, "train", "--units", "8", "--epochs", "100000", "--state", "state", "-o", "net.safetensors")
			cmd.Args[0], cmd.Dir = "unroll", dir
			var stderr bytes.Buffer
			cmd.Stderr = &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			state := filepath.Join(dir, "state")
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
				if _, err := os.Stat(state); err == nil {
					break // after the first epoch
				}
				if time.Now().After(deadline) {
					cmd.Process.Kill()
					t.Fatalf("no state after a minute: %s", stderr.String())
				}
			}
			if err := cmd.Process.Signal(signal); err != nil {
				t.Fatal(err)
			}
			var exit *exec.ExitError
			if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 128+int(signal) {
				t.Fatalf("ended with %v, expected exit code %d: %s", err, 128+int(signal), stderr.String())
			}
			for _, name := range []string{"state", "net.safetensors"} {
				if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
					t.Error(err)
				}
			}
			if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
				t.Errorf("left behind: %q", left)
			}
		})
	}
}

// TestTheSameCommandGoesOn interrupts a training that was told of no state, and runs the same
// command again, with fewer epochs left: the history has every epoch once, the network so far
// is replaced without --force, and the state goes when all is done.
func TestTheSameCommandGoesOn(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	run := func(epochs string) (*exec.Cmd, *bytes.Buffer) {
		cmd := exec.Command(self, "train", "--units", "8", "--epochs", epochs, "--history", "run.jsonl", "-o", "net.safetensors")
		cmd.Args[0], cmd.Dir = "unroll", dir
		out := new(bytes.Buffer)
		cmd.Stdout, cmd.Stderr = out, out
		return cmd, out
	}
	cmd, out := run("100000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := func() int {
		b, _ := os.ReadFile(filepath.Join(dir, "run.jsonl"))
		return bytes.Count(b, []byte("\n"))
	}
	for deadline := time.Now().Add(time.Minute); lines() < 2; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			cmd.Process.Kill()
			t.Fatalf("no epochs after a minute: %s", out)
		}
	}
	cmd.Process.Signal(syscall.SIGTERM)
	cmd.Wait()
	for _, name := range []string{"net.safetensors", "net.safetensors.run"} {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	epochs := lines() + 2
	cmd, out = run(strconv.Itoa(epochs))
	if err := cmd.Run(); err != nil || !bytes.Contains(out.Bytes(), []byte("going on from net.safetensors.run, after")) {
		t.Fatalf("ended with %v: %s", err, out)
	}
	b, _ := os.ReadFile(filepath.Join(dir, "run.jsonl"))
	for i, line := range bytes.Split(bytes.TrimSpace(b), []byte("\n")) {
		if !bytes.HasPrefix(line, []byte(fmt.Sprintf(`{"epoch":%d,`, i+1))) {
			t.Errorf("line %d of the history is %s", i+1, line)
		}
	}
	if lines() != epochs {
		t.Errorf("%d lines of %d epochs", lines(), epochs)
	}
	if _, err := os.Stat(filepath.Join(dir, "net.safetensors.run")); err == nil {
		t.Error("the state is left behind")
	}
	cmd, out = run("2")
	if err := cmd.Run(); err == nil || !bytes.Contains(out.Bytes(), []byte("exists already")) {
		t.Errorf("a finished network was replaced: %v, %s", err, out)
	}
}

// TestFaultsAreOurs lets a verb panic: one line says so, with exit code 3.
func TestFaultsAreOurs(t *testing.T) {
	var stderr bytes.Buffer
	if code := reportFault(&stderr, "BUG: two\nlines", nil); code != 3 {
		t.Errorf("exit code %d", code)
	}
	if got := stderr.String(); bytes.Count([]byte(got), []byte("\n")) != 1 || !bytes.Contains(stderr.Bytes(), []byte("a fault of unroll, not of yours: two lines; please report it")) {
		t.Errorf("stderr is %q", got)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	cancel(interruption{syscall.SIGHUP})
	if n := signalOf(ctx); n != 1 {
		t.Errorf("signal %d", n)
	}
	if n := signalOf(context.Background()); n != 0 {
		t.Errorf("no signal is %d", n)
	}
}
