// SPDX-License-Identifier: Apache-2.0

//go:build unix

package run

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
)

func attributes(cmd *exec.Cmd) *syscall.SysProcAttr {
	if cmd.SysProcAttr == nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{}
	}
	return cmd.SysProcAttr
}

// endTogether gives a tool a group of its own, so that cancelling asks it and all that it
// started to end. Asking, not killing: Ninja has its compilers in groups of their own, and
// ends them only when it is asked.
func endTogether(cmd *exec.Cmd) {
	attributes(cmd).Setpgid = true
	cmd.Cancel = func() error {
		if err := syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM); !errors.Is(err, syscall.ESRCH) {
			return err
		}
		return os.ErrProcessDone
	}
}

// unlock gives a folder back for all that have the handle.
func unlock(dir *os.File) { _ = syscall.Flock(int(dir.Fd()), syscall.LOCK_UN) }

// tryLock takes a folder for this process and those that inherit the handle, and reports
// whether it could. The kernel gives the folder back when the last of them has closed the
// handle, however it ended.
func tryLock(dir *os.File) (bool, error) {
	for {
		err := syscall.Flock(int(dir.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case errors.Is(err, syscall.EWOULDBLOCK):
			return false, nil
		}
		return err == nil, err
	}
}
