// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"strings"
)

// reports is where faults of ours are told.
const reports = "https://github.com/unroll-npu/unroll/issues"

// maxStack bounds the stack of one goroutine: recursion without an end stops before the
// machine runs full, and readers bound how deep a file may nest long before.
const maxStack = 256 << 20

// boundRuntime lets Go's runtime end early where it cannot go on. No code runs after that,
// so that the exit code is the runtime's own, 2, and the first line begins with "runtime:"
// or "fatal error:"; docs/security.md says so. A program cannot leave out the trace behind it.
func boundRuntime() { debug.SetMaxStack(maxStack) }

// reportFault prints one line about a fault of ours and returns the exit code. The stack
// follows where GOTRACEBACK asks for it.
func reportFault(w io.Writer, v any, stack []byte) int {
	text := strings.Join(strings.Fields(strings.TrimPrefix(fmt.Sprint(v), "BUG: ")), " ")
	if stack == nil {
		stack = debug.Stack()
	}
	fmt.Fprintf(w, "unroll %s: a fault of unroll, not of yours: %s; please report it with the command line at %s (GOTRACEBACK=all shows where it was)\n", version, text, reports)
	if os.Getenv("GOTRACEBACK") != "" {
		fmt.Fprintf(w, "%s", stack)
	}
	return exitFault
}
