// SPDX-License-Identifier: Apache-2.0

// Package projectfile keeps the flags of a verb in a TOML file, unroll.toml: a key for every
// flag, with its name and its value.
//
// In come a set of flags and a file (Apply) or what was given on the command line (Write); out
// go the flags set, or the file. What the command line says wins over the file. A key that is
// no flag is an error that offers the flag that it is most like.
package projectfile
