package run

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/link"
)

// commandLine is what starts the image on a target.
func commandLine(t Target, image string, accel *ethosu.Accelerator) ([]string, error) {
	switch {
	case t.Toolchain == "":
		return []string{image}, nil
	case t.Linked:
		qemu, err := Find(toolQEMU)
		return qemuCommand(qemu, image), err
	}
	name := toolFVP55
	if accel.Generation == ethosu.U65 {
		name = toolFVP65
	}
	path, err := Find(name)
	if err != nil {
		return nil, fmt.Errorf("%w; then run:\n  %s", err, strings.Join(fvpCommand(name, image, accel), " "))
	}
	return fvpCommand(path, image, accel), nil
}

// qemuCommand leaves stdin and stdout to the link; the console goes to stderr,
// which must be a pipe.
func qemuCommand(qemu, image string) []string {
	return []string{qemu, "-M", "mps3-an547", "-display", "none", "-monitor", "none", "-serial", "file:/dev/stderr",
		"-semihosting-config", "enable=on,target=native", "-kernel", image}
}

func fvpCommand(fvp, image string, accel *ethosu.Accelerator) []string {
	return []string{fvp, "-a", image,
		"-C", fmt.Sprintf("ethosu.num_macs=%d", accel.MACs),
		"-C", "mps3_board.visualisation.disable-visualisation=1",
		"-C", "mps3_board.telnetterminal0.start_telnet=0",
		"-C", "mps3_board.uart0.out_file=-",
		"-C", "mps3_board.uart0.unbuffered_output=1",
		"-C", "mps3_board.uart0.shutdown_on_eot=1",
		"--simlimit", "120"}
}

// execute runs the program to its end and fills in what it said and did.
func execute(ctx context.Context, t Target, argv []string, opt Options, report *Report) error {
	timeout := opt.Timeout
	if timeout == 0 {
		timeout = 5 * time.Minute
	}
	ctx, cancel := context.WithTimeoutCause(ctx, timeout,
		fmt.Errorf("%s does not end within %v: raise the timeout, or look for a lost interrupt or an endless loop", t.Name, timeout))
	defer cancel()
	done := make(chan error, 1)
	go func() {
		// The kernel ties the wish to die with us to the thread that started the
		// program. This one is never unlocked, so it lives until the program has ended.
		runtime.LockOSThread()
		done <- executeHere(ctx, t, argv, opt, report)
	}()
	return <-done
}

func executeHere(ctx context.Context, t Target, argv []string, opt Options, report *Report) error {
	// Cancelling kills: while it waits on the link, QEMU is deaf to anything less.
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.WaitDelay = 5 * time.Second
	dieWithParent(cmd)
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
	stats, err := link.Serve(stdout, stdin, connect, link.Options{Check: check, Delay: opt.Delay})
	report.Link = stats
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
