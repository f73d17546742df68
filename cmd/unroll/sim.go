// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/run"
)

var simVerb = verb{
	name:    "sim",
	args:    "[PROJECT]",
	summary: "Be the NPU of programs on this machine, such as unit tests, that connect to a socket.",
	example: `unroll sim fw --listen /tmp/npu &      # as compiled for by the project
UNROLL_NPU_SOCKET=/tmp/npu ./tests     # a program with UNROLL_SIMULATED=ON: see tests/ of a project`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		socket := f.String("listen", "", "path of the Unix socket to make")
		accel := f.String("accel", "ethos-u55-128", "accelerator, without a project")
		one := f.Bool("once", false, "end when the first program has left")
		shadow := f.Bool("shadow-cache", false, "put a data cache at its worst between program and NPU (programs with UNROLL_SHADOW_CACHE=ON)")
		return func(c *cli) error {
			if *socket == "" {
				return usagef("--listen SOCKET is missing: the path of the socket to make")
			}
			opt := run.Options{Shadow: *shadow}
			switch {
			case len(c.args) > 1:
				return usagef("expected one project, found %d", len(c.args))
			case len(c.args) == 1 && f.Changed("accel"):
				return usagef("--accel and the project %s exclude each other: the project names its accelerator", c.args[0])
			case len(c.args) == 1:
				opt.Dir = c.args[0]
				if err := connectProject(&opt); err != nil {
					return err
				}
			default:
				a, err := ethosu.ParseAccelerator(*accel)
				if err != nil {
					return usagef("--accel: %v", err)
				}
				opt.Accel, opt.Connect = a, run.Simulated(a)
			}
			return simulate(c, *socket, opt, *one)
		}
	},
}

// simulate serves programs until a signal comes.
func simulate(c *cli, socket string, opt run.Options, one bool) error {
	s, err := run.Listen(socket, opt)
	if err != nil {
		return err
	}
	fmt.Fprintf(c.stderr, "%s listens on %s (end it with Ctrl-C)\n", opt.Accel.Name, socket)
	ended := make(chan struct{})
	defer close(ended)
	go func() {
		select {
		case <-c.ctx.Done():
			_ = s.Close()
		case <-ended:
		}
	}()
	err = s.Serve(one)
	if closing := s.Close(); err == nil {
		err = closing
	}
	return err
}
