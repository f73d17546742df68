// SPDX-License-Identifier: Apache-2.0

//go:build !linux

package run

import (
	"os/exec"
	"syscall"
)

// dieWithParent has no counterpart here: a program that waits on the link ends when
// that closes, a tool when it has done its work, one that sleeps must be ended by hand.
func dieWithParent(*exec.Cmd, syscall.Signal) {}
