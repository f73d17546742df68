// SPDX-License-Identifier: Apache-2.0

// Package gotest writes the Go test of a generated project with jennifer.
//
// In comes a Suite: names and places of what the test feeds and compares; out goes
// the source of one _test.go file that stands at the project's root. Open render.go.
package gotest
