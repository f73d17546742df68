// SPDX-License-Identifier: Apache-2.0

package elementwise

// forms are the loops of this machine, the plain ones first; the last are those in use.
func forms() []form {
	return []form{{"portable", func() { useNEON = false }}, {"neon", func() { useNEON = true }}}
}
