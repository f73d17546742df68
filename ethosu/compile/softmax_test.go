// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
)

func softmaxOf(rows, classes int, scale float32) *graph.Graph {
	g := &graph.Graph{Name: fmt.Sprintf("softmax of %dx%d, scale %g", rows, classes, scale)}
	in := g.Add(&graph.Tensor{Name: "in", Type: graph.Int8, Shape: []int{rows, classes}, Quant: graph.PerTensor(scale, 3)})
	out := g.Add(&graph.Tensor{Name: "out", Type: graph.Int8, Shape: []int{rows, classes}, Quant: graph.PerTensor(1.0/256, -128)})
	g.Ops = []*graph.Op{{Kind: graph.Softmax, Attr: graph.SoftmaxAttr{Beta: 1}, Inputs: []graph.TensorID{in}, Outputs: []graph.TensorID{out}}}
	g.Inputs, g.Outputs = []graph.TensorID{in}, []graph.TensorID{out}
	return g
}

// TestFewClasses compares softmaxes at the limits of the short form, and counts their kernels.
func TestFewClasses(t *testing.T) {
	for i, c := range []struct{ rows, classes, kernels int }{{1, 2, 11}, {1, 10, 11}, {32, 12, 11}, {33, 10, 27}, {7, 16, 11}, {1, 17, 27}, {3, 1, 27}} {
		for k, scale := range []float32{0.02, 0.09, 0.5} {
			g := softmaxOf(c.rows, c.classes, scale)
			o := configs[(i+k)%len(configs)].options(t)
			if err := agree(t, g, o, uint64(i)); err != nil {
				t.Errorf("%s, %s: %v", g.Name, o.Accel.Name, err)
				continue
			}
			p, err := compile.Compile(g, o)
			if err != nil {
				t.Fatal(err)
			}
			if n := kernelsOf(t, p); n > c.kernels && scale > 0.05 || n < c.kernels {
				t.Errorf("%s: %d kernels, expected %d", g.Name, n, c.kernels)
			}
		}
	}
}

func kernelsOf(t *testing.T, p *ethosu.Program) int {
	t.Helper()
	list, err := isa.Decode(p.Stages[0].Commands, p.Accel.Product)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, in := range list {
		if in.Code == isa.OpPool || in.Code == isa.OpElementwise {
			n++
		}
	}
	return n
}

// TestReciprocalTable lets verifier and simulator find a clamp that lets values reach what
// is not loaded of a table of 16 bits.
func TestReciprocalTable(t *testing.T) {
	p, err := compile.Compile(softmaxOf(1, 10, 0.1), configs[0].options(t))
	if err != nil {
		t.Fatal(err)
	}
	list, err := isa.Decode(p.Stages[0].Commands, p.Accel.Product)
	if err != nil {
		t.Fatal(err)
	}
	widened := 0
	for _, in := range list {
		at := int(int16(in.Param))
		if in.Code != isa.SetActivationMax || at >= -128 { // of the table's first entries
			continue
		}
		q, s := *p, p.Stages[0]
		s.Commands = slices.Clone(s.Commands)
		q.Stages = []ethosu.Stage{s}
		s.Commands[in.Word] = s.Commands[in.Word]&0xffff | uint32(uint16(at+8*128))<<16
		if found := verify.Program(&q).Findings; len(found) != 1 || found[0].Rule != verify.RuleTable {
			t.Errorf("findings %v, expected one of %s", found, verify.RuleTable)
		}
		var fault *sim.Fault
		if _, err := sim.PrepareStage(&q, &s); !errors.As(err, &fault) || fault.Cause != sim.TableMissing {
			t.Errorf("the simulator says %v, expected a missing table", err)
		}
		widened++
	}
	if widened != 1 {
		t.Errorf("%d clamps of tables of 16 bits, expected 1", widened)
	}
}
