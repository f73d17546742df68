// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bufio"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestTuneInterrupted ends a study in the middle of a trial by SIGINT: the exit code tells,
// the trial has no result, and its training is kept. That the same command then gives the
// bytes of an undisturbed one is TestKilled's.
func TestTuneInterrupted(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cmd := exec.Command(self, "tune", "--study", "s", "--candidates", "1", "--rungs", "1", "--epochs", "100000", "--cell", "gru", "--layers", "1", "--units", "8", "--window", "1")
	cmd.Args[0], cmd.Dir = "unroll", dir
	out, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	late := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer late.Stop()
	var said []string
	sent := false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		if strings.HasPrefix(lines.Text(), "trial 0 of 1, ") && !sent {
			sent = true
			if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
				t.Fatal(err)
			}
		}
	}
	var exit *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &exit) || exit.ExitCode() != 130 {
		t.Fatalf("ended with %v, expected exit code 130: %q", err, said)
	}
	if !strings.Contains(strings.Join(said, "\n"), "interrupted in trial 0; the same command goes on") {
		t.Errorf("nothing is said of going on: %q", said)
	}
	trials := filepath.Join(dir, "s", trialFolder)
	if _, err := os.Stat(filepath.Join(trials, "0000.json.run")); err != nil {
		t.Errorf("the training is not kept: %v", err)
	}
	if _, err := os.Stat(filepath.Join(trials, "0000.json")); err == nil {
		t.Error("a trial that was interrupted has a result")
	}
}
