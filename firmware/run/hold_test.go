// SPDX-License-Identifier: Apache-2.0

//go:build unix

package run

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func quiet(string) {}

// TestHold lets two builds want the same folder: the second is told, waits, and gives up
// or has it.
func TestHold(t *testing.T) {
	build := filepath.Join(t.TempDir(), "build", "board")
	first, err := hold(t.Context(), build, time.Second, quiet)
	if err != nil {
		t.Fatal(err)
	}
	said := ""
	_, err = hold(t.Context(), build, 50*time.Millisecond, func(s string) { said += s })
	if err == nil || !strings.Contains(err.Error(), "another build has held "+build) || said != "waiting for another build in "+build {
		t.Errorf("the second build: %v, it said %q", err, said)
	}
	ctx, cancel := context.WithCancelCause(t.Context())
	stop := errors.New("enough")
	if _, err := hold(ctx, build, time.Minute, func(string) { cancel(stop) }); !errors.Is(err, stop) {
		t.Errorf("a build that was stopped while it waited: %v", err)
	}
	if err := os.RemoveAll(build); err != nil {
		t.Fatal(err)
	}
	anew, err := hold(t.Context(), build, time.Second, quiet)
	if err != nil {
		t.Fatalf("a folder that was removed and made anew: %v", err)
	}
	release(anew, true)
	release(first, true)
	again, err := hold(t.Context(), build, 0, func(s string) { t.Error(s) })
	if err != nil {
		t.Fatal(err)
	}
	release(again, true)
}

// TestHoldWaitsForTools leaves a tool's child behind, as a build that is killed does: the
// next build begins when that has ended. After a build that ended it does not wait for what
// stays in the background.
func TestHoldWaitsForTools(t *testing.T) {
	for _, ended := range []bool{false, true} {
		build := t.TempDir()
		held, err := hold(t.Context(), build, time.Second, quiet)
		if err != nil {
			t.Fatal(err)
		}
		late := filepath.Join(build, "late")
		if err := command(t.Context(), build, []string{"sh", "-c", "(sleep 1; echo > late) >/dev/null 2>&1 &"}, held); err != nil {
			t.Fatal(err)
		}
		release(held, ended)
		next, err := hold(t.Context(), build, time.Minute, quiet)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(late); (err == nil) == ended {
			t.Errorf("ended %v: the next build has the folder, and the file of the tool's child: %v", ended, err)
		}
		for range 200 { // the folder is about to be removed
			if _, err := os.Stat(late); err == nil {
				break
			}
			time.Sleep(20 * time.Millisecond)
		}
		release(next, true)
	}
}

// TestCancelEndsAll cancels a tool whose child would run for long: it is gone, too.
func TestCancelEndsAll(t *testing.T) {
	dir := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() {
		for ctx.Err() == nil {
			if b, err := os.ReadFile(filepath.Join(dir, "pid")); err == nil && strings.HasSuffix(string(b), "\n") {
				cancel()
			}
			time.Sleep(5 * time.Millisecond)
		}
	}()
	begin := time.Now()
	err := command(ctx, dir, []string{"sh", "-c", "sleep 300 & echo $! > pid; wait"}, nil)
	if !errors.Is(err, context.Canceled) || time.Since(begin) > time.Minute {
		t.Errorf("%v after %v", err, time.Since(begin))
	}
	b, err := os.ReadFile(filepath.Join(dir, "pid"))
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if gone(pid) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("process %d, which the tool started, still runs", pid)
}

// gone reports whether a process has ended, be it that nobody has asked for its status.
func gone(pid int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(pid), "stat"))
	if err == nil && strings.Contains(string(stat), ") Z ") {
		return true
	}
	return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
}

// TestFreshBegins begins anew in a folder that holds things, and at a link to a folder of
// somebody else's, which keeps them.
func TestFreshBegins(t *testing.T) {
	dir := t.TempDir()
	other := filepath.Join(dir, "other")
	if err := os.MkdirAll(filepath.Join(other, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	build := filepath.Join(dir, "build")
	if err := os.Symlink(other, build); err != nil {
		t.Fatal(err)
	}
	if err := unlink(build); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(build); err == nil {
		t.Error("the link is still there")
	}
	if err := unlink(build); err != nil {
		t.Errorf("nothing there: %v", err)
	}
	if err := unlink(other); err != nil {
		t.Errorf("a folder: %v", err)
	}
	if err := empty(other); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(other); err != nil || len(left) != 0 {
		t.Errorf("emptied: %v, %v", left, err)
	}
}
