// SPDX-License-Identifier: Apache-2.0

package run

import (
	"os/exec"
	"syscall"
)

// dieWithParent has the kernel kill the program when this process dies: a core that
// sleeps until an interrupt notices nothing else.
func dieWithParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
