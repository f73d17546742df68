// SPDX-License-Identifier: Apache-2.0

package lowering

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quant"
)

func init() {
	lowerers.Set(lowerReduce, graph.Mean, graph.Sum)
	lowerers.Set(lowerExtreme, graph.ReduceMax, graph.ReduceMin)
	lowerers.Without("the NPU has no inverse square root of a sum; lower the float network (unroll lower), which writes it as MUL, SUM and RSQRT, or normalize outside of the network", graph.L2Normalization)
	lowerers.Without("no kernel of the NPU gives its values; lower the float network (unroll lower), which writes it as SUB, EXP, SUM and LOG, or use SOFTMAX, and the logarithm outside of the network", graph.LogSoftmax)
}

// lowerReduce lowers MEAN and SUM: the sum of a window, scaled as the kernel does.
func lowerReduce(l *lowering, gop *graph.Op) error {
	q, err := quant.ForReduce(l.g, gop)
	if err != nil {
		return err
	}
	p := kernel.Kernel{Kind: kernel.Pool, Mode: kernel.PoolAverage, Output: kernel.Output{Lo: int(q.Lo), Hi: int(q.Hi)}, Rescale: kernel.Rescale{Global: true}}
	if p.Out, err = kernel.ScaleOf(q.Mult); err != nil {
		return err
	}
	v, err := l.in(gop.Inputs[0])
	if err != nil {
		return err
	}
	return l.reduce(gop, p, v, int(q.In), int(q.Out))
}

// lowerExtreme lowers REDUCE_MAX to the maximum of a window, and REDUCE_MIN to that of
// the mirrored values.
func lowerExtreme(l *lowering, gop *graph.Op) error {
	t := l.g.Tensors[gop.Inputs[0]]
	p := kernel.Kernel{Kind: kernel.Pool, Mode: kernel.PoolMax, Rescale: kernel.Rescale{Out: kernel.Scale{Mul: 1}}}
	p.Lo, p.Hi = kernel.TypeRange(t.Type)
	v, err := l.in(gop.Inputs[0])
	if err != nil || gop.Kind == graph.ReduceMax {
		if err == nil {
			err = l.reduce(gop, p, v, 0, 0)
		}
		return err
	}
	if t.Type != graph.Int8 {
		return fmt.Errorf("of %v: the NPU has no minimum of a window of 16 bits; use REDUCE_MAX of the negated values", t.Type)
	}
	w := l.fresh(t.Name+"/mirror", t.Type, v.shape)
	if err := l.mirror(v, w); err != nil {
		return err
	}
	out := l.out(gop.Outputs[0])
	least := l.fresh(out.name+"/mirror", out.dt, out.shape)
	l.views[gop.Outputs[0]] = least
	if err := l.reduceInto(gop, p, w, least, 0, 0); err != nil {
		return err
	}
	l.views[gop.Outputs[0]] = out
	return l.mirror(least, out)
}

func (l *lowering) reduce(gop *graph.Op, p kernel.Kernel, v view, zpIn, zpOut int) error {
	return l.reduceInto(gop, p, v, l.out(gop.Outputs[0]), zpIn, zpOut)
}

// reduceInto emits the kernels of a reduction. The dimensions that it runs along become
// the width of an image, what is before them its height and what is behind its channels.
func (l *lowering) reduceInto(gop *graph.Op, p kernel.Kernel, v, out view, zpIn, zpOut int) error {
	reduced, err := l.g.Reduced(gop)
	if err != nil {
		return err
	}
	first, last := len(reduced), -1
	for d, r := range reduced {
		if r && v.shape[d] > 1 {
			first, last = min(first, d), max(last, d)
		}
	}
	if last < 0 { // every dimension that it runs along is 1
		first, last = 0, -1
	}
	adjacent := true
	for d := first; d <= last; d++ {
		adjacent = adjacent && (reduced[d] || v.shape[d] == 1)
	}
	if !adjacent { // bring the others to the front
		var perm, kept []int
		for d := range reduced {
			if reduced[d] {
				perm = append(perm, d)
			} else {
				kept = append(kept, d)
			}
		}
		v = v.permute(append(append([]int{}, kept...), perm...))
		first, last = len(kept), len(reduced)-1
	}
	if v, err = l.dense(v); err != nil {
		return err
	}
	rows, n, depth := graph.Elems(v.shape[:first]), graph.Elems(v.shape[first:last+1]), graph.Elems(v.shape[last+1:])
	if n > 65536 || rows > 65536 || depth > 65536 {
		return fmt.Errorf("%d sums of %d elements in %d channels, expected at most 65536 of each", rows, n, depth)
	}
	image, _ := v.reshape([]int{1, rows, n, depth})
	result := l.fresh(out.name+"/sums", out.dt, []int{1, rows, 1, depth})
	direct := out.contiguous()
	if direct {
		result, _ = out.reshape([]int{1, rows, 1, depth})
	}
	p.Window = kernel.Window{KH: 1, KW: n, StrideH: 1, StrideW: 1, DilH: 1, DilW: 1}
	p.IFM, p.OFM = imageMap(image, zpIn), imageMap(result, zpOut)
	p.OFM.Name = out.name
	l.emit(&p)
	if direct {
		return nil
	}
	return l.copyView("COPY to place", result, out)
}
