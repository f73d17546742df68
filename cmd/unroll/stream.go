// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io"
	"sync"

	"github.com/unroll-npu/unroll/lower/budget"
)

// dash in place of a model's name is standard input, in place of an output standard output.
const dash = "-"

// standardInput is read once, however often it is asked for.
type standardInput struct {
	once sync.Once
	from io.Reader
	file []byte
	err  error
}

var input = &standardInput{}

// readInput reads a model: a file, or standard input.
func readInput(name string) ([]byte, error) {
	if name != dash {
		return budget.ReadFile(name)
	}
	input.once.Do(func() { input.file, input.err = budget.ReadAll("standard input", input.from) })
	return input.file, input.err
}
