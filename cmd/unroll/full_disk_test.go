// SPDX-License-Identifier: Apache-2.0

//go:build linux

package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// disks is how many sizes of disk the campaign fills; .ci/nightly asks for many.
var disks = flag.Int("full-disks", 1, "on how many sizes of disk TestFullDisk runs each command")

// TestFullDisk runs commands on disks that are too small for what they write: they say
// so with exit code 1, leave nothing under a temporary name, and what was there under
// the final name is still there and whole.
func TestFullDisk(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("SKIPPED: only root can mount a small disk, so what happens on a full one is not proven")
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range scenarios {
		t.Run(s.name, func(t *testing.T) {
			if s.long && *disks < 20 {
				t.Skip("SKIPPED: this command is for long campaigns (-full-disks 20)")
			}
			calm := t.TempDir()
			smallData(t, calm)
			for _, command := range s.before {
				if _, err := finish(self, calm, command); err != nil {
					t.Fatal(err)
				}
			}
			begin := copyOf(t, calm)
			if _, err := finish(self, calm, s.command); err != nil {
				t.Fatal(err)
			}
			old, now := sizes(t, begin), sizes(t, calm)
			there, written := int64(0), int64(0)
			for name, size := range now {
				there += size
				if old[name] == 0 {
					written += size
				}
			}
			from := calm
			if s.once { // nothing would be left to write
				from, there = begin, there-written
			}
			full := 0
			for i := range *disks {
				// Room for what is there, and for none or a part of what takes its place.
				room := there + written*int64(i)/int64(2*(*disks))
				if ended := fill(t, self, from, s.command, room); ended {
					full++
				}
			}
			if full == 0 {
				t.Error("no disk was too small, so nothing is proven")
			}
			t.Logf("%d of %d disks were too small", full, *disks)
		})
	}
}

// sizes returns how many bytes of a disk every file of a folder takes, by its path.
func sizes(t *testing.T, dir string) map[string]int64 {
	t.Helper()
	files := map[string]int64{}
	for name := range hashes(t, dir) {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil {
			t.Fatal(err)
		}
		files[name] = (info.Size() + 4095) &^ 4095
	}
	return files
}

// fill runs a command on a disk with so many bytes and the files of a folder, and reports whether the disk was too small.
func fill(t *testing.T, self, calm, line string, bytes int64) bool {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, fmt.Sprintf("size=%d,nr_inodes=4096", bytes)); err != nil {
		t.Skipf("SKIPPED: no small disk can be mounted, so what happens on a full one is not proven: %v", err)
	}
	defer func() {
		if err := syscall.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	}()
	if err := os.CopyFS(dir, os.DirFS(calm)); err != nil {
		t.Fatal(err)
	}
	before := hashes(t, dir)
	cmd, stderr := start(self, dir, line)
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && (exit.ExitCode() != 1 || !strings.Contains(stderr.String(), syscall.ENOSPC.Error())) {
		t.Errorf("a disk of %d bytes: exit code %d, expected 1 and the reason: %s", bytes, exit.ExitCode(), stderr)
	}
	after := hashes(t, dir)
	for name, hash := range before {
		if after[name] != hash && !strings.Contains(name, buildTree) {
			t.Errorf("a disk of %d bytes: %s is not what it was", bytes, name)
		}
	}
	for name := range after {
		if before[name] == "" && !partial(strings.TrimSuffix(name, ".trained")) && !strings.Contains(name, buildTree) {
			t.Errorf("a disk of %d bytes: %s was left", bytes, name)
		}
	}
	return err != nil
}
