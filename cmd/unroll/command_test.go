// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os/exec"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestCommandSurvivesAShell lets a shell take apart what is printed.
func TestCommandSurvivesAShell(t *testing.T) {
	sh, err := exec.LookPath("sh")
	if err != nil {
		t.Skip("no shell")
	}
	f := pflag.NewFlagSet("", pflag.ContinueOnError)
	f.String("config", "", "")
	f.StringArray("state", nil, "")
	f.Bool("json", false, "")
	f.Int("steps", 3, "")
	if err := f.Parse([]string{"--config=a b's.ini", "--state", "x=$HOME", "--state", "y=`ls`", "--json"}); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"my model; rm -rf .tflite", "", "~", "*", `back\slash "q"`, "ünicode", "a\nb", operand("-o.tflite")}, repeated(f, "config", "state", "json", "steps", "none")...)
	out, err := exec.Command(sh, "-c", "unroll() { printf '%s\\0' \"$@\"; }; "+command("compile", args...)).Output()
	if err != nil {
		t.Fatal(err)
	}
	want := append([]string{"compile"}, append(args[:8:8], "--config=a b's.ini", "--state=x=$HOME", "--state=y=`ls`", "--json=true")...)
	if got := strings.TrimSuffix(string(out), "\x00"); got != strings.Join(want, "\x00") {
		t.Errorf("the shell gives %q, expected %q", strings.Split(got, "\x00"), want)
	}
}
