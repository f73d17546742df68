// SPDX-License-Identifier: Apache-2.0

package tfeval

import (
	"fmt"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
)

func init() {
	register(fullyConnected, graph.FullyConnected)
	register(matMul, graph.BatchMatMul)
	register(convolution, graph.Conv2D, graph.DepthwiseConv2D)
	register(pool, graph.AveragePool2D, graph.MaxPool2D, graph.L2Pool2D)
	register(transposed, graph.TransposeConv)
	register(reduce, graph.Mean, graph.Sum, graph.ReduceMax, graph.ReduceMin, graph.ReduceProd, graph.ReduceAny, graph.ReduceAll)
	register(normalize, graph.Softmax, graph.LogSoftmax, graph.L2Normalization)
	register(resize, graph.ResizeNearestNeighbor, graph.ResizeBilinear)
	register(cumsum, graph.Cumsum)
}

// bias returns the value that an output channel starts with.
func (r *run) bias(op *graph.Op, pos, channel int) float64 {
	if pos >= len(op.Inputs) || op.Inputs[pos] == graph.None {
		return 0
	}
	return r.v[op.Inputs[pos]][channel]
}

func fullyConnected(r *run, op *graph.Op) error {
	w := r.shape(op.Inputs[1])
	x, k := r.v[op.Inputs[0]], r.v[op.Inputs[1]]
	if k == nil {
		return fmt.Errorf("weights %q have no value", r.g.Tensors[op.Inputs[1]].Name)
	}
	rows := len(x) / w[1]
	if err := r.spend(rows, w[0], w[1]); err != nil {
		return err
	}
	out := make([]float64, rows*w[0])
	for i := range out {
		row, o := i/w[0], i%w[0]
		sum := 0.0
		for j := range w[1] {
			sum += float64(x[row*w[1]+j] * k[o*w[1]+j])
		}
		out[i] = fused(op.Attr.(graph.FullyConnectedAttr).Activation, sum+r.bias(op, 2, o))
	}
	r.v[op.Outputs[0]] = out
	return nil
}

func matMul(r *run, op *graph.Op) error {
	a := op.Attr.(graph.BatchMatMulAttr)
	x := r.shape(op.Inputs[0])
	inner := x[len(x)-1]
	if a.AdjX {
		inner = x[len(x)-2]
	}
	if err := r.spend(graph.Elems(r.shape(op.Outputs[0])), inner); err != nil {
		return err
	}
	return r.fill(op, func(index []int) float64 {
		n := len(index)
		sum := 0.0
		for k := range inner {
			left, right := slices.Clone(index), slices.Clone(index)
			left[n-1], right[n-2] = k, k
			if a.AdjX {
				left[n-2], left[n-1] = left[n-1], left[n-2]
			}
			if a.AdjY {
				right[n-2], right[n-1] = right[n-1], right[n-2]
			}
			sum += float64(r.at(op.Inputs[0], left) * r.at(op.Inputs[1], right))
		}
		return sum
	})
}

func convolution(r *run, op *graph.Op) error {
	h, w, err := r.g.Windows(op)
	if err != nil {
		return err
	}
	act, depthwise := op.Fused(), op.Kind == graph.DepthwiseConv2D
	in, k := r.shape(op.Inputs[0]), r.shape(op.Inputs[1])
	each := k[3]
	if depthwise {
		each = 1
	}
	if err := r.spend(graph.Elems(r.shape(op.Outputs[0])), k[1], k[2], each); err != nil {
		return err
	}
	v, weights := r.v[op.Inputs[0]], r.v[op.Inputs[1]]
	if weights == nil {
		return fmt.Errorf("weights %q have no value", r.g.Tensors[op.Inputs[1]].Name)
	}
	return r.fill(op, func(i []int) float64 {
		sum := r.bias(op, 2, i[3])
		for y := range k[1] {
			for x := range k[2] {
				row, col := i[1]*h.Stride+y*h.Dilation-h.PadBefore, i[2]*w.Stride+x*w.Dilation-w.PadBefore
				if row < 0 || row >= in[1] || col < 0 || col >= in[2] {
					continue
				}
				pixel := ((i[0]*in[1]+row)*in[2] + col) * in[3]
				if depthwise {
					sum += float64(v[pixel+i[3]/(k[3]/in[3])] * weights[(y*k[2]+x)*k[3]+i[3]])
					continue
				}
				first := i[3] / (k[0] / (in[3] / k[3])) * k[3] // of the group
				for c := range each {
					sum += float64(v[pixel+first+c] * weights[((i[3]*k[1]+y)*k[2]+x)*k[3]+c])
				}
			}
		}
		return fused(act, sum)
	})
}

func pool(r *run, op *graph.Op) error {
	h, w, err := r.g.Windows(op)
	if err != nil {
		return err
	}
	in := r.shape(op.Inputs[0])
	if err := r.spend(graph.Elems(r.shape(op.Outputs[0])), h.Kernel, w.Kernel); err != nil {
		return err
	}
	return r.fill(op, func(i []int) float64 {
		sum, squares, most, n := 0.0, 0.0, math.Inf(-1), 0.0
		for y := range h.Kernel {
			for x := range w.Kernel {
				row, col := i[1]*h.Stride+y-h.PadBefore, i[2]*w.Stride+x-w.PadBefore
				if row < 0 || row >= in[1] || col < 0 || col >= in[2] {
					continue
				}
				v := r.at(op.Inputs[0], []int{i[0], row, col, i[3]})
				sum, squares, most, n = sum+v, squares+float64(v*v), math.Max(most, v), n+1
			}
		}
		switch op.Kind {
		case graph.AveragePool2D:
			most = sum / n
		case graph.L2Pool2D:
			most = math.Sqrt(squares / n)
		}
		return fused(op.Attr.(graph.Pool2DAttr).Activation, most)
	})
}

// transposed adds every input, times the weights, to the outputs that it reaches.
func transposed(r *run, op *graph.Op) error {
	h, w, err := r.g.TransposeWindows(op)
	if err != nil {
		return err
	}
	in, k, out := r.shape(op.Inputs[2]), r.shape(op.Inputs[1]), r.shape(op.Outputs[0])
	if err := r.spend(graph.Elems(in), k[0], k[1], k[2]); err != nil {
		return err
	}
	sums := filled(out, func(i []int) float64 { return r.bias(op, 3, i[3]) })
	filled(in, func(i []int) float64 {
		v := r.at(op.Inputs[2], i)
		for y := range k[1] {
			for x := range k[2] {
				row, col := i[1]*h.Stride+y-h.PadBefore, i[2]*w.Stride+x-w.PadBefore
				if row < 0 || row >= out[1] || col < 0 || col >= out[2] {
					continue
				}
				for o := range k[0] {
					sums[((i[0]*out[1]+row)*out[2]+col)*out[3]+o] += float64(v * r.at(op.Inputs[1], []int{o, y, x, i[3]}))
				}
			}
		}
		return 0
	})
	for i, v := range sums {
		sums[i] = fused(op.Attr.(graph.TransposeConvAttr).Activation, v)
	}
	r.v[op.Outputs[0]] = sums
	return nil
}

func reduce(r *run, op *graph.Op) error {
	reduced, err := r.g.Reduced(op)
	if err != nil {
		return err
	}
	in := r.shape(op.Inputs[0])
	var over []int
	for d, n := range in {
		if reduced[d] {
			over = append(over, n)
		}
	}
	keep := op.Attr.(graph.ReducerAttr).KeepDims
	return r.fill(op, func(index []int) float64 {
		src := make([]int, len(in))
		k := 0
		for d := range in {
			switch {
			case !reduced[d]:
				src[d] = index[k]
				k++
			case keep:
				k++
			}
		}
		sum, product, most, least, n := 0.0, 1.0, math.Inf(-1), math.Inf(1), 0.0
		filled(over, func(part []int) float64 {
			p := 0
			for d := range in {
				if reduced[d] {
					src[d] = part[p]
					p++
				}
			}
			v := r.at(op.Inputs[0], src)
			sum, product, most, least, n = sum+v, product*v, math.Max(most, v), math.Min(least, v), n+1
			return 0
		})
		switch op.Kind {
		case graph.Mean:
			return sum / n
		case graph.ReduceMax, graph.ReduceAny:
			return most
		case graph.ReduceMin, graph.ReduceAll:
			return least
		case graph.ReduceProd:
			return product
		}
		return sum
	})
}

// normalize is for operators on rows of the last dimension.
func normalize(r *run, op *graph.Op) error {
	in := r.shape(op.Inputs[0])
	if len(in) == 0 {
		return fmt.Errorf("a single number has no rows")
	}
	n, x := in[len(in)-1], r.v[op.Inputs[0]]
	out := make([]float64, len(x))
	for row := 0; row < len(x); row += n {
		v := x[row : row+n]
		top, sum, squares := math.Inf(-1), 0.0, 0.0
		beta := 1.0
		if a, ok := op.Attr.(graph.SoftmaxAttr); ok {
			beta = float64(a.Beta)
		}
		for _, x := range v {
			top, squares = math.Max(top, x), squares+float64(x*x)
		}
		for _, x := range v {
			sum += math.Exp(float64((x - top) * beta))
		}
		for i, x := range v {
			switch op.Kind {
			case graph.Softmax:
				out[row+i] = math.Exp(float64((x-top)*beta)) / sum
			case graph.LogSoftmax:
				out[row+i] = x - top - math.Log(sum)
			default:
				out[row+i] = fused(op.Fused(), x/math.Max(math.Sqrt(squares), 1e-6))
			}
		}
	}
	r.v[op.Outputs[0]] = out
	return nil
}

func resize(r *run, op *graph.Op) error {
	a := op.Attr.(graph.ResizeAttr)
	in, out := r.shape(op.Inputs[0]), r.shape(op.Outputs[0])
	position := func(i, from, to int) float64 {
		scale := float64(from) / float64(to)
		if a.AlignCorners && to > 1 {
			scale = float64(from-1) / float64(to-1)
		}
		if a.HalfPixelCenters {
			if op.Kind == graph.ResizeBilinear {
				return float64((float64(i)+0.5)*scale) - 0.5
			}
			return (float64(i) + 0.5) * scale
		}
		return float64(i) * scale
	}
	return r.fill(op, func(i []int) float64 {
		y, x := position(i[1], in[1], out[1]), position(i[2], in[2], out[2])
		if op.Kind == graph.ResizeNearestNeighbor {
			if a.AlignCorners {
				y, x = math.Floor(y+0.5), math.Floor(x+0.5)
			}
			const within = 1e-6 // of float32, in which the kernel divides
			return r.at(op.Inputs[0], []int{i[0], min(int(y+within), in[1]-1), min(int(x+within), in[2]-1), i[3]})
		}
		sum := 0.0
		for dy := range 2 {
			for dx := range 2 {
				row, col := math.Floor(y)+float64(dy), math.Floor(x)+float64(dx)
				part := (1 - math.Abs(y-row)) * (1 - math.Abs(x-col))
				src := []int{i[0], min(max(int(row), 0), in[1]-1), min(max(int(col), 0), in[2]-1), i[3]}
				sum += float64(part * r.at(op.Inputs[0], src))
			}
		}
		return sum
	})
}

func cumsum(r *run, op *graph.Op) error {
	a := op.Attr.(graph.CumsumAttr)
	axis, err := r.g.Axis(op)
	if err != nil {
		return err
	}
	n := r.shape(op.Inputs[0])[axis]
	return r.fill(op, func(index []int) float64 {
		src, sum := slices.Clone(index), 0.0
		for i := range n {
			before := i < index[axis]
			if a.Reverse {
				before = i > index[axis]
			}
			if before || i == index[axis] && !a.Exclusive {
				src[axis] = i
				sum += r.at(op.Inputs[0], src)
			}
		}
		return sum
	})
}
