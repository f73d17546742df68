// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/unroll-npu/unroll/codegen/projectfile"
	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// goldenPerBuild is the number of golden calls in the generated project: two chains of
// eight with carried states.
const goldenPerBuild = 16

func (b *buildFlags) write(c *cli, low, step *lower.Result, g *graph.Graph, net *nn.Network, ch *compile.Choice, test *dataset.Set) error {
	known := low.Facts
	if b.lower.windows.n > 1 {
		var lost []string
		if known, lost = low.Facts.OfWindows(b.lower.windows.n); len(lost) > 0 {
			c.say("note: a call of %d windows takes and gives values of each; the project has no functions for %s", b.lower.windows.n, strings.Join(lost, " and "))
		}
	}
	feed, err := b.feed(low, test)
	if err != nil {
		return err
	}
	ref, err := runner.NewReference(g)
	if err != nil {
		return err
	}
	golden, err := goldenCalls(ref, goldenPerBuild, func(call int, in [][]byte) bool {
		feed(call, in)
		return call%8 == 0
	})
	if err != nil {
		return err
	}
	weights, err := encodeNetwork(net)
	if err != nil {
		return err
	}
	plain, err := lower.Encode(g, known)
	if err != nil {
		return err
	}
	evidence, err := b.evidence.Encode()
	if err != nil {
		return err
	}
	extra := map[string][]byte{
		report.EvidenceName: evidence,
		projectfile.Name:    b.settled,
		"model/" + b.generate.prefix + ".safetensors": weights,
		"model/" + b.generate.prefix + ".tflite":      plain,
	}
	source, compiled := b.generate.prefix+".tflite", plain
	if ch.Form == compile.FormStep {
		source = b.generate.prefix + ".step.tflite"
		if compiled, err = step.Encode(); err != nil {
			return err
		}
		extra["model/"+source] = compiled
	}
	pr := b.generate.project(ch.Program, golden, source, compiled, b.settings())
	pr.Extra = extra
	pr.Know(known)
	if pr.Heard, err = heard(ref, known, test); err != nil {
		return err
	}
	pr.Report = pageOf(c, b.out)
	return writeProject(pr, b.out, b.generate.force)
}

func (b *buildFlags) settings() map[string]string {
	s := b.npu.settings()
	s["data"] = filepath.Base(b.data.data)
	s["seed"] = fmt.Sprint(b.data.seed)
	if s["cell"] = b.train.cell; b.train.layers != "1" {
		s["layers"] = b.train.layers
	}
	s["units"] = fmt.Sprint(b.train.units)
	s["recipe"] = b.train.recipe
	s["form"] = b.lower.form
	s["sequence"] = b.sequence
	s["activations"] = b.lower.activations
	if n := b.lower.windows.n; n > 1 {
		s[windowsFlag] = fmt.Sprint(n)
	}
	return s
}
