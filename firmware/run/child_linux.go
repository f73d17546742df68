// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel send a program a signal when this process dies: one that
// sleeps until an interrupt notices nothing else, and a build goes on writing.
func dieWithParent(cmd *exec.Cmd, signal syscall.Signal) { attributes(cmd).Pdeathsig = signal }
