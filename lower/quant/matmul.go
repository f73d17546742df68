// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// MatMul holds the parameters of BATCH_MATMUL: y = Result(sum of (a-A) * (b-B)).
type MatMul struct {
	Mult      Multiplier
	Reduced   bool // int16: MBQM64, else MBQM
	A, B, Out int32
	Lo, Hi    int32
}

// ForMatMul computes the parameters of BATCH_MATMUL; the scales are multiplied in float32.
func ForMatMul(g *graph.Graph, op *graph.Op) (MatMul, error) {
	p, err := forMatMul(g, op)
	if err != nil {
		return p, at(g, op, err)
	}
	return p, nil
}

func forMatMul(g *graph.Graph, op *graph.Op) (MatMul, error) {
	a, b, out, err := operands(g, op, true, true)
	if err != nil {
		return MatMul{}, err
	}
	if a.t.Type != b.t.Type || a.t.Type != out.t.Type {
		return MatMul{}, fmt.Errorf("types are %v, %v and output %v, expected all the same", a.t.Type, b.t.Type, out.t.Type)
	}
	p := MatMul{A: a.zero, B: b.zero, Out: out.zero, Reduced: out.t.Type == graph.Int16}
	if p.Lo, p.Hi, err = Range(out.t.Type); err != nil {
		return p, err
	}
	if err := checkInner(op, a.t); err != nil {
		return p, err
	}
	p.Mult, err = factor(float64(float32(a.scale*b.scale))/float64(out.scale), "output multiplier")
	if err == nil && p.Reduced && p.Mult.Exp >= 8 {
		err = fmt.Errorf("output multiplier is %g, expected below 128 for int16", p.Mult.Real())
	}
	return p, err
}

// Most products of one sum: with more, that of int8 could leave the 32 bits of TFLite
// Micro's kernel (each product is at most 255 * 255), and that of int16 the 47 that its
// scaling takes (2^30 each).
const (
	maxInner8  = (1<<31 - 1) / (255 * 255)
	maxInner16 = 1<<17 - 1
)

func checkInner(op *graph.Op, a *graph.Tensor) error {
	if len(a.Shape) < 2 {
		return nil // refused by its shape elsewhere
	}
	inner, most := a.Shape[len(a.Shape)-1], maxInner16
	if attr, _ := op.Attr.(graph.BatchMatMulAttr); attr.AdjX {
		inner = a.Shape[len(a.Shape)-2]
	}
	if a.Type == graph.Int8 {
		most = maxInner8
	}
	if inner > most {
		return fmt.Errorf("it adds up %d products of %v, expected at most %d, beyond which the sum could overflow; split the matrices", inner, a.Type, most)
	}
	return nil
}

// Result scales a sum of products.
func (p MatMul) Result(acc int64) int32 {
	v := int32(0)
	if p.Reduced {
		v = MBQM64(acc, p.Mult)
	} else {
		v = MBQM(int32(acc), p.Mult)
	}
	return min(max(v+p.Out, p.Lo), p.Hi)
}
