// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/train/tune"
)

// replayed is a command of the scripts: replayed FILE runs the command that a trial's result
// prints, as a shell takes it, and holds what it gives to the result.
func replayed(args []string) error {
	if len(args) != 1 {
		return fmt.Errorf("replayed: expected the result of a trial")
	}
	b, err := os.ReadFile(args[0])
	if err != nil {
		return err
	}
	var r tune.Result
	if err := json.Unmarshal(b, &r); err != nil {
		return err
	}
	cmd := exec.Command("sh", "-c", r.Command+" --compare 8 --chain 2 --json")
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return fmt.Errorf("%s: %w", r.Command, err)
	}
	var got built
	if err := json.Unmarshal(out, &got); err != nil {
		return err
	}
	if got.Quantized == nil || *got.Quantized != r.Test || *got.Float != r.Float || got.Cycles != r.Cycles || got.FlashBytes != r.Flash || got.SRAMBytes != r.SRAM || got.Accelerator != r.Accelerator {
		return fmt.Errorf("%s gives %s; the trial has %s", r.Command, out, b)
	}
	return nil
}

// TestTunedFlags: tune takes every flag of build that has a meaning for many networks, by the
// same name, and hands it on as build takes it.
func TestTunedFlags(t *testing.T) {
	build, search := pflag.NewFlagSet("build", pflag.ContinueOnError), pflag.NewFlagSet("tune", pflag.ContinueOnError)
	(&buildFlags{}).add(build)
	(&generateFlags{}).add(build)
	flags := &tuneFlags{set: search}
	flags.add(search)
	for _, s := range spaces {
		if build.Lookup(s.flag) == nil {
			t.Errorf("%s is searched, but build has no such flag", s.flag)
		}
	}
	for _, name := range notTuned {
		if build.Lookup(name) == nil {
			t.Errorf("%s is left out, but build has no such flag", name)
		}
	}
	own := []string{"epochs", "validation"} // of the plan
	build.VisitAll(func(f *pflag.Flag) {
		found, left := search.Lookup(f.Name) != nil, false
		for _, name := range notTuned {
			left = left || name == f.Name
		}
		for _, name := range own {
			left = left && name != f.Name
		}
		if found == left {
			t.Errorf("--%s: found %v in tune, left out %v", f.Name, found, left)
		}
	})
	if err := search.Parse(strings.Fields("--units 8,16 --layers 1,2 --layers conv:8x3,gru --no-state --features a,b --features c --seed 7 --min-accuracy 98.5% --memory-mode Sram_Only")); err != nil {
		t.Fatal(err)
	}
	a, err := flags.asked()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := strings.Join(a.Flags, " "), "--seed=7 --features=a --features=b --features=c --no-state=true --memory-mode=Sram_Only"; got != want {
		t.Errorf("handed on: %s, expected %s", got, want)
	}
	if a.Bounds.Accuracy != 0.985 || a.Seed != 7 {
		t.Errorf("asked for %+v", a)
	}
	for _, d := range a.Space {
		if d.Flag == "layers" && strings.Join(d.Values, " ") != "1 2 conv:8x3,gru" {
			t.Errorf("layers %q", d.Values)
		}
		if d.Flag == "accel" || d.Flag == "rank" || d.Flag == "steps" {
			t.Errorf("%s is searched, though nobody asked", d.Flag)
		}
	}
	b, err := buildOf(append(a.Flags, "--units=8"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Join(b.data.rest.Features, ",") != "a,b,c" || !b.lower.noState || b.train.units != 8 || b.data.seed != 7 {
		t.Errorf("build reads %+v", b)
	}
}

// TestOtherData: a worker that sees other data than the study was drawn for is refused.
func TestOtherData(t *testing.T) {
	dir := t.TempDir()
	c := &cli{ctx: t.Context(), stdout: io.Discard, stderr: io.Discard}
	s := &studyFolder{dir: dir}
	flags := func(args ...string) *tuneFlags {
		set := pflag.NewFlagSet("tune", pflag.ContinueOnError)
		f := &tuneFlags{set: set}
		f.add(set)
		if err := set.Parse(append(args, "--study", dir)); err != nil {
			t.Fatal(err)
		}
		return f
	}
	data := filepath.Join(dir, "x.csv")
	write := func(last string) {
		var text strings.Builder
		text.WriteString("sequence,label,a\n")
		for i := range 40 {
			fmt.Fprintf(&text, "%d,%d,%d\n%d,%d,%s\n", i, i%2, i%2, i, i%2, last)
		}
		if err := os.WriteFile(data, []byte(text.String()), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	f := flags("--data", data, "--candidates", "1", "--rungs", "1", "--epochs", "1", "--cell", "rnn", "--units", "2", "--layers", "1")
	if err := s.begin(c, f); err != nil {
		t.Fatal(err)
	}
	write("2")
	other, err := openStudy(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.try(c, 0); err == nil || !strings.Contains(err.Error(), "is not what the study was drawn for") {
		t.Errorf("with other data: %v", err)
	}
	write("1")
	if _, err := other.try(c, 0); err != nil {
		t.Errorf("with the same data: %v", err)
	}
}
