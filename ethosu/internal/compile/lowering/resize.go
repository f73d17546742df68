// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/lower/graph"
)

func init() { lowerers.Set(lowerBilinear, graph.ResizeBilinear) }

// stretch is a run of outputs of a resized dimension, step apart, that each take one
// input after the other with the same weights.
type stretch struct {
	out, step, n int
	in           int
	weights      []int
}

// stretchesOf divides the outputs of a dimension. Weights are whole numbers that add up
// to a power of two.
func stretchesOf(taps []graph.Tap) []stretch {
	type key struct {
		part int64
		two  bool
	}
	var list []stretch
	open := map[key]int{}
	for o, t := range taps {
		k := key{t.Part, t.Hi > t.Lo}
		if !k.two {
			k.part = 0
		}
		if i, ok := open[k]; ok {
			s := &list[i]
			if d := o - s.out - (s.n-1)*s.step; t.Lo == s.in+s.n && (s.n == 1 || d == s.step) {
				s.step = d
				s.n++
				continue
			}
		}
		open[k] = len(list)
		w := []int{1}
		if k.two {
			a, b := graph.TapUnit-int(t.Part), int(t.Part)
			for a%2 == 0 && b%2 == 0 {
				a, b = a/2, b/2
			}
			w = []int{a, b}
		}
		list = append(list, stretch{o, 1, 1, t.Lo, w})
	}
	return list
}

// lowerBilinear lowers RESIZE_BILINEAR by factors whose weights fit 8 bits: a depthwise
// convolution of two by two for each position between the pixels.
func lowerBilinear(l *lowering, gop *graph.Op) error {
	in, out := l.g.Tensors[gop.Inputs[0]], l.g.Tensors[gop.Outputs[0]]
	a := gop.Attr.(graph.ResizeAttr)
	rows, cols := stretchesOf(graph.Taps(in.Shape[1], out.Shape[1], a)), stretchesOf(graph.Taps(in.Shape[2], out.Shape[2], a))
	if n := len(rows) * len(cols) * in.Shape[0]; n > mostCopies {
		return fmt.Errorf("from %v to %v needs %d kernels on the NPU, more than %d; resize by 2 or 4, use RESIZE_NEAREST_NEIGHBOR, or compute it on the CPU", in.Shape, out.Shape, n, mostCopies)
	}
	v, err := l.pixels(gop.Inputs[0])
	if err != nil {
		return err
	}
	return l.into(gop.Outputs[0], func(dst view) error {
		for _, r := range rows {
			for _, c := range cols {
				p, err := l.between(in, r, c)
				if err != nil {
					return err
				}
				from := v.cut(1, r.in, r.n-1+p.KH, 1).cut(2, c.in, c.n-1+p.KW, 1)
				to := dst.cut(1, r.out, r.n, r.step).cut(2, c.out, c.n, c.step)
				for b := range in.Shape[0] {
					k := p
					k.IFM, k.OFM = imageMap(from.cut(0, b, 1, 1), 0), imageMap(to.cut(0, b, 1, 1), 0)
					l.emit(&k)
				}
			}
		}
		return nil
	})
}

// between is the kernel of one position between pixels. The weights add up to 2^k; their
// sum is divided by that and rounded half away from zero, as the reference does: the
// output stage's second rounding, towards where the sum lies, decides the ties.
func (l *lowering) between(in *graph.Tensor, r, c stretch) (kernel.Kernel, error) {
	depth, k := in.Shape[3], 0
	var one []byte
	for _, y := range r.weights {
		for _, x := range c.weights {
			if x*y > 127 {
				return kernel.Kernel{}, fmt.Errorf("has weights of %d/%d, beyond the 8 bits of the NPU; resize by 2 or 4, use RESIZE_NEAREST_NEIGHBOR, or compute it on the CPU", x*y, sum(r.weights)*sum(c.weights))
			}
			one = append(one, byte(x*y))
		}
	}
	for n := sum(r.weights) * sum(c.weights); n > 1; n /= 2 {
		k++
	}
	lo, hi := kernel.TypeRange(in.Type)
	p := kernel.Kernel{Kind: kernel.Depthwise, Output: kernel.Output{Lo: lo, Hi: hi}, Window: kernel.Window{KH: len(r.weights), KW: len(c.weights), StrideH: 1, StrideW: 1, DilH: 1, DilW: 1}}
	p.Records = make([]weights.Record, depth)
	var data []byte
	for i := range p.Records {
		p.Records[i] = weights.Record{Scale: 1 << 31, Shift: uint8(31 + k)}
		if l.opt.U85 { // whose scales have 31 bits
			p.Records[i].Scale >>= 1
		}
		data = append(data, one...)
	}
	if l.opt.U85 {
		for i, x := range data {
			if x > 63 {
				return kernel.Kernel{}, fmt.Errorf("has weights of %d/%d, beyond the 7 bits that its rounding leaves on this NPU; resize by 2 or 4, use RESIZE_NEAREST_NEIGHBOR, or compute it on the CPU", x, sum(r.weights)*sum(c.weights))
			}
			data[i] = 2 * x
		}
	}
	var err error
	p.Weights, err = l.m.Weights.Of("bilinear", data, depth, p.KH, p.KW, 1, true)
	return p, err
}

func sum(v []int) (n int) {
	for _, x := range v {
		n += x
	}
	return n
}
