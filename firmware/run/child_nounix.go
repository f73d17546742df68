// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package run

import (
	"errors"
	"os"
	"os/exec"
)

// endTogether has no counterpart here: cancelling ends the tool alone.
func endTogether(*exec.Cmd) {}

func unlock(*os.File) {}

// tryLock has no counterpart here, where a file that somebody has open cannot be removed.
func tryLock(*os.File) (bool, error) { return false, errors.ErrUnsupported }
