// SPDX-License-Identifier: Apache-2.0

//go:build unix

package train

import "syscall"

// cpuSeconds returns the processor time this process has used, over all threads.
func cpuSeconds() float64 {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return float64(u.Utime.Nano()+u.Stime.Nano()) / 1e9
}
