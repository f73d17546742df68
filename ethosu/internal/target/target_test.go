// SPDX-License-Identifier: Apache-2.0

package target_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/emit"
	"github.com/unroll-npu/unroll/ethosu/internal/target"
	"github.com/unroll-npu/unroll/lower/graph"
)

// TestEveryAccelerator: each of a generation that is implemented has a target and an
// emitter, and each target its own accelerator; the others have neither.
func TestEveryAccelerator(t *testing.T) {
	for i := range ethosu.Accelerators {
		a := &ethosu.Accelerators[i]
		to, err := target.For(a)
		if !slices.Contains(target.Generations(), a.Generation) {
			if to != nil || err == nil || !strings.Contains(err.Error(), a.Name) || !strings.Contains(err.Error(), a.Generation.Name) {
				t.Errorf("%s: target %v, %v", a.Name, to, err)
			}
			if e, err := emit.For(a); e != nil || err == nil || !strings.Contains(err.Error(), a.Generation.Name) {
				t.Errorf("%s: emitter %v, %v", a.Name, e, err)
			}
			continue
		}
		if err != nil || to.Accelerator() != a {
			t.Fatalf("%s: %v, %v", a.Name, to, err)
		}
		if _, err := emit.For(a); err != nil {
			t.Error(err)
		}
		op := block.Op{Kind: block.Conv, OFM: block.Shape{H: 1, W: 1, D: 64}, IFM: block.Shape{H: 1, W: 1, D: 64}, KH: 1, KW: 1, StrideH: 1, StrideW: 1, IFMBits: 8}
		found := 0
		to.Legal(op, func(blk block.Shape, s block.SHRAM) bool {
			if l, err := to.Fits(op, blk); err != nil || l != s {
				t.Errorf("%s: block %v is legal and does not fit: %v", a.Name, blk, err)
			}
			found++
			return true
		})
		if found == 0 {
			t.Errorf("%s: no legal block", a.Name)
		}
	}
}

// TestNextGeneration: a generation that nobody has implemented gets no numbers and no
// stream of another one, though its row be complete.
func TestNextGeneration(t *testing.T) {
	next := *ethosu.U65
	next.Name = "Ethos-U99"
	a := *ethosu.Of(ethosu.U65)[0]
	a.Name, a.Generation = "ethos-u99-512", &next
	for name, f := range map[string]func() error{
		"target": func() error { _, err := target.For(&a); return err },
		"emit":   func() error { _, err := emit.For(&a); return err },
		"compile": func() error {
			g := &graph.Graph{Name: "add"}
			for range 2 {
				g.Add(&graph.Tensor{Type: graph.Int8, Shape: []int{1, 16}, Quant: graph.PerTensor(0.5, 0)})
			}
			g.Inputs, g.Outputs = []graph.TensorID{0}, []graph.TensorID{1}
			g.Ops = []*graph.Op{{Kind: graph.Tanh, Inputs: g.Inputs, Outputs: g.Outputs}}
			_, err := compile.Compile(g, compile.Options{Accel: &a})
			return err
		},
	} {
		if err := f(); err == nil || !strings.Contains(err.Error(), "Ethos-U99") {
			t.Errorf("%s: error is %v", name, err)
		}
	}
}
