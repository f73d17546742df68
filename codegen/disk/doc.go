// SPDX-License-Identifier: Apache-2.0

// Package disk puts files and folders in their places whole: under another name first,
// then renamed or exchanged, so that a name holds what it held or all that is new.
//
// What a run that was ended leaves under other names is removed by the next one that
// writes the same. Open temporary.go first.
package disk
