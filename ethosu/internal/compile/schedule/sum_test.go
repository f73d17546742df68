// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/lowering"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// elementOp returns the elementwise operation of an ADD or SUB of int8 tensors.
func elementOp(t *testing.T, kind graph.Kind, sa, sb, so float32, za, zb, zo int32) *Op {
	t.Helper()
	g := &graph.Graph{}
	for i, s := range []float32{sa, sb, so} {
		g.Add(&graph.Tensor{Name: string(rune('a' + i)), Type: graph.Int8, Shape: []int{1, 256}, Quant: graph.PerTensor(s, []int32{za, zb, zo}[i])})
	}
	var attr any = graph.AddAttr{}
	if kind == graph.Sub {
		attr = graph.SubAttr{}
	}
	g.Ops = []*graph.Op{{Kind: kind, Attr: attr, Inputs: []graph.TensorID{0, 1}, Outputs: []graph.TensorID{2}}}
	g.Inputs, g.Outputs = []graph.TensorID{0, 1}, []graph.TensorID{2}
	if _, err := quant.ForAddSub(g, g.Ops[0]); err != nil {
		t.Fatal(err)
	}
	m, err := lowering.Lower(g, lowering.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return &Op{Kernel: *m.Kernels[0]}
}

// TestPoolSum compares the pool's form of ADD with the elementwise one where they
// agree, and finds a rescaling of sums that falls on ties, where they do not.
func TestPoolSum(t *testing.T) {
	o := elementOp(t, graph.Add, 0.05, 0.05, 0.031, 0, 0, 4)
	if o.OperandMode != 2 || o.OPA != (kernel.Scale{Mul: 1 << 30, Shift: 11}) {
		t.Fatalf("equal scales give mode %d, OPA %+v", o.OperandMode, o.OPA)
	}
	if !sameSums(o, 0) {
		t.Error("the pool form of an ordinary rescaling is refused")
	}
	if sameSums(elementOp(t, graph.Add, 0.5, 0.5, 1, 0, 0, 0), 0) {
		t.Error("halves are rounded to even sums by one form and away from zero by the other, yet accepted")
	}
}

// TestDepthwiseSum finds the integer form of the difference of tensors with scales
// 1/128 and 1/127 and refuses one that is only nearly right.
func TestDepthwiseSum(t *testing.T) {
	o := elementOp(t, graph.Sub, 1.0/128, 0.0078740157, 0.01551373, 0, 0, -1)
	s := findSum(o, 0)
	if !s.ok || s.wa != 127 || s.wb != -128 {
		t.Errorf("got %+v, expected weights 127 and -128", s)
	}
	if s := findSum(elementOp(t, graph.Add, 0.01, 0.00737, 0.02, 3, 3, 0), 3); s.ok {
		t.Errorf("%+v passes for the form of scales in the ratio 1000:737", s)
	}
}
