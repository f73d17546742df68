// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestNoProgramUnverified: a program that breaks a rule is an error and does not leave,
// also when only the part of a sequence that other runtimes run breaks it.
func TestNoProgramUnverified(t *testing.T) {
	g := &graph.Graph{Name: "step"}
	add := func(name string) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{1, 16}, Quant: graph.PerTensor(0.05, 0)})
	}
	x, h, y := add("x"), add("h"), add("y")
	g.Inputs, g.Outputs, g.States = []graph.TensorID{x, h}, []graph.TensorID{y}, []graph.State{{In: h, Out: y}}
	g.Ops = []*graph.Op{{Kind: graph.Add, Attr: graph.AddAttr{}, Inputs: g.Inputs, Outputs: g.Outputs}}
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	opt := Options{Accel: a}
	p, err := Compile(g, opt)
	if err != nil {
		t.Fatal(err)
	}
	seq, err := Sequence(g, SequenceOptions{Steps: 3}, opt)
	if err != nil {
		t.Fatal(err)
	}
	broken, s := *p, p.Stages[0]
	n := len(s.Commands)
	s.Commands = slices.Concat(s.Commands[:n-2], []uint32{isa.Command{Code: isa.OpConv}.Append(nil)[0]}, s.Commands[n-1:])
	broken.Stages = []ethosu.Stage{s}
	inside := *seq
	inside.Single = &broken
	for _, q := range []*ethosu.Program{&broken, &inside} {
		var fault *Fault
		r, err := verified(q, nil)
		if r != nil || !errors.As(err, &fault) || len(fault.Findings) == 0 || !strings.HasPrefix(err.Error(), `BUG: the stream compiled from "step" breaks`) {
			t.Errorf("a stream with another operation passes: %v", err)
		}
	}
}
