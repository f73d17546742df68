// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() { lowerers.Set(lowerTransposeConv, graph.TransposeConv) }

// phase is one dimension of a transposed convolution for the outputs at, at+stride, …:
// a convolution of its own, with every stride-th row of the kernel.
type phase struct {
	at, n int // first output and number of outputs
	taps  []int
	in    int // input that the first tap of the first output reads, maybe outside
}

// phasesOf divides a dimension of size w.In (the output) into its phases. Outputs that no
// input reaches, since the output is longer than windows go, are phases without weights.
func phasesOf(w graph.Window, in int) []phase {
	var list []phase
	for r := range min(w.Stride, w.In) {
		p := phase{at: r, n: (w.In - r + w.Stride - 1) / w.Stride}
		// Output r + stride*t takes kernel row k from input t + (r + pad - k)/stride.
		for k := w.Kernel - 1; k >= 0; k-- {
			if (r+w.PadBefore-k)%w.Stride == 0 {
				if p.taps == nil {
					p.in = (r + w.PadBefore - k) / w.Stride
				}
				p.taps = append(p.taps, k)
			}
		}
		from, to := min(max(1-len(p.taps)-p.in, 0), p.n), max(min(in-p.in, p.n), 0)
		if len(p.taps) == 0 || from > to {
			from, to = p.n, p.n
		}
		list = p.bare(list, w.Stride, in, 0, from)
		if to > from {
			list = append(list, phase{at: r + from*w.Stride, n: to - from, taps: p.taps, in: p.in + from})
		}
		list = p.bare(list, w.Stride, in, to, p.n)
	}
	return list
}

// bare appends outputs of a phase that have a bias alone, so many at once as there are inputs
// for weights of 0.
func (p phase) bare(list []phase, stride, in, from, to int) []phase {
	for ; from < to; from += in {
		list = append(list, phase{at: p.at + from*stride, n: min(in, to-from)})
	}
	return list
}

// lowerTransposeConv lowers TRANSPOSE_CONV to an ordinary convolution for each phase of
// the stride, which writes every stride-th pixel.
func lowerTransposeConv(l *lowering, gop *graph.Op) error {
	q, err := quant.ForMAC(l.g, gop)
	if err != nil {
		return err
	}
	h, w, err := l.g.TransposeWindows(gop)
	if err != nil {
		return err
	}
	wt := l.g.Tensors[gop.Inputs[1]]
	if !wt.IsConst() {
		return fmt.Errorf("weights %q are not constant; the NPU needs them compressed at compile time", wt.Name)
	}
	bias := graph.None
	if len(gop.Inputs) > 3 {
		bias = gop.Inputs[3]
	}
	records, err := l.recordsOf(q, bias)
	if err != nil {
		return err
	}
	v, err := l.pixels(gop.Inputs[2])
	if err != nil {
		return err
	}
	o, c := wt.Shape[0], wt.Shape[3]
	return l.into(gop.Outputs[0], func(out view) error {
		for _, r := range phasesOf(h, v.shape[1]) {
			for _, s := range phasesOf(w, v.shape[2]) {
				p := kernel.Kernel{Kind: kernel.Conv, Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}, Acc40: v.dt == graph.Int16, Records: records}
				if q.Reduced {
					p.Round = kernel.RoundNatural
				}
				r, s, data := tapsOf(wt, r, s)
				p.Window = kernel.Window{KH: len(r.taps), KW: len(s.taps), StrideH: 1, StrideW: 1, DilH: 1, DilW: 1}
				name := fmt.Sprintf("%s/%d,%d", wt.Name, r.at, s.at)
				if p.Weights, err = l.m.Weights.Of(name, data, o, p.KH, p.KW, c, false); err != nil {
					return err
				}
				p.PartKernel = l.partKernelFirst(c, p.KH*p.KW, v.dt.Size()*8)
				to := out.cut(1, r.at, r.n, h.Stride).cut(2, s.at, s.n, w.Stride)
				if err := l.slide(p, v, to, r.in, s.in, int(q.In), int(q.Out)); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// tapsOf returns the weights of two phases in OHWI order. A phase without weights gets one of
// 0, which leaves the bias.
func tapsOf(wt *graph.Tensor, r, s phase) (phase, phase, []byte) {
	zero := len(r.taps) == 0 || len(s.taps) == 0
	for _, p := range []*phase{&r, &s} {
		if len(p.taps) == 0 {
			p.taps = []int{0}
		}
	}
	kh, kw, c := wt.Shape[1], wt.Shape[2], wt.Shape[3]
	var data []byte
	for o := range wt.Shape[0] {
		for _, y := range r.taps {
			for _, x := range s.taps {
				at := ((o*kh+y)*kw + x) * c
				data = append(data, wt.Data[at:at+c]...)
			}
		}
	}
	if zero {
		clear(data)
	}
	return r, s, data
}

// slide emits a convolution with stride 1 whose first window begins at input row y and
// column x; what lies outside the input is padding.
func (l *lowering) slide(p kernel.Kernel, v, out view, y, x, zpIn, zpOut int) error {
	fit := func(in, first, n, k int) (from, size, before, after int, err error) {
		before, after = max(-first, 0), max(first+n-1+k-in, 0)
		from, size = max(first, 0), min(first+n-1+k, in)-max(first, 0)
		if before >= k || after >= k || size < 1 {
			err = fmt.Errorf("windows of %d from %d on lie outside an input of %d", k, first, in)
		}
		return
	}
	top, height, before, after, err := fit(v.shape[1], y, out.shape[1], p.KH)
	if err != nil {
		return err
	}
	p.PadTop, p.PadBottom = before, after
	left, width, before, after, err := fit(v.shape[2], x, out.shape[2], p.KW)
	if err != nil {
		return err
	}
	p.PadLeft, p.PadRight = before, after
	for n := range v.shape[0] {
		o := p
		o.IFM = imageMap(v.cut(0, n, 1, 1).cut(1, top, height, 1).cut(2, left, width, 1), zpIn)
		o.OFM = imageMap(out.cut(0, n, 1, 1), zpOut)
		l.emit(&o)
	}
	return nil
}
