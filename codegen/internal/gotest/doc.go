// SPDX-License-Identifier: Apache-2.0

// Package gotest writes the Go test of a generated project with jennifer.
//
// In comes a Suite: the program and where the C has its streams; out goes
// the source of one _test.go file that stands at the project's root and imports firmware/proof alone. Open render.go.
package gotest
