// SPDX-License-Identifier: Apache-2.0

package elementwise

import "golang.org/x/sys/cpu"

// forms are the loops of this machine, the plain ones first; the last are those in use.
func forms() []form {
	all := []form{{"portable", func() { useAVX2, useAVX512 = false, false }}}
	if cpu.X86.HasAVX2 && cpu.X86.HasFMA {
		all = append(all, form{"avx2", func() { useAVX2, useAVX512 = true, false }})
		if cpu.X86.HasAVX512F {
			all = append(all, form{"avx512", func() { useAVX2, useAVX512 = true, true }})
		}
	}
	return all
}
