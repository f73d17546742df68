// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestFullStack: recursion without an end ends at the bound, in the runtime's own words.
func TestFullStack(t *testing.T) {
	if os.Getenv("UNROLL_TEST_RECURSE") != "" {
		boundRuntime()
		t.Logf("%d", recurse(0))
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self, "-test.run", "^TestFullStack$")
	cmd.Env = append(os.Environ(), "UNROLL_TEST_RECURSE=1")
	out, err := cmd.CombinedOutput()
	text := string(out)
	if err == nil || cmd.ProcessState.ExitCode() != 2 || !strings.Contains(text, "fatal error: stack overflow") || !strings.Contains(text, "268435456-byte limit") {
		t.Errorf("%v: %.300s", err, text)
	}
}

// recurse never returns.
//
//lint:ignore SA5007 the end of the stack is what is tested
func recurse(n int) int { return recurse(n+1) + n }
