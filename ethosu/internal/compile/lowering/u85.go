// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"encoding/binary"
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// The data path of the Ethos-U85 differs in what an operator's kernels have to know:
// accumulators have 48 bits with scales of 15, or 32 bits; tanh and sigmoid are tables;
// and a value of 32 bits may be a scalar.

// adapt changes the kernels from the given one on to what the accelerator has.
func (l *lowering) adapt(from int) error {
	if !l.opt.U85 {
		return nil
	}
	list := l.m.Kernels[from:]
	l.m.Kernels = l.m.Kernels[:from:from]
	for _, k := range list {
		if err := symmetric(k); err != nil {
			return err
		}
		if err := accumulate(k); err != nil {
			return err
		}
		scalar(k)
		if t := k.Table; t != nil && t.To != 0 { // nobody says that the rest of a table is not read
			k.Table = l.keepTable(&kernel.Table{Name: t.Name, Data: t.Data})
		}
		l.m.Kernels = append(l.m.Kernels, k)
		if clip := l.function(k); clip != nil {
			l.m.Kernels = append(l.m.Kernels, clip)
		}
	}
	return nil
}

// symmetric refuses zero points of 16 bits, which the older NPUs have.
func symmetric(k *kernel.Kernel) error {
	for _, f := range []*kernel.Map{k.IFM, k.IFM2, k.OFM} {
		if f != nil && f.Type.Size() == 2 && f.Zero != 0 {
			return fmt.Errorf("%q of int16 has zero point %d, which the Ethos-U85 cannot have: quantize it symmetrically", f.Name, f.Zero)
		}
	}
	return nil
}

// function gives a kernel with a function its table. Limits come in front of a table, not
// behind it: where the result has some, it returns a kernel of its own for them.
func (l *lowering) function(k *kernel.Kernel) *kernel.Kernel {
	switch k.Fn {
	case kernel.FnTanh:
		k.Table = l.tableOf("tanh", quant.TanhEntries())
	case kernel.FnSigmoid:
		k.Table = l.tableOf("sigmoid", quant.SigmoidEntries())
	default:
		return nil
	}
	lo, hi := kernel.TypeRange(k.OFM.Type)
	if k.Lo <= lo && k.Hi >= hi {
		return nil
	}
	free := *k.OFM
	free.Buf = &kernel.Buffer{Name: k.OFM.Name + "/free", Size: kernel.Align(k.OFM.Elems() * k.OFM.Type.Size())}
	free.Off, free.Name = 0, free.Buf.Name
	free.StrideX = free.C * free.Type.Size()
	free.StrideY = free.W * free.StrideX
	clip := &kernel.Kernel{Kind: kernel.Elementwise, Mode: kernel.Mul, Name: k.Name + " limits", Source: k.Source, Step: k.Step,
		IFM: &free, OFM: k.OFM, IFM2: &kernel.Map{Type: k.OFM.Type, H: 1, W: 1, C: 1, Name: "constant 1"}, Scalar: true, ScalarValue: 1,
		Window: k.Window, Rescale: kernel.Rescale{Global: true, Out: unscaled}, Output: kernel.Output{Lo: k.Lo, Hi: k.Hi}}
	out := free
	k.OFM, k.Lo, k.Hi = &out, lo, hi
	return clip
}

// accumulate chooses the accumulators of a kernel with weights: 48 bits where all its
// scales have 15, else 32, in which the sums must fit.
func accumulate(k *kernel.Kernel) error {
	if k.Weights == nil {
		return nil
	}
	short := true
	for i := range k.Records {
		r := &k.Records[i]
		if r.Scale >= 1<<31 {
			return fmt.Errorf("output channel %d: a scale of %d has more than the 31 bits of the NPU", i, r.Scale)
		}
		short = short && r.Scale < 1<<15
	}
	if k.Acc40 && short {
		return nil
	}
	k.Acc40 = false
	most := int64(255)
	if k.IFM.Bits() == 16 {
		most = 1 << 15 // they have no zero point
	}
	each := len(k.Weights.Values) / k.Weights.O
	for c := range k.Weights.O {
		sum := int64(0)
		for _, b := range k.Weights.Values[c*each : (c+1)*each] {
			sum += max(int64(int8(b)), -int64(int8(b)))
		}
		bias := max(k.Records[c].Bias, -k.Records[c].Bias)
		if bias+sum*most >= 1<<31 {
			return fmt.Errorf("output channel %d: a bias of %d and products of up to %d in all need more than the 32 bits of the accumulator with a scale of %d; use smaller weights, or int8 inputs", c, k.Records[c].Bias, sum*most, k.Records[c].Scale)
		}
	}
	return nil
}

// scalar makes a scalar of a constant of one element.
func scalar(k *kernel.Kernel) {
	if k.Kind != kernel.Elementwise || k.IFM2 == nil || k.Scalar {
		return
	}
	value := func(f *kernel.Map) (int, bool) {
		if !f.Buf.Constant() || f.Elems() != 1 || f.Low != nil {
			return 0, false
		}
		b := f.Buf.Data[f.Off:]
		switch f.Type {
		case graph.Int8:
			return int(int8(b[0])), true
		case graph.Int16:
			return int(int16(binary.LittleEndian.Uint16(b))), true
		case graph.Int32:
			return int(int32(binary.LittleEndian.Uint32(b))), true
		}
		return 0, false
	}
	v, ok := value(k.IFM2)
	if !ok {
		if v, ok = value(k.IFM); !ok {
			return
		}
		k.IFM, k.IFM2, k.Swapped = k.IFM2, k.IFM, !k.Swapped
	}
	k.Scalar, k.ScalarValue = true, v
	one := *k.IFM2
	one.Buf = nil
	k.IFM2 = &one
}

// partKernelFirst85 is the rule for the weight order of a convolution: part kernel first
// where less of it is padding. With inputs of 16 bits nobody has run that order.
func partKernelFirst85(depth, k, ifmBits int) bool {
	up := func(n, m int) int { return (n + m - 1) / m * m }
	padded := k/5*5 + max(k%5, 2)
	return ifmBits == 8 && k*up(depth, 64) >= padded*up(depth, 16)
}
