// SPDX-License-Identifier: Apache-2.0

//go:build !unix

package train

// cpuSeconds is not known on this system.
func cpuSeconds() float64 { return 0 }
