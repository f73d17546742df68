// SPDX-License-Identifier: Apache-2.0

//go:build unix

package disk

import (
	"errors"
	"syscall"
)

// alive reports whether a process runs; when that is unknown it may.
func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
