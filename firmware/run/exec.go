// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"

	"github.com/unroll-npu/unroll/firmware/internal/link"
	"github.com/unroll-npu/unroll/lower/fault"
)

// SocketVariable names the environment variable that tells a program where its NPU is.
const SocketVariable = "UNROLL_NPU_SOCKET"

// Simulator gives every program that connects to a Unix socket an NPU of its own.
type Simulator struct {
	listener net.Listener
	connect  func(link.Memory) link.NPU
	shadow   bool

	programs sync.WaitGroup
	mu       sync.Mutex
	open     map[net.Conn]bool
	problems []error
	served   int
}

// Listen makes a simulator at a path where nothing may be, or a socket that nobody
// listens on any more. Of the options, Connect and Shadow count.
func Listen(socket string, opt Options) (*Simulator, error) {
	if info, err := os.Lstat(socket); err == nil {
		if info.Mode()&os.ModeSocket == 0 {
			return nil, fmt.Errorf("%s exists and is no socket: choose another name", socket)
		}
		if c, err := net.Dial("unix", socket); err == nil {
			c.Close()
			return nil, fmt.Errorf("somebody listens on %s already: choose another name, or end the other one", socket)
		}
		if err := os.Remove(socket); err != nil {
			return nil, err
		}
	}
	l, err := net.Listen("unix", socket)
	if err != nil {
		return nil, fmt.Errorf("socket %s: %w", socket, err)
	}
	return &Simulator{listener: l, connect: opt.Connect, shadow: opt.Shadow, open: map[net.Conn]bool{}}, nil
}

// Serve answers programs until Close, or until the first one has left when only one is
// wanted.
func (s *Simulator) Serve(one bool) error {
	for {
		c, err := s.listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		s.mu.Lock()
		s.open[c] = true
		s.served++
		s.mu.Unlock()
		s.programs.Add(1)
		serve := func() {
			defer s.programs.Done()
			_, err := link.Serve(c, c, s.connect, link.Options{Shadow: s.shadow})
			c.Close()
			s.mu.Lock()
			defer s.mu.Unlock()
			delete(s.open, c)
			if err != nil && !errors.Is(err, net.ErrClosed) {
				s.problems = append(s.problems, err)
			}
		}
		if one {
			serve()
			return s.problem()
		}
		go func() {
			defer fault.Catch()
			serve()
		}()
	}
}

// Close ends all connections and removes the socket. It returns what went wrong with
// programs, such as one that does not speak the link's protocol.
func (s *Simulator) Close() error {
	s.listener.Close()
	s.mu.Lock()
	for c := range s.open {
		c.Close()
	}
	s.mu.Unlock()
	s.programs.Wait()
	return s.problem()
}

func (s *Simulator) problem() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return errors.Join(s.problems...)
}

// Programs is how many have connected.
func (s *Simulator) Programs() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.served
}

// Program is a program of somebody's own, such as a unit test, that the library of a
// project is linked into.
type Program struct {
	Argv           []string
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Exec runs a program whose NPU, and that of every program it starts, is a simulated one
// behind a socket. It returns the program's exit status and how many programs used an
// NPU.
func Exec(ctx context.Context, p Program, opt Options) (status, programs int, err error) {
	dir, err := os.MkdirTemp("", "unroll-npu-")
	if err != nil {
		return 0, 0, err
	}
	defer os.RemoveAll(dir)
	socket := filepath.Join(dir, "npu")
	s, err := Listen(socket, opt)
	if err != nil {
		return 0, 0, err
	}
	served := make(chan error, 1)
	go func() {
		defer fault.Catch()
		served <- s.Serve(false)
	}()
	cmd := exec.CommandContext(ctx, p.Argv[0], p.Argv[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	cmd.Env = append(os.Environ(), SocketVariable+"="+socket)
	dieWithParent(cmd, syscall.SIGTERM)
	ran := tied(cmd.Run)
	problem := errors.Join(s.Close(), <-served)
	if ctx.Err() != nil {
		return 0, s.Programs(), context.Cause(ctx)
	}
	var exit *exec.ExitError
	switch {
	case errors.As(ran, &exit):
		return exit.ExitCode(), s.Programs(), problem
	case ran != nil:
		return 0, s.Programs(), ran
	}
	return 0, s.Programs(), problem
}
