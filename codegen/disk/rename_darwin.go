// SPDX-License-Identifier: Apache-2.0

package disk

import "golang.org/x/sys/unix"

// exchange swaps two names in one step.
func exchange(a, b string) error { return unix.RenamexNp(a, b, unix.RENAME_SWAP) }

// renameNew renames from to a name that must be free.
func renameNew(from, to string) error { return unix.RenamexNp(from, to, unix.RENAME_EXCL) }
