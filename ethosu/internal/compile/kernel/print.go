// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

var kindNames = [...]string{Conv: "conv", Depthwise: "depthwise", Pool: "pool", Elementwise: "elementwise"}

// Verb names what the kernel computes.
func (k *Kernel) Verb() string {
	switch k.Kind {
	case Pool:
		if k.Mode == PoolReduceSum {
			return "reduce sum"
		}
		return strings.ToLower(isa.PoolMode(k.Mode).String()) + " pool"
	case Elementwise:
		return strings.ToLower(isa.ElementwiseMode(k.Mode).String())
	}
	return kindNames[k.Kind]
}

// String describes the kernel in one line: what it computes of which maps, and with which
// weights, scales and limits.
func (k *Kernel) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s %q: %s %v", k.Name, k.Source, k.Verb(), k.IFM)
	switch {
	case k.Scalar:
		fmt.Fprintf(&b, ", %d zero %d", k.ScalarValue, k.IFM2.Zero)
	case k.IFM2 != nil:
		fmt.Fprintf(&b, ", %v", k.IFM2)
	}
	if k.Swapped {
		b.WriteString(" swapped")
	}
	if w := k.Weights; w != nil {
		fmt.Fprintf(&b, " by %q %dx%dx%dx%d", w.Name, w.O, w.KH, w.KW, w.I)
	}
	if k.Window != (Window{KH: 1, KW: 1, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1}) {
		fmt.Fprintf(&b, " window %dx%d stride %dx%d dilation %dx%d pad %d,%d,%d,%d", k.KH, k.KW, k.StrideH, k.StrideW, k.DilH, k.DilW, k.PadTop, k.PadLeft, k.PadBottom, k.PadRight)
	}
	fmt.Fprintf(&b, " -> %v", k.OFM)
	if k.OPA != (Scale{}) {
		fmt.Fprintf(&b, " operands %d: %v %d", k.OperandMode, k.OPA, k.OPB)
	}
	if k.Out != (Scale{}) {
		fmt.Fprintf(&b, " scale %v", k.Out)
	}
	switch k.Fn {
	case FnTanh:
		b.WriteString(" tanh")
	case FnSigmoid:
		b.WriteString(" sigmoid")
	case FnTable:
		fmt.Fprintf(&b, " %q[%d:%d]", k.Table.Name, k.Table.From, k.Table.From+len(k.Table.Loaded()))
	}
	fmt.Fprintf(&b, " in %d..%d", k.Lo, k.Hi)
	return b.String()
}

func (s Scale) String() string { return fmt.Sprintf("%d>>%d", s.Mul, s.Shift) }

// String gives type, extents, zero point and place, and the strides where they are not
// those of a dense map.
func (f *Map) String() string {
	s := fmt.Sprintf("%v %dx%dx%d zero %d %q", f.Type, f.H, f.W, f.C, f.Zero, f.Name)
	if f.Buf != nil {
		s += fmt.Sprintf("@%q+%d", f.Buf.Name, f.Off)
	}
	if f.Low != nil {
		s += fmt.Sprintf(" and %q@%q+%d", f.LowName, f.Low.Name, f.LowOff)
	}
	x := f.C * f.Type.Size()
	if f.W > 1 && f.StrideX != x || f.H > 1 && f.StrideY != f.W*x {
		s += fmt.Sprintf(" strides %d,%d", f.StrideY, f.StrideX)
	}
	if f.Bricks() {
		s += " bricks"
	}
	return s
}
