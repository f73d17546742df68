// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var _ = register(map[string]operator{
	"ReduceSum":       reduce(fold{term: same, end: sameEnd}),
	"ReduceMean":      reduce(fold{term: same, end: func(s float64, n int) float64 { return s / float64(n) }}),
	"ReduceSumSquare": reduce(fold{term: square, end: sameEnd}),
	"ReduceL1":        reduce(fold{term: math.Abs, end: sameEnd}),
	"ReduceL2":        reduce(fold{term: square, end: func(s float64, _ int) float64 { return math.Sqrt(s) }}),
	"ReduceLogSum":    reduce(fold{term: same, end: func(s float64, _ int) float64 { return math.Log(s) }}),
	"ReduceLogSumExp": reduce(fold{term: math.Exp, end: func(s float64, _ int) float64 { return math.Log(s) }}),
	"ReduceMax":       reduce(fold{start: math.Inf(-1), term: same, join: math.Max, end: sameEnd}),
	"ReduceMin":       reduce(fold{start: math.Inf(1), term: same, join: math.Min, end: sameEnd}),
	"ReduceProd":      reduce(fold{start: 1, term: same, join: func(a, b float64) float64 { return a * b }, end: sameEnd}),
	"ArgMax":          argBest(func(a, b float64) bool { return a > b }),
	"ArgMin":          argBest(func(a, b float64) bool { return a < b }),
	"Softmax":         softmax(false), "LogSoftmax": softmax(true),
	"LayerNormalization": layerNorm, "InstanceNormalization": instanceNorm, "BatchNormalization": batchNorm,
})

func same(x float64) float64           { return x }
func square(x float64) float64         { return x * x }
func sameEnd(s float64, _ int) float64 { return s }
func plus(a, b float64) float64        { return a + b }
func withinOne(a *Array, what string) error {
	if len(a.Data) == 0 {
		return fmt.Errorf("%s is empty", what)
	}
	return nil
}

// fold describes a reduction: join(start, term(x)...) and what is done at the end.
type fold struct {
	start float64
	term  func(float64) float64
	join  func(a, b float64) float64 // nil is a sum
	end   func(s float64, n int) float64
}

func reduce(f fold) operator {
	if f.join == nil {
		f.join = plus
	}
	return func(c *call) ([]*Array, error) {
		x, err := c.arg(0)
		if err != nil {
			return nil, err
		}
		list := c.intsAt(1, "axes")
		if len(list) == 0 && c.Int("noop_with_empty_axes", 0) != 0 {
			return []*Array{x}, nil
		}
		over, err := axes(list, x.rank())
		if err != nil {
			return nil, err
		}
		full, shape, n := make([]int, x.rank()), []int{}, 1
		for i, d := range x.Shape {
			if len(list) == 0 || over[i] {
				full[i] = 1
				n *= d
				if c.Int("keepdims", 1) != 0 {
					shape = append(shape, 1)
				}
			} else {
				full[i] = d
				shape = append(shape, d)
			}
		}
		y, err := c.make(x.Type, full)
		if err != nil {
			return nil, err
		}
		step := y.view(x.Shape)
		for i := range y.Data {
			y.Data[i] = f.start
		}
		each(x.Shape, func(at int, index []int) {
			to := offset(index, step)
			y.Data[to] = f.join(y.Data[to], f.term(x.Data[at]))
		})
		for i := range y.Data {
			y.Data[i] = f.end(y.Data[i], n)
		}
		y.Shape = shape
		return []*Array{y}, nil
	}
}

// lanes calls f with the offset and distance of every run of elements along an axis.
func lanes(shape []int, a int, f func(at, step, n int)) {
	step := strides(shape)[a]
	outer := append(append([]int{}, shape[:a]...), 1)
	inner := elems(shape[a+1:])
	for o := range elems(outer) {
		for i := range inner {
			f(o*step*shape[a]+i, step, shape[a])
		}
	}
}

func argBest(better func(a, b float64) bool) operator {
	return func(c *call) ([]*Array, error) {
		x, err := c.arg(0)
		if err != nil {
			return nil, err
		}
		a, err := axis(int(c.Int("axis", 0)), x.rank())
		if err != nil {
			return nil, err
		}
		if err := withinOne(x, "the input"); err != nil {
			return nil, err
		}
		shape := append([]int{}, x.Shape...)
		shape[a] = 1
		y, err := c.make(onnx.Int64, shape)
		if err != nil {
			return nil, err
		}
		last, next := c.Int("select_last_index", 0) != 0, 0
		lanes(x.Shape, a, func(at, step, n int) {
			best := 0
			for i := range n {
				v, b := x.Data[at+i*step], x.Data[at+best*step]
				if better(v, b) || last && v == b {
					best = i
				}
			}
			y.Data[next] = float64(best)
			next++
		})
		if c.Int("keepdims", 1) == 0 {
			y.Shape = append(append([]int{}, x.Shape[:a]...), x.Shape[a+1:]...)
		}
		return []*Array{y}, nil
	}
}

// spread returns the input of an operator that works along one axis from opset 13 on,
// before that over all dimensions from the axis on: as a shape and the axis to walk in it.
func (c *call) spread() (x *Array, shape []int, along int, err error) {
	x, err = c.arg(0)
	if err != nil {
		return nil, nil, 0, err
	}
	old := c.opset() < 13
	def := int64(-1)
	if old {
		def = 1
	}
	along, err = axis(int(c.Int("axis", def)), x.rank())
	if err != nil {
		return nil, nil, 0, err
	}
	if old {
		return x, []int{elems(x.Shape[:along]), elems(x.Shape[along:])}, 1, nil
	}
	return x, x.Shape, along, nil
}

// softmax divides exponentials by their sum along an axis.
func softmax(log bool) operator {
	return func(c *call) ([]*Array, error) {
		x, shape, a, err := c.spread()
		if err != nil {
			return nil, err
		}
		y, err := c.make(x.Type, x.Shape)
		if err != nil {
			return nil, err
		}
		lanes(shape, a, func(at, step, n int) {
			top, sum := math.Inf(-1), 0.0
			for i := range n {
				top = math.Max(top, x.Data[at+i*step])
			}
			for i := range n {
				sum += math.Exp(x.Data[at+i*step] - top)
			}
			for i := range n {
				v := x.Data[at+i*step] - top
				if log {
					y.Data[at+i*step] = v - math.Log(sum)
				} else {
					y.Data[at+i*step] = math.Exp(v) / sum
				}
			}
		})
		return []*Array{y}, nil
	}
}

// moments returns the mean and the reciprocal standard deviation.
func moments(v []float64, epsilon float64) (mean, inverse float64) {
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	variance := 0.0
	for _, x := range v {
		variance += float64((x - mean) * (x - mean))
	}
	return mean, 1 / math.Sqrt(variance/float64(len(v))+epsilon)
}

func layerNorm(c *call) ([]*Array, error) {
	x, scale, err := c.two()
	if err != nil {
		return nil, err
	}
	a, err := axis(int(c.Int("axis", -1)), x.rank())
	if err != nil {
		return nil, err
	}
	if err := withinOne(x, "the input"); err != nil {
		return nil, err
	}
	shape := append([]int{}, x.Shape...)
	for i := a; i < len(shape); i++ {
		shape[i] = 1
	}
	var out [3]*Array
	for i, s := range [][]int{x.Shape, shape, shape} {
		if out[i], err = c.make(x.Type, s); err != nil {
			return nil, err
		}
	}
	n := elems(x.Shape[a:])
	for o := range out[1].Data {
		mean, inverse := moments(x.Data[o*n:(o+1)*n], float64(c.Float("epsilon", 1e-5)))
		out[1].Data[o], out[2].Data[o] = mean, inverse
		for i := range n {
			out[0].Data[o*n+i] = (x.Data[o*n+i] - mean) * inverse
		}
	}
	y, err := c.combine(x.Type, out[0], scale, func(a, b float64) float64 { return a * b })
	if bias := c.opt(2); err == nil && bias != nil {
		y, err = c.combine(x.Type, y, bias, plus)
	}
	return []*Array{y, out[1], out[2]}, err
}

// channelwise scales every channel: y = x*factor + summand, which f gives for the
// elements of one batch entry's channel.
func (c *call) channelwise(x *Array, f func(channel int, v []float64) (factor, summand float64)) ([]*Array, error) {
	y, err := c.make(x.Type, x.Shape)
	if err != nil {
		return nil, err
	}
	n := elems(x.Shape[2:])
	for at := 0; at < len(x.Data); at += n {
		k, b := f(at/n%x.Shape[1], x.Data[at:at+n])
		for i := at; i < at+n; i++ {
			y.Data[i] = float64(x.Data[i]*k) + b
		}
	}
	return []*Array{y}, nil
}

func (c *call) channelArgs(count int) ([]*Array, error) {
	args := make([]*Array, count)
	for i := range args {
		var err error
		if args[i], err = c.arg(i); err != nil {
			return nil, err
		}
		if i > 0 && len(args[i].Data) != args[0].Shape[1] {
			return nil, fmt.Errorf("input %d has %d elements for %d channels", i, len(args[i].Data), args[0].Shape[1])
		}
		if i == 0 && (args[0].rank() < 2 || len(args[0].Data) == 0) {
			return nil, fmt.Errorf("input of shape %v has no channels", args[0].Shape)
		}
	}
	return args, nil
}

func instanceNorm(c *call) ([]*Array, error) {
	in, err := c.channelArgs(3)
	if err != nil {
		return nil, err
	}
	return c.channelwise(in[0], func(ch int, v []float64) (float64, float64) {
		mean, inverse := moments(v, float64(c.Float("epsilon", 1e-5)))
		return in[1].Data[ch] * inverse, in[2].Data[ch] - float64(mean*inverse*in[1].Data[ch])
	})
}

func batchNorm(c *call) ([]*Array, error) {
	if c.Int("training_mode", 0) != 0 {
		return nil, fmt.Errorf("training mode is not computed")
	}
	in, err := c.channelArgs(5)
	if err != nil {
		return nil, err
	}
	return c.channelwise(in[0], func(ch int, _ []float64) (float64, float64) {
		k := in[1].Data[ch] / math.Sqrt(in[4].Data[ch]+float64(c.Float("epsilon", 1e-5)))
		return k, in[2].Data[ch] - float64(in[3].Data[ch]*k)
	})
}
