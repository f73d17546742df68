// SPDX-License-Identifier: Apache-2.0

//go:build !amd64 && !arm64

package elementwise

// forms are the loops of this machine: the plain ones alone.
func forms() []form { return []form{{"portable", func() {}}} }
