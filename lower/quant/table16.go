// SPDX-License-Identifier: Apache-2.0

package quant

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// tabled are the functions that int16 kernels take from a table of 513 entries, between
// which they interpolate, as TFLite's do where it has them (EXP, LOG). NPUs have such
// tables. What is not smooth between entries stays exactly rounded.
var tabled = map[graph.Kind]bool{graph.Exp: true, graph.Log: true, graph.Sqrt: true, graph.Sin: true, graph.Cos: true, graph.Gelu: true}

// HasTable16 reports whether an operator on int16 is an interpolated table.
func HasTable16(g *graph.Graph, op *graph.Op) bool {
	return tabled[op.Kind] && g.Tensors[op.Inputs[0]].Type == graph.Int16 && g.Tensors[op.Outputs[0]].Type == graph.Int16
}

// ForTable16 returns the table of an operator for which HasTable16 holds; Lookup16 reads
// it. Entries are TFLite's: the rounded function at 512 steps from the smallest to the
// largest value, each moved by half of what interpolation is wrong in the middle of the
// segment behind it. They are computed in float64.
func ForTable16(g *graph.Graph, op *graph.Op) (*[513]int16, error) {
	t, err := forTable16(g, op)
	if err != nil {
		return nil, at(g, op, err)
	}
	return t, nil
}

func forTable16(g *graph.Graph, op *graph.Op) (*[513]int16, error) {
	in, _, out, err := operands(g, op, false, false)
	if err != nil {
		return nil, err
	}
	if in.zero != 0 || out.zero != 0 {
		return nil, fmt.Errorf("zero points %d and %d, expected 0 of int16", in.zero, out.zero)
	}
	real := graph.Describe(op.Kind).Real
	unit := float64(out.scale)
	value := func(x float64) float64 { // in units of the output
		v := real(op, x)
		if math.IsNaN(v) {
			v = real(op, 0)
		}
		return min(max(v/unit, -1<<20), 1<<20) // far outside, but finite
	}
	limit := func(v float64) int16 { return int16(min(max(v, math.MinInt16), math.MaxInt16)) }
	least := float64(float64(in.scale) * math.MinInt16)
	step := float64(float64(in.scale) * math.MaxUint16 / 512)
	var t [513]int16
	for i := range 512 {
		x := least + float64(float64(i)*step)
		here := math.Round(value(x))
		between := math.Round((value(x+step) + here) / 2)
		wrong := between - math.Round(value(x+float64(step/2)))
		t[i] = limit(here - math.Round(wrong/2))
	}
	t[512] = limit(math.Round(value(float64(in.scale) * math.MaxInt16)))
	// Where the function has no value, any will do that the slope behind can start from.
	for i := 511; i >= 0; i-- {
		v := real(op, least+float64(float64(i)*step))
		if n := int32(t[i+1]) - math.MaxInt16; (math.IsNaN(v) || math.IsInf(v, 0)) && int32(t[i]) < n {
			t[i] = int16(n)
		}
	}
	return &t, nil
}

// interpolated is the kernel of such a table.
func interpolated(g *graph.Graph, op *graph.Op) (Element, error) {
	t, err := forTable16(g, op)
	if err != nil {
		return nil, err
	}
	return func(x int32) int32 { return Lookup16(t, x) }, nil
}
