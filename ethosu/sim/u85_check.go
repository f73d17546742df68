// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// checkOperationU85 checks what the registers of a block operation of the U85 say about
// each other.
func checkOperationU85(h *header, o *isa.Operation, k *kernelU85) error {
	for _, c := range []struct {
		name string
		m    *isa.MapU85
		used bool
	}{{"IFM", &k.IFM, !k.passes()}, {"IFM2", &k.IFM2, k.HasIFM2()}, {"OFM", &k.OFM, true}} {
		scalar := c.m.Broadcast == isa.BroadcastScalar
		switch {
		case !c.used:
		case c.m.Storage == isa.Tile3x1:
			return h.fault(Unknown, "%s_PRECISION storage TILE3X1: the order of its tiles is not known", c.name)
		case scalar && c.m.Storage != isa.NoStorage:
			return h.fault(Contradiction, "%s_PRECISION storage %v with %s_BROADCAST 8, expected NONE", c.name, c.m.Storage, c.name)
		case !scalar && c.m.Storage == isa.NoStorage && !(c.m == &k.OFM && k.Acc.Hold):
			return h.fault(Contradiction, "%s_PRECISION storage NONE, expected a place for it", c.name)
		}
	}
	switch acc := k.Acc; {
	case acc.Hold || acc.Input == isa.AccKeep:
		return h.fault(Unknown, "ACC_FORMAT that leaves or keeps accumulators (acc_input %v, acc_output %d): what must be equal in operations that share them is not known", acc.Input, o.Regs.ACCFormatU85().AccOutput)
	case k.passes() && acc.Input != isa.AccIFM2:
		return h.fault(Unknown, "POOL NONE with ACC_FORMAT acc_input %v, expected IFM2: what it reads then is not known", acc.Input)
	case acc.Input == isa.AccIFM2 && !k.passes() && (k.Op != isa.OpConv || k.MatMul):
		return h.fault(Unknown, "ACC_FORMAT acc_input IFM2 with %s: only CONV and POOL NONE are known", h.name)
	case k.scalarFirst() && k.scalarSecond():
		return h.fault(Contradiction, "IFM_BROADCAST and IFM2_BROADCAST both name the scalar")
	case k.scalarFirst() && k.Unary():
		return h.fault(Unknown, "%s of the scalar alone", h.name)
	}
	// A chained IFM2 leaves the register as it was: it has no depth to share.
	if depth := o.Regs.IFMDepthM1() + 1; k.Op == isa.OpElementwise && k.IFM.InMemory() && !chained(k.two) && depth != k.OFM.C && depth != k.IFM.C {
		return h.fault(Contradiction, "IFM depth %d with %s, expected the OFM's %d", depth, h.name, k.OFM.C)
	}
	if k.Op != isa.OpElementwise && !k.passes() {
		if err := checkInputU85(h, o, k); err != nil {
			return err
		}
	}
	return checkTypesU85(h, k)
}

// checkInputU85 checks the window against the input.
func checkInputU85(h *header, o *isa.Operation, k *kernelU85) error {
	if k.Op != isa.OpResize {
		if err := checkWindow(h, o); err != nil {
			return err
		}
	}
	reduces := k.Op == isa.OpPool && k.Pool == isa.PoolReduceSum
	switch {
	case reduces && k.OFM.C != 1:
		return h.fault(Contradiction, "REDUCE_SUM with OFM depth %d, expected 1", k.OFM.C)
	case !reduces && k.Op != isa.OpConv && k.IFM.C != k.OFM.C:
		return h.fault(Contradiction, "IFM depth %d differs from OFM depth %d", k.IFM.C, k.OFM.C)
	case chained(k.one) || chained(k.two):
		return h.fault(Contradiction, "an input of %s in a chaining buffer: only ELEMENTWISE reads them", h.name)
	}
	return nil
}

// checkTypesU85 enforces the data types of each operation.
func checkTypesU85(h *header, k *kernelU85) error {
	in, two, out := k.IFM.Type, k.IFM2.Type, k.OFM.Type
	bits := func(t isa.DType) int { return t.Bits }
	if k.passes() {
		in = two
	}
	if !k.HasIFM2() {
		two = in
	}
	for _, t := range []isa.DType{in, two, out} {
		switch {
		case t.Bits >= 32 && !t.Signed:
			return h.fault(Unknown, "unsigned feature maps of %d bits: IFM %v, IFM2 %v, OFM %v", t.Bits, in, two, out)
		case t.Bits == 64 && !k.passes() && (t != two || k.Acc.Input != isa.AccIFM2):
			return h.fault(Unknown, "%s with 64 bits: IFM %v, IFM2 %v, OFM %v", h.name, in, two, out)
		}
	}
	if bits(in) >= 32 && !k.passes() && k.IFM.ZeroPoint != 0 {
		return h.fault(Contradiction, "IFM_ZERO_POINT %d with type %v, expected 0", k.IFM.ZeroPoint, in)
	}
	if bits(two) >= 32 && k.HasIFM2() && k.IFM2.ZeroPoint != 0 {
		return h.fault(Contradiction, "IFM2_ZERO_POINT %d with type %v, expected 0", k.IFM2.ZeroPoint, two)
	}
	needs := func(ok bool, want string) error {
		if ok {
			return nil
		}
		return h.fault(Contradiction, "IFM type %v and IFM2 type %v with OFM type %v, expected %s", in, two, out, want)
	}
	switch {
	case k.Acc.Input == isa.AccIFM2:
		want := 32
		if k.Acc.Format == isa.AccI48 {
			want = 64
		}
		return needs(bits(two) == want && (k.passes() || bits(in) <= 16), "an IFM2 as wide as the accumulators, and an IFM of 8 or 16 bits")
	case k.HasIFM2():
		if err := needs(in == two, "two inputs alike"); err != nil {
			return err
		}
	}
	switch {
	case k.HasWeights() || k.MatMul:
		return needs(bits(in) <= 16, "an IFM of 8 or 16 bits")
	case k.Op == isa.OpPool:
		switch k.Pool {
		case isa.PoolMax, isa.PoolMin, isa.PoolReduceSum:
			return nil
		case isa.PoolArgmaxX, isa.PoolArgmaxY:
			return needs(bits(in) <= 16 && bits(out) == 32, "an IFM of 8 or 16 bits and an OFM of 32")
		}
		return needs(bits(in) <= 16, "an IFM of 8 or 16 bits")
	case k.Op != isa.OpElementwise:
		return nil
	}
	switch k.Elem {
	case isa.ElemCLZ, isa.ElemSHL:
		return needs(bits(in) == 32 && bits(out) == 32, "S32 to S32")
	case isa.ElemSHR:
		return needs(bits(in) == 32, "an IFM of S32")
	}
	return nil
}
