// SPDX-License-Identifier: Apache-2.0

//go:build unix

package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// kills is how often the campaign ends each command; .ci/nightly asks for many.
var (
	kills     = flag.Int("kills", 2, "how often TestKilled ends each command in the middle")
	killsSeed = flag.Uint64("kills-seed", 20, "chooses the moments at which TestKilled ends commands")
)

// scenario is a command that writes, and the commands that make what it reads.
type scenario struct {
	name    string
	before  []string
	command string
	long    bool   // takes a C toolchain, so it is run in long campaigns only
	once    bool   // has nothing left to do where it was run to its end
	best    string // the file that a run which sees the signal leaves with the best so far
}

// What takes long and writes nothing meanwhile is left small, so that more of the moments
// hit a write: few sequences, and the widths of the values are given, not searched for.
const (
	smallNet = "train --data data.csv --units 8 --epochs 3 -o net.safetensors"
	smallLow = "lower net.safetensors --data data.csv --activations mixed -o net.tflite"
)

// smallData writes the data that the commands of the scenarios read: two gestures, which
// turn one way or only swing.
func smallData(t *testing.T, dir string) {
	t.Helper()
	var b bytes.Buffer
	b.WriteString("sequence,label,x,y,z\n")
	rng := rand.New(rand.NewPCG(1, 1))
	for s := range 300 {
		for step := range 8 {
			angle, noise, label, y := 0.7*float64(step)+rng.Float64()/4, rng.Float64()/4, "swing", 0.0
			if s%2 == 1 {
				label, y = "circle", math.Sin(angle)
			}
			fmt.Fprintf(&b, "%d,%s,%.3f,%.3f,%.3f\n", s, label, math.Cos(angle)+noise, y+noise, 1+noise)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, "data.csv"), b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

var scenarios = []scenario{
	{name: "train", command: "train --data data.csv --units 8 --epochs 40 --state state --force -o net.safetensors"},
	{name: "lower", before: []string{smallNet}, command: "lower net.safetensors --data data.csv --activations mixed --force -o net.tflite"},
	{
		name: "distill", before: []string{smallNet}, best: "net.tflite",
		command: "lower net.safetensors --data data.csv --activations int8 --distill 60 --resume state --force -o net.tflite",
	},
	{name: "compile", before: []string{smallNet, smallLow}, command: "compile net.tflite --force -o net.npu.tflite"},
	{name: "generate", before: []string{smallNet, smallLow}, command: "generate net.tflite --force -o fw"},
	{name: "build", command: "build --data data.csv --units 8 --epochs 8 --activations mixed --compare 20 --chain 5 --force -o out"},
	{name: "tune", once: true, command: "tune --data data.csv --study s --candidates 3 --rungs 2 --keep 3 --epochs 6 --cell gru --layers 1 --units 8 --window 1,2 --validation 0.1"},
	{
		name: "flash", before: []string{smallNet, smallLow, "generate net.tflite --board alif-e7-he -o fw"},
		command: "flash fw --on alif-e7-he", long: true,
	},
}

// TestKilled ends commands at random moments, by signals that they see and by one that
// they do not, and runs them again: the second run must leave what an undisturbed one
// leaves, byte for byte and nothing else, and after the first every file with its final
// name must be whole. The moments follow from a seed and from how long the undisturbed
// run took.
func TestKilled(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			if s.long && *kills < 20 {
				t.Skip("SKIPPED: killing this command is for long campaigns (-kills 20)")
			}
			t.Parallel()
			begin := t.TempDir()
			smallData(t, begin)
			for _, command := range s.before {
				if _, err := finish(self, begin, command); err != nil {
					t.Fatal(err)
				}
			}
			// All runs have the same folder, whose name goes into what a C compiler writes.
			dir := filepath.Join(t.TempDir(), "work")
			restore(t, begin, dir)
			took, err := finish(self, dir, s.command)
			if err != nil {
				t.Fatal(err)
			}
			calm := copyOf(t, dir)
			want := hashes(t, calm)
			rng := rand.New(rand.NewPCG(*killsSeed, uint64(len(s.name))))
			early := 0
			for i := range *kills {
				if i%3 == 2 { // what an earlier run left is replaced or kept, never lost
					restore(t, calm, dir)
				} else {
					restore(t, begin, dir)
				}
				before := hashes(t, dir)
				signal := []syscall.Signal{syscall.SIGKILL, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP}[i%4]
				moment := time.Duration(rng.Float64() * float64(took))
				ended, err := interrupt(self, dir, s.command, signal, moment)
				if err != nil {
					t.Fatal(err)
				}
				if ended {
					early++
				}
				at := fmt.Sprintf("%v after %v", signal, moment)
				for name, hash := range hashes(t, dir) {
					if strings.HasPrefix(name, ".") || strings.Contains(name, "/.") || partial(name) || strings.Contains(name, buildTree) || name == s.best && signal != syscall.SIGKILL {
						continue
					}
					if hash != want[name] && hash != before[name] {
						t.Errorf("%s: %s is neither what it was nor what it will be", at, name)
					}
				}
				if _, err := finish(self, dir, s.command); err != nil {
					t.Errorf("%s: the second run: %v", at, err)
					continue
				}
				got := hashes(t, dir)
				for name := range got {
					if want[name] == "" && !strings.Contains(name, buildTree) {
						t.Errorf("%s: the second run left %s", at, name)
					}
				}
				for name, hash := range want {
					if strings.Contains(name, buildTree) && filepath.Ext(name) != ".elf" {
						continue
					}
					if got[name] != hash {
						t.Errorf("%s: %s differs from that of an undisturbed run", at, name)
					}
				}
			}
			t.Logf("%d of %d runs were ended in the middle", early, *kills)
		})
	}
}

// partial tells which files hold the work so far by intent: a training that was ended
// leaves its state and the best network so far, and so does a build that could not be
// written, and a study says what is searched and lists the trials that are done.
func partial(name string) bool {
	return name == "state" || filepath.Base(name) == studyFile || filepath.Base(name) == trialsFile || strings.HasSuffix(name, ".run") || strings.HasSuffix(name, ".safetensors")
}

// buildTree is the part of a path below which CMake and the compiler write: logs, times and
// random names, and what the next run begins anew. Only the images have to be the same.
const buildTree = "/build/"

// start prepares a run of unroll in a folder.
func start(self, dir, line string) (*exec.Cmd, *bytes.Buffer) {
	cmd := exec.Command(self, strings.Fields(line)...)
	cmd.Args[0], cmd.Dir = "unroll", dir
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	return cmd, &stderr
}

// finish runs a command to its end and returns how long it took.
func finish(self, dir, line string) (time.Duration, error) {
	cmd, stderr := start(self, dir, line)
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		return 0, fmt.Errorf("unroll %s: %w: %s", line, err, stderr)
	}
	return time.Since(begin), nil
}

// interrupt sends a signal to a run after some time and reports whether that ended it.
func interrupt(self, dir, line string, signal syscall.Signal, after time.Duration) (bool, error) {
	cmd, stderr := start(self, dir, line)
	if err := cmd.Start(); err != nil {
		return false, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	select {
	case err := <-ended:
		if err != nil {
			return false, fmt.Errorf("unroll %s: %w: %s", line, err, stderr)
		}
		return false, nil
	case <-time.After(after):
	}
	_ = cmd.Process.Signal(signal) // it may have ended just now
	if err := <-ended; err == nil {
		return false, nil
	}
	code := cmd.ProcessState.ExitCode()
	status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
	if code == 128+int(signal) || status.Signaled() && status.Signal() == signal {
		return true, nil
	}
	return false, fmt.Errorf("unroll %s: %v gave exit code %d: %s", line, signal, code, stderr)
}

// restore makes a folder hold what another one does, and nothing else.
func restore(t *testing.T, from, to string) {
	t.Helper()
	if err := os.RemoveAll(to); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
}

// copyOf copies a folder into a new one.
func copyOf(t *testing.T, dir string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(dir)); err != nil {
		t.Fatal(err)
	}
	return to
}

// hashes returns the SHA-256 of every file of a folder by its path. What compilers write
// and remove beside it is left out: they may outlive a build that was killed by a moment.
func hashes(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(name string, e fs.DirEntry, err error) error {
		vanished := func(err error) bool {
			return errors.Is(err, fs.ErrNotExist) && strings.Contains(name, buildTree)
		}
		if vanished(err) {
			return nil
		}
		if err != nil || e.IsDir() {
			return err
		}
		b, err := os.ReadFile(filepath.Join(dir, name))
		if vanished(err) {
			return nil
		}
		sum := sha256.Sum256(b)
		files[name] = hex.EncodeToString(sum[:])
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
