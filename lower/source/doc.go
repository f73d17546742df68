// SPDX-License-Identifier: Apache-2.0

// Package source opens networks of every format, proves what it made of them, and
// says what it had to assume.
//
// In comes a file, told apart by its content; out comes a Network: a float graph with
// the states that the user or the file declares. An imported graph is compared with
// an independent evaluation of the source before anybody sees it.
//
// Open source.go first; prove.go is the comparison, states.go the pairs.
package source
