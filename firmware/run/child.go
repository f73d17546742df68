// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/unroll-npu/unroll/lower/fault"
)

// grace is how long a tool that was asked to end may take for it.
const grace = 5 * time.Second

// tool prepares a program that works for this process and may start others: none of them
// outlives it for long, whether a context ends it or it is killed.
func tool(ctx context.Context, argv []string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = grace
	endTogether(cmd)
	dieWithParent(cmd, syscall.SIGTERM)
	return cmd
}

// tied calls f, which starts a program and waits for it, on a thread that lives until f
// returns: the kernel ties the wish that a program die with us to the thread that started it.
func tied(f func() error) error {
	done := make(chan error, 1)
	go func() {
		defer fault.Catch()
		runtime.LockOSThread() // never unlocked: the thread ends with this goroutine
		done <- f()
	}()
	return <-done
}

// command runs a tool quietly; what it prints matters only when it fails. It and all that
// it starts inherit the handle of what they write to.
func command(ctx context.Context, dir string, argv []string, held *os.File) error {
	cmd := tool(ctx, argv)
	cmd.Dir = dir
	if held != nil {
		cmd.ExtraFiles = []*os.File{held}
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := tied(cmd.Run)
	if err == nil || errors.Is(err, exec.ErrWaitDelay) { // done, and something else keeps its output open
		return nil
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if errors.Is(err, exec.ErrNotFound) {
		return err
	}
	lines := strings.Split(strings.TrimRight(out.String(), "\n"), "\n")
	if len(lines) > 30 {
		lines = append([]string{"..."}, lines[len(lines)-30:]...)
	}
	return &BuildError{Command: strings.Join(argv, " "), Output: strings.Join(lines, "\n"), Err: err}
}

// versionOf returns what a program prints when it is asked for its version.
func versionOf(ctx context.Context, path string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	cmd := tool(ctx, []string{path, "--version"})
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err := tied(cmd.Run)
	return out.String(), err
}
