// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package disk

import "os"

// alive reports whether a process runs; when that is unknown it may.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil {
		return false
	}
	return p.Release() == nil
}
