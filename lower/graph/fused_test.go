// SPDX-License-Identifier: Apache-2.0

package graph_test

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

func TestFused(t *testing.T) {
	for _, attr := range []any{
		graph.AddAttr{PotScale16: true}, graph.SubAttr{}, graph.MulAttr{}, graph.DivAttr{}, graph.FullyConnectedAttr{KeepNumDims: true},
		graph.Conv2DAttr{StrideH: 2}, graph.DepthwiseConv2DAttr{DepthMultiplier: 3}, graph.TransposeConvAttr{StrideW: 2},
		graph.Pool2DAttr{FilterH: 4}, graph.ConcatenationAttr{Axis: 1}, graph.SVDFAttr{Rank: 2}, graph.L2NormAttr{},
	} {
		op := &graph.Op{Attr: attr}
		if a := op.Fused(); a != graph.ActNone {
			t.Errorf("%T: has %v, expected none", attr, a)
		}
		with, ok := op.WithFused(graph.ActRelu6)
		if a := (&graph.Op{Attr: with}).Fused(); !ok || a != graph.ActRelu6 {
			t.Errorf("%T: has %v, expected RELU6", attr, a)
		}
		without, _ := (&graph.Op{Attr: with}).WithFused(graph.ActNone)
		if op.Attr != attr || without != attr {
			t.Errorf("%#v: is %#v after its activation has come and gone, and the operator has %#v", attr, without, op.Attr)
		}
	}
	for _, attr := range []any{nil, graph.LSTMAttr{Activation: graph.ActTanh}, graph.SequenceRNNAttr{Activation: graph.ActRelu}, graph.SoftmaxAttr{}} {
		op := &graph.Op{Attr: attr}
		if _, ok := op.WithFused(graph.ActRelu); ok || op.Fused() != graph.ActNone {
			t.Errorf("%T: has a fused activation of its output", attr)
		}
	}
}
