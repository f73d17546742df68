// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"math/bits"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// elemU85 is one elementwise operation of a chain, with the table that it looks up.
type elemU85 struct {
	isa.KernelU85
	table []byte
}

// TestElementwiseU85 compares chains of one to four operations of every mode, type,
// layout, broadcast, scalar, table and rounding with the formulas, written out once more
// in unbounded integers. Memory outside the output must stay as it was.
func TestElementwiseU85(t *testing.T) {
	rng := rand.New(rand.NewPCG(31, 32))
	for i := range 800 {
		accels := everyU85(t)
		accel := accels[rng.IntN(len(accels))]
		ops := randomChain(rng, accel)
		name := fmt.Sprintf("%d %s", i, accel.Name)
		for _, e := range ops {
			name += fmt.Sprintf(", %v %v to %v, function %v, broadcasts %d %d, transpose %v", e.Elem, e.IFM.Type, e.OFM.Type, e.Activation.Function, e.IFM.Broadcast, e.IFM2.Broadcast, e.Transpose)
		}
		runChain(t, rng, accel, ops, name)
		if t.Failed() {
			return
		}
	}
}

var modesU85 = []isa.ElementwiseMode{isa.ElemMul, isa.ElemAdd, isa.ElemAdd, isa.ElemSub, isa.ElemSub, isa.ElemMin, isa.ElemMax, isa.ElemLRelu, isa.ElemAbs,
	isa.ElemCLZ, isa.ElemSHR, isa.ElemSHL, isa.ElemAnd, isa.ElemOr, isa.ElemXor, isa.ElemNot, isa.ElemAndNot}

func randomChain(rng *rand.Rand, accel *ethosu.Accelerator) []*elemU85 {
	n := 1
	if rng.IntN(2) == 0 {
		n += 1 + rng.IntN(3)
	}
	h, w, c := 1+rng.IntN(4), 1+rng.IntN(4), 1+rng.IntN(40)
	block := accel.U85.MicroBlocks[rng.IntN(len(accel.U85.MicroBlocks))]
	micro, _ := isa.MicroblockOf(block.H, block.W)
	var ops []*elemU85
	maps := 0
	for i := range n {
		e := &elemU85{}
		e.Op, e.Global, e.Acc.Micro = isa.OpElementwise, true, micro
		e.H, e.W, e.D = block.H, 16, 48
		e.OFM.FeatureMap = isa.FeatureMap{H: h, W: w, C: c}
		e.Window = isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
		e.random(rng, ops, n-1-i, &maps)
		ops = append(ops, e)
	}
	return ops
}

// random fills an operation behind those of ops, with left more behind it.
func (e *elemU85) random(rng *rand.Rand, ops []*elemU85, left int, maps *int) {
	s32 := isa.DType{Signed: true, Bits: 32}
	all := append([]isa.DType{s32}, types8and16...)
	e.Elem = modesU85[rng.IntN(len(modesU85))]
	e.IFM.Type = all[rng.IntN(len(all))]
	e.OFM.Type = all[rng.IntN(len(all))]
	from := -1 // the input that is chained
	if len(ops) > 0 {
		from = rng.IntN(2)
		e.IFM.Type = ops[len(ops)-1].OFM.Type
	}
	if e.IFM.Type != s32 && (e.Elem == isa.ElemCLZ || e.Elem == isa.ElemSHR || e.Elem == isa.ElemSHL) {
		e.Elem = isa.ElemMax
	}
	if e.Elem == isa.ElemCLZ || e.Elem == isa.ElemSHL {
		e.OFM.Type = s32
	}
	e.IFM2.Type = e.IFM.Type
	unary := e.Unary()
	if unary && from == 1 {
		from = 0
	}
	for i, m := range []*isa.MapU85{&e.IFM, &e.IFM2} {
		if e.IFM.Type.Bits < 32 && !e.logic() {
			m.ZeroPoint = int32(rng.IntN(256)) - 128*int32(flag(m.Type.Signed))
		}
		m.Format = isa.Format(rng.IntN(2))
		switch {
		case from == i:
			m.Storage, m.Buffer, m.Format = isa.Chained, ops[len(ops)-1].OFM.Buffer, isa.NHCWB16
		case i == 1 && unary:
			m.Storage = isa.NoStorage
		case !unary && (*maps == maxChainInputs || rng.IntN(4) == 0) && (i == 0 || e.IFM.Broadcast != isa.BroadcastScalar):
			m.Broadcast, m.Storage = isa.BroadcastScalar, isa.NoStorage
		default:
			*maps++
			for _, axis := range []isa.BroadcastU85{isa.BroadcastH, isa.BroadcastW, isa.BroadcastC} {
				if !unary && rng.IntN(5) == 0 {
					m.Broadcast |= axis
				}
			}
		}
	}
	e.scalesOf(rng)
	e.activationOf(rng)
	if left > 0 {
		e.OFM.Storage, e.OFM.Buffer, e.OFM.Format = isa.Chained, (len(ops)+3)%8, isa.NHCWB16
		return
	}
	e.OFM.Format = isa.Format(rng.IntN(2))
	if len(ops) == 0 {
		e.Transpose = []isa.Transpose{isa.TransposeHWC, isa.TransposeHWC, isa.TransposeHCW, isa.TransposeCHW}[rng.IntN(4)]
	}
}

// logic reports the modes that work on bits, which need zero points of 0.
func (e *elemU85) logic() bool { return e.Elem >= isa.ElemAnd }

func (e *elemU85) scalesOf(rng *rand.Rand) {
	width := e.IFM.Type.Bits
	e.OFMScale, e.IFMScale, e.IFM2Scale = unitScale, unitScale, unitScale
	e.OFMScale.Round = isa.RoundModeU85(rng.IntN(6))
	d := 20
	if width > 8 {
		d = 15
	}
	input := func() isa.ScaleU85 {
		s := isa.ScaleU85{Value: 1<<30 + rng.Uint32()>>2, Shift: 11 + rng.IntN(20), Double: d, Round: isa.RoundModeU85(rng.IntN(2))}
		if rng.IntN(3) == 0 {
			s.Value, s.Shift = 1<<30, 31-d
		}
		return s
	}
	switch e.Elem {
	case isa.ElemLRelu:
		if width < 32 {
			e.IFMScale, e.IFM2Scale = input(), input()
			e.IFMScale.Shift, e.IFM2Scale.Shift = 20+rng.IntN(20), 20+rng.IntN(20)
		}
	case isa.ElemAdd, isa.ElemSub:
		if width < 32 {
			e.IFMScale, e.IFM2Scale = input(), input()
		}
		fallthrough
	case isa.ElemMul, isa.ElemAbs:
		e.OFMScale.Value, e.OFMScale.Shift = 1<<30+rng.Uint32()>>2, 31+rng.IntN(25)
		if width == 32 {
			e.OFMScale.Shift = rng.IntN(40)
		}
	}
}

// activationOf picks a clamp and a table that the types allow.
func (e *elemU85) activationOf(rng *rand.Rand) {
	t := e.OFM.Type
	if t.Bits < 32 {
		e.OFM.ZeroPoint = int32(rng.IntN(256)) - 128*int32(flag(t.Signed))
	}
	lo, hi := limits16(t)
	a := &e.Activation
	a.Clip = t.Bits < 32
	if a.Clip && rng.IntN(2) == 0 {
		lo, hi = lo/2+1, hi/3
	}
	if rng.IntN(3) == 0 {
		var fits []isa.FunctionU85
		for _, f := range []isa.FunctionU85{isa.FuncU8ToU8, isa.FuncS8ToS8, isa.FuncS8ToS16, isa.FuncS8ToS32, isa.FuncS16ToS16, isa.FuncTanh, isa.FuncSigmoid} {
			if _, out := f.Types(); out == t {
				fits = append(fits, f)
			}
		}
		if len(fits) > 0 {
			e.tableOf(rng, fits[rng.IntN(len(fits))])
			in, _ := a.Function.Types()
			lo, hi = limits16(in)
			if rng.IntN(2) == 0 {
				lo, hi = lo/2+1, hi/3
			}
		}
	}
	a.Min, a.Max = uint16(lo), uint16(hi)
}

func (e *elemU85) tableOf(rng *rand.Rand, f isa.FunctionU85) {
	a := &e.Activation
	a.Function, a.Clip = f, true
	a.Table = rng.IntN(2048 / f.TableBytes())
	e.table = make([]byte, f.TableBytes())
	switch f {
	case isa.FuncTanh, isa.FuncSigmoid:
		e.OFM.ZeroPoint = 0
		copy(e.table, curveBySpec(f == isa.FuncSigmoid))
	case isa.FuncS16ToS16: // bases and slopes that stay within 16 bits
		for i := 0; i < len(e.table); i += 4 {
			binary.LittleEndian.PutUint16(e.table[i:], uint16(int16(rng.IntN(40000)-20000)))
			binary.LittleEndian.PutUint16(e.table[i+2:], uint16(int16(rng.IntN(2000)-1000)))
		}
	default:
		for i := range e.table {
			e.table[i] = byte(rng.Uint32())
		}
	}
}

// curveBySpec is the table of tanh or sigmoid, entry by entry as the specification has
// it: T mirrored to negative values.
func curveBySpec(isSigmoid bool) []byte {
	out := make([]byte, 2048)
	for i := -256; i < 256; i++ {
		var base, next int64
		if i >= 0 {
			base, next = sigmoid[i]-32768, sigmoid[min(i+1, 255)]-32768
		} else {
			j := min(-i, 255)
			base, next = 32768-sigmoid[j], 32768-sigmoid[j-1]
			if i == -256 && !isSigmoid {
				next = base
			}
		}
		binary.LittleEndian.PutUint16(out[4*(i+256):], uint16(base))
		binary.LittleEndian.PutUint16(out[4*(i+256)+2:], uint16(max(next-base, 0)))
	}
	return out
}

// value computes one element from two stored ones, before zero point and clamp; ok is
// false where the result is not known.
func (e *elemU85) value(first, second int64) (v *big.Int, ok bool) {
	a, b := first-int64(e.IFM.ZeroPoint), second-int64(e.IFM2.ZeroPoint)
	x, y := big.NewInt(a), big.NewInt(b)
	out := e.OFMScale
	wide := e.IFM.Type.Bits == 32
	if wide {
		out.Value = 1
	}
	switch e.Elem {
	case isa.ElemMul:
		return scaleBig(x.Mul(x, y), out), true
	case isa.ElemAdd, isa.ElemSub:
		if !wide {
			x, y = scaleBig(x, e.IFMScale), scaleBig(y, e.IFM2Scale)
		}
		if e.Elem == isa.ElemSub {
			y = y.Neg(y)
		}
		return scaleBig(x.Add(x, y), out), true
	case isa.ElemMin:
		return big.NewInt(min(a, b)), true
	case isa.ElemMax:
		return big.NewInt(max(a, b)), true
	case isa.ElemLRelu:
		if a < 0 {
			return scaleBig(x, e.IFM2Scale), true
		}
		return scaleBig(x, e.IFMScale), true
	case isa.ElemAbs:
		return scaleBig(x.Abs(x), out), true
	case isa.ElemCLZ:
		return big.NewInt(int64(32 - bits.Len32(uint32(a)))), true
	case isa.ElemSHR:
		return scaleBig(x, isa.ScaleU85{Value: 1, Shift: int(b & 31), Round: e.OFMScale.Round}), b >= 0 && b <= 31
	case isa.ElemSHL:
		x.Lsh(x, uint(b&31))
		return x, b >= 0 && b <= 31 && x.IsInt64() && x.Int64() == int64(int32(x.Int64()))
	}
	var r int64
	for bit := range uint(33) { // and sign
		p, q := a>>bit&1 == 1, b>>bit&1 == 1
		set := map[isa.ElementwiseMode]bool{isa.ElemAnd: p && q, isa.ElemOr: p || q, isa.ElemXor: p != q, isa.ElemNot: !p, isa.ElemAndNot: p && !q}[e.Elem]
		r |= int64(flag(set)) << bit
	}
	return big.NewInt(r << 31 >> 31), true
}

// finish takes a value through zero point, clamp and table; ok is false where the
// result is not known.
func (e *elemU85) finish(v *big.Int) (int64, bool) {
	a := &e.Activation
	f := a.Function
	index := e.OFM.Type
	if f != isa.FuncNone {
		index, _ = f.Types()
	}
	lo, hi := index.Limits()
	if !v.IsInt64() {
		v = big.NewInt(int64(v.Sign()) << 62)
	}
	x := v.Int64()
	if f == isa.FuncTanh {
		x = tanhCore(min(max(x, -1<<40), 1<<40))
	} else if f == isa.FuncSigmoid {
		x = sigmoidCore(min(max(x, -1<<40), 1<<40))
	}
	if x += int64(e.OFM.ZeroPoint); !a.Clip {
		return x, x >= lo && x <= hi
	}
	x = min(max(x, max(lo, int64(index.Extend(a.Min)))), min(hi, int64(index.Extend(a.Max))))
	switch f {
	case isa.FuncU8ToU8:
		return int64(e.table[x]), true
	case isa.FuncS8ToS8:
		return int64(int8(e.table[x+128])), true
	case isa.FuncS8ToS16:
		return int64(int16(binary.LittleEndian.Uint16(e.table[2*(x+128):]))), true
	case isa.FuncS8ToS32:
		return int64(int32(binary.LittleEndian.Uint32(e.table[4*(x+128):]))), true
	case isa.FuncS16ToS16:
		i, o := (x+32768)/128, (x+32768)%128
		base, slope := int64(int16(binary.LittleEndian.Uint16(e.table[4*i:]))), int64(int16(binary.LittleEndian.Uint16(e.table[4*i+2:])))
		return base + (slope*o+64)>>7, true
	}
	return x, true
}
