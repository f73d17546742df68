// SPDX-License-Identifier: Apache-2.0

package run

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/firmware/internal/link"
	"github.com/unroll-npu/unroll/lower/fault"
)

// commandLine is what starts the image on a board.
func commandLine(b *board.Board, image string, accel *ethosu.Accelerator) ([]string, error) {
	if b.Host() {
		return []string{image}, nil
	}
	product, macs := "", ""
	if accel != nil {
		product, macs = accel.Generation.ProductName(), strconv.Itoa(accel.MACs)
	}
	e := b.Emulator(product)
	if e == nil {
		return nil, fmt.Errorf("nothing here runs images of board %s with %s: unroll flash writes them for the board's own loader", b.Name, product)
	}
	program, err := findEmulator(b, e)
	if err != nil {
		if b.Linked {
			return nil, err
		}
		return nil, fmt.Errorf("%w; then run:\n  %s", err, strings.Join(e.Command(e.Program, image, macs), " "))
	}
	return e.Command(program, image, macs), nil
}

// execute runs the program to its end and fills in what it said and did.
func execute(ctx context.Context, t *board.Board, argv []string, opt Options, report *Report) error {
	timeout := opt.Timeout
	if timeout == 0 {
		timeout = 5 * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout,
		fmt.Errorf("%s does not end within %v: raise the timeout, or look for a lost interrupt or an endless loop", t.On, timeout))
	defer cancel()
	return tied(func() error { return executeHere(ctx, t, argv, opt, report) })
}

func executeHere(ctx context.Context, t *board.Board, argv []string, opt Options, report *Report) error {
	// Cancelling kills: while it waits on the link, QEMU is deaf to anything less.
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = grace
	dieWithParent(cmd, syscall.SIGKILL)
	console := &console{tee: opt.Console}
	cmd.Stderr = console
	if !t.Linked {
		cmd.Stdout = console
		return finish(ctx, cmd.Run(), console, report)
	}
	check, err := imageCheck(report.Image)
	if err != nil {
		return err
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	var npu link.NPU
	connect := func(memory link.Memory) link.NPU {
		npu = opt.Connect(memory)
		return npu
	}
	// On a thread of Go's choice: every message that this one waited for would take two
	// switches of threads more.
	served := make(chan error)
	go func() {
		defer fault.Catch()
		stats, err := link.Serve(stdout, stdin, connect, link.Options{Check: check, Delay: opt.Delay, Shadow: opt.Shadow})
		report.Link = stats
		served <- err
	}()
	err = <-served
	if f, ok := npu.(interface{ Fault() error }); ok && err == nil && f.Fault() != nil {
		report.Problem = "the NPU stopped: " + f.Fault().Error()
	}
	if err != nil {
		report.Problem = err.Error()
		_ = cmd.Process.Kill()
	}
	_ = stdin.Close()
	return finish(ctx, cmd.Wait(), console, report)
}

// finish sorts out how a program ended: an exit status is an outcome, all else is
// an error.
func finish(ctx context.Context, err error, c *console, report *Report) error {
	report.Console = c.text.String()
	if ctx.Err() != nil {
		return fmt.Errorf("%w; it said:\n%s", context.Cause(ctx), report.Console)
	}
	if exit, ok := err.(*exec.ExitError); ok {
		report.Exit = exit.ExitCode()
		return nil
	}
	return err
}

// console keeps what a program prints, up to a limit, without the byte that stops
// the FVP.
type console struct {
	text bytes.Buffer
	tee  io.Writer
}

const consoleLimit = 1 << 20

func (c *console) Write(p []byte) (int, error) {
	clean := bytes.ReplaceAll(bytes.ReplaceAll(p, []byte{4}, nil), []byte{'\r'}, nil)
	if room := consoleLimit - c.text.Len(); len(clean) <= room {
		c.text.Write(clean)
	}
	if c.tee != nil {
		_, _ = c.tee.Write(clean)
	}
	return len(p), nil
}
