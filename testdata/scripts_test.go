// SPDX-License-Identifier: Apache-2.0

package testdata

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// TestScripts has bash parse every script that is tracked: bash reads a script as it runs
// it, so that a mistake near the end of one would show after minutes of work, or never.
func TestScripts(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("SKIPPED: no bash here to parse the scripts with")
	}
	list := exec.Command("git", "ls-files", "-z")
	list.Dir = ".."
	names, err := list.Output()
	if err != nil {
		t.Skipf("SKIPPED: git does not list what is tracked here: %v", err)
	}
	scripts := 0
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names), "\x00"), "\x00") {
		text, err := os.ReadFile("../" + name)
		if err != nil {
			continue // a symbolic link to nowhere, or a file that this tree has deleted
		}
		first, _, _ := bytes.Cut(text, []byte("\n"))
		if !bytes.HasPrefix(first, []byte("#!")) || !bytes.HasSuffix(first, []byte("sh")) {
			continue
		}
		scripts++
		if out, err := exec.Command(bash, "-n", "../"+name).CombinedOutput(); err != nil {
			t.Errorf("bash cannot parse %s: %v\n%s", name, err, out)
		}
	}
	if scripts == 0 {
		t.Error("no script was found among the tracked files")
	}
}
