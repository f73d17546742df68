// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

// Convolutions in forms that the NPU does not have, as ones that it has.

// spread makes of dilations above 2 a larger kernel with zeros between its rows and
// columns.
func (l *lowering) spread(p *kernel.Kernel) error {
	if p.DilH <= 2 && p.DilW <= 2 {
		return nil
	}
	w := p.Weights
	kh, kw := (w.KH-1)*p.DilH+1, (w.KW-1)*p.DilW+1
	data := make([]byte, w.O*kh*kw*w.I)
	for o := range w.O {
		for y := range w.KH {
			for x := range w.KW {
				at, to := ((o*w.KH+y)*w.KW+x)*w.I, ((o*kh+y*p.DilH)*kw+x*p.DilW)*w.I
				copy(data[to:to+w.I], w.Values[at:])
			}
		}
	}
	var err error
	p.Weights, err = l.m.Weights.Of(w.Name+"/spread", data, w.O, kh, kw, w.I, w.Depthwise)
	p.KH, p.KW, p.DilH, p.DilW = kh, kw, 1, 1
	return err
}

// repeated returns a new tensor with every channel of an image n times side by side.
func (l *lowering) repeated(id graph.TensorID, n int) (view, error) {
	v, err := l.in(id)
	if err != nil {
		return v, err
	}
	if n > mostCopies {
		return v, fmt.Errorf("depth multiplier %d, expected at most %d", n, mostCopies)
	}
	s := v.shape
	w := l.fresh(v.name+"/repeated", v.dt, []int{s[0], s[1], s[2], s[3], n})
	for k := range n {
		if err := l.copyView("COPY to channels", v, w.cut(4, k, 1, 1).drop(4)); err != nil {
			return v, err
		}
	}
	w, _ = w.reshape([]int{s[0], s[1], s[2], s[3] * n})
	return w, nil
}

// grouped lowers a convolution whose outputs each see one of several groups of the
// input channels, to one convolution for each group.
func (l *lowering) grouped(gop *graph.Op, p kernel.Kernel, q quant.MAC, s convShape, groups int) error {
	wt := l.g.Tensors[gop.Inputs[1]]
	if groups > mostCopies {
		return fmt.Errorf("%d groups, more than %d", groups, mostCopies)
	}
	bias := graph.None
	if len(gop.Inputs) > 2 {
		bias = gop.Inputs[2]
	}
	records, err := l.recordsOf(q, bias)
	if err != nil {
		return err
	}
	all, err := l.weightsOf(gop.Inputs[1], wt.Shape[0], wt.Shape[1], wt.Shape[2], wt.Shape[3], false)
	if err != nil {
		return err
	}
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	outs, depth := wt.Shape[0]/groups, wt.Shape[3]
	return l.into(gop.Outputs[0], func(out view) error {
		for g := range groups {
			k := p
			k.Weights = l.m.Weights.Slice(all, g*outs, (g+1)*outs)
			if err := l.spread(&k); err != nil {
				return err
			}
			k.Records = records[g*outs : (g+1)*outs]
			k.PartKernel = l.partKernelFirst(depth, k.KH*k.KW, v.dt.Size()*8)
			if err := l.slideOver(k, v.cut(3, g*depth, depth, 1), out.cut(3, g*outs, outs, 1), s.pad, int(q.In), int(q.Out)); err != nil {
				return err
			}
		}
		return nil
	})
}
