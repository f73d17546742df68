// SPDX-License-Identifier: Apache-2.0

//go:build unix

package testdata

import "golang.org/x/sys/unix"

// CPUSeconds is the processor time of this process, which other programs on the
// machine do not distort as much as the wall clock.
func CPUSeconds() float64 {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return float64(r.Utime.Nano()+r.Stime.Nano()) / 1e9
}
