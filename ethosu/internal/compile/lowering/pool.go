// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"
	"math/bits"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { lowerers.Set(lowerAveragePool, graph.AveragePool2D) }

// lowerAveragePool lowers AVERAGE_POOL_2D, which divides by the number of elements that
// lie inside the image: one kernel for all windows of one size.
func lowerAveragePool(l *lowering, gop *graph.Op) error {
	a := gop.Attr.(graph.Pool2DAttr)
	ot := l.g.Tensors[gop.Outputs[0]]
	lo, hi, err := quant.ClampRange(a.Activation, ot.Type, ot.Scale(), ot.ZeroPoint())
	if err != nil {
		return err
	}
	p := kernel.Kernel{Kind: kernel.Pool, Mode: kernel.PoolAverage, Output: kernel.Output{Lo: int(lo), Hi: int(hi)}, Rescale: kernel.Rescale{Global: true}}
	if l.opt.U85 {
		p.Round = kernel.RoundNatural
	}
	return l.pool(gop, p, func(n int) (kernel.Scale, error) {
		if l.opt.U85 {
			return averageScale85(n, ot.Type)
		}
		return averageScale(n, ot.Type)
	})
}

// part is a run of outputs along one dimension whose windows, cut to the image, have
// one size.
type part struct {
	out, n     int // first output and number of outputs
	in, kernel int // first input of the first window, and its size
	stride     int
}

// partsOf divides the outputs of a window by the size of what lies inside the image.
// Strides that the NPU does not have leave single outputs.
func partsOf(w graph.Window) []part {
	var list []part
	for o := range w.Out {
		at := o*w.Stride - w.PadBefore
		from, to := max(at, 0), min(at+w.Kernel, w.In)
		if n := len(list); n > 0 && w.Stride <= 3 {
			last := &list[n-1]
			if last.kernel == to-from && from == last.in+last.n*w.Stride {
				last.n++
				continue
			}
		}
		list = append(list, part{o, 1, from, to - from, w.Stride})
	}
	for i := range list {
		if list[i].n == 1 {
			list[i].stride = 1
		}
	}
	return list
}

// pool emits a pooling operator as kernels without padding. scaleOf gives the scale of
// a sum of n elements.
func (l *lowering) pool(gop *graph.Op, p kernel.Kernel, scaleOf func(n int) (kernel.Scale, error)) error {
	h, w, err := l.g.Windows(gop)
	if err != nil {
		return err
	}
	v, err := l.pixels(gop.Inputs[0])
	if err != nil {
		return err
	}
	rows, cols := partsOf(h), partsOf(w)
	if n := len(rows) * len(cols) * v.shape[0]; n > mostCopies {
		return fmt.Errorf("stride %dx%d: needs %d kernels, since the NPU has strides 1 to 3, more than %d; use a smaller stride", h.Stride, w.Stride, n, mostCopies)
	}
	return l.into(gop.Outputs[0], func(out view) error {
		for b := range v.shape[0] {
			for _, r := range rows {
				for _, c := range cols {
					o := p
					if r.kernel > 256 || r.kernel*c.kernel > 65536 {
						return fmt.Errorf("filter of %dx%d: the NPU has up to 256 rows and 65536 elements", r.kernel, c.kernel)
					}
					if o.Out, err = scaleOf(r.kernel * c.kernel); err != nil {
						return err
					}
					o.Window = kernel.Window{KH: r.kernel, KW: c.kernel, StrideH: r.stride, StrideW: c.stride, DilH: 1, DilW: 1}
					from := v.cut(0, b, 1, 1).cut(1, r.in, (r.n-1)*r.stride+r.kernel, 1).cut(2, c.in, (c.n-1)*c.stride+c.kernel, 1)
					to := out.cut(0, b, 1, 1).cut(1, r.out, r.n, 1).cut(2, c.out, c.n, 1)
					o.IFM, o.OFM = imageMap(from, 0), imageMap(to, 0)
					l.emit(&o)
				}
			}
		}
		return nil
	})
}

// pixels returns an image whose channels lie side by side.
func (l *lowering) pixels(id graph.TensorID) (view, error) {
	v, err := l.in(id)
	if err != nil {
		return v, err
	}
	if n := len(v.shape) - 1; v.shape[n] > 1 && v.strides[n] != v.dt.Size() {
		return l.dense(v)
	}
	return v, nil
}

// into lets f write tensor id: to its place where channels lie side by side there, else
// beside it, with a copy.
func (l *lowering) into(id graph.TensorID, f func(out view) error) error {
	final := l.out(id)
	out := final
	if n := len(out.shape) - 1; out.shape[n] > 1 && out.strides[n] != out.dt.Size() {
		out = l.fresh(out.name+"/dense", out.dt, out.shape)
	}
	if err := f(out); err != nil || out.buf == final.buf {
		return err
	}
	return l.copyView("COPY to place", out, final)
}

// averageScale is 1/n for a sum of n elements, rounded half away from zero as the kernel
// does: the product's second rounding, towards where the sum lies, decides the ties. It
// is checked at every tie that a sum can reach.
func averageScale(n int, t graph.DType) (kernel.Scale, error) {
	k := bits.Len(uint(n - 1))
	s := kernel.Scale{Mul: uint32((1<<(31+k) + 1<<k) / n), Shift: 31 + k}
	most := 128
	if t == graph.Int16 {
		most = 32768
	}
	if n > 1<<30/most {
		return s, fmt.Errorf("average of %d elements, expected at most %d, so that the sum fits", n, 1<<30/most)
	}
	scaled := func(v int) int {
		r := 1 << (s.Shift - 1)
		switch {
		case s.Shift <= 31:
		case v >= 0:
			r += 1 << 30
		default:
			r -= 1 << 30
		}
		return (v*int(s.Mul) + r) >> s.Shift
	}
	return s, checkAverage(n, most, scaled)
}

// averageScale85 is averageScale with the 31 bits that the scales of the Ethos-U85 have:
// rounded once, of a scale that is as much too large as decides the ties.
func averageScale85(n int, t graph.DType) (kernel.Scale, error) {
	k := bits.Len(uint(n - 1))
	s := kernel.Scale{Mul: uint32((1<<(30+k) + 1<<k + n - 1) / n), Shift: 30 + k}
	if n == 1 {
		s = kernel.Scale{Mul: 1}
	}
	most := 128
	if t == graph.Int16 {
		most = 32768
	}
	if n > 1<<30/most {
		return s, fmt.Errorf("average of %d elements, expected at most %d, so that the sum fits", n, 1<<30/most)
	}
	return s, checkAverage(n, most, func(v int) int {
		if s.Shift == 0 {
			return v
		}
		return (v*int(s.Mul) + 1<<(s.Shift-1)) >> s.Shift
	})
}

// checkAverage compares a scale with the rounding of the kernel at every tie that a sum of
// n elements can reach.
func checkAverage(n, most int, scaled func(int) int) error {
	for q := range most {
		// The sums around the boundary between results q and q+1.
		up := (2*q*n + n + 1) / 2
		for _, c := range [][2]int{{up, q + 1}, {up - 1, q}, {-up, -q - 1}, {1 - up, -q}} {
			if scaled(c[0]) != c[1] {
				return fmt.Errorf("the NPU's average of %d elements is not the kernel's for a sum of %d; use fewer elements", n, c[0])
			}
		}
	}
	return nil
}
