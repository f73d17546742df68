// SPDX-License-Identifier: Apache-2.0

//go:build !linux && !darwin

package disk

import "errors"

// exchange swaps two names in one step, which is not to be had here.
func exchange(_, _ string) error { return errors.ErrUnsupported }

// renameNew renames from to a name that must be free, which is not to be had here.
func renameNew(_, _ string) error { return errors.ErrUnsupported }
