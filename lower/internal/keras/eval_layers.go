// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"math"
	"slices"
)

func itself(_ *evaluator, in []*Array) []*Array { return in[:1] }

func init() {
	evaluates(map[string]func(e *evaluator, in []*Array) []*Array{
		"Dropout": itself, "Identity": itself, "SpatialDropout1D": itself, "SpatialDropout2D": itself, "GaussianNoise": itself, "GaussianDropout": itself,
		"AlphaDropout": itself, "ActivityRegularization": itself,

		"Dense": func(e *evaluator, in []*Array) []*Array {
			names := e.l.present([2]string{"kernel", ""}, [2]string{"bias", "use_bias"})
			x, k := in[0], e.weight(names, "kernel")
			n := k.Shape[1]
			b := e.vector(names, "use_bias", "bias", n, 0)
			y := newArray(append(slices.Clone(x.Shape[:len(x.Shape)-1]), n)...)
			f := k.Shape[0]
			for r := range len(x.Data) / f {
				for o := range n {
					sum := b.Data[o]
					for i := range f {
						sum += float64(x.Data[r*f+i] * k.Data[k.at(i, o)])
					}
					y.Data[r*n+o] = sum
				}
			}
			return []*Array{e.activate(e.l.Config["activation"], y)}
		},
		"Activation": func(e *evaluator, in []*Array) []*Array {
			return []*Array{e.activate(e.l.Config["activation"], in[0])}
		},
		"ReLU": func(e *evaluator, in []*Array) []*Array {
			c := e.l.Config
			slope, top, threshold := c.number("negative_slope", 0), c.number("max_value", math.Inf(1)), c.number("threshold", 0)
			return []*Array{each(in[0], func(v float64) float64 {
				if v <= threshold {
					return float64(slope * (v - threshold))
				}
				return math.Min(v, top)
			})}
		},
		"LeakyReLU": func(e *evaluator, in []*Array) []*Array {
			slope, ok := e.l.Config["negative_slope"].(float64)
			if !ok {
				slope = e.l.Config.number("alpha", 0.3)
			}
			return []*Array{each(in[0], func(v float64) float64 { return math.Max(v, 0) + float64(slope*math.Min(v, 0)) })}
		},
		"ELU": func(e *evaluator, in []*Array) []*Array {
			alpha := e.l.Config.number("alpha", 1)
			return []*Array{each(in[0], func(v float64) float64 { return math.Max(v, 0) + float64(alpha*math.Expm1(math.Min(v, 0))) })}
		},
		"PReLU": func(e *evaluator, in []*Array) []*Array {
			x, alpha := in[0], e.weight([]string{"alpha"}, "alpha")
			y := newArray(x.Shape...)
			walk(x.Shape, func(at int, index []int) {
				slot := make([]int, len(alpha.Shape))
				for i := range slot {
					slot[i] = index[1+i] % alpha.Shape[i]
				}
				y.Data[at] = math.Max(x.Data[at], 0) + float64(alpha.Data[alpha.at(slot...)]*math.Min(x.Data[at], 0))
			})
			return []*Array{y}
		},
		"Softmax": func(e *evaluator, in []*Array) []*Array {
			return []*Array{softmax(in[0], e.dimension(len(in[0].Shape)))}
		},
		"Rescaling": func(e *evaluator, in []*Array) []*Array {
			scale, offset := e.l.Config.vector("scale", 1, in[0].Shape[len(in[0].Shape)-1]), e.l.Config.vector("offset", 0, in[0].Shape[len(in[0].Shape)-1])
			y := newArray(in[0].Shape...)
			for i, v := range in[0].Data {
				y.Data[i] = float64(v*float64(scale[i%len(scale)])) + float64(offset[i%len(offset)])
			}
			return []*Array{y}
		},
		"BatchNormalization": func(e *evaluator, in []*Array) []*Array {
			x := in[0]
			axis := e.dimension(len(x.Shape))
			names := e.l.present([2]string{"gamma", "scale"}, [2]string{"beta", "center"}, [2]string{"moving_mean", ""}, [2]string{"moving_variance", ""})
			mean, variance := e.weight(names, "moving_mean"), e.weight(names, "moving_variance")
			gamma, beta := e.vector(names, "scale", "gamma", x.Shape[axis], 1), e.vector(names, "center", "beta", x.Shape[axis], 0)
			y := newArray(x.Shape...)
			walk(x.Shape, func(at int, index []int) {
				c := index[axis]
				y.Data[at] = float64(gamma.Data[c]*(x.Data[at]-mean.Data[c])/math.Sqrt(variance.Data[c]+e.l.Config.number("epsilon", 1e-3))) + beta.Data[c]
			})
			return []*Array{y}
		},
		"Flatten": func(_ *evaluator, in []*Array) []*Array {
			return []*Array{{Shape: []int{1, len(in[0].Data)}, Data: in[0].Data}}
		},
		"Reshape": func(e *evaluator, in []*Array) []*Array {
			shape, known := []int{1}, 1
			list, _ := e.l.Config["target_shape"].([]any)
			for _, v := range list {
				d := -1
				if f, ok := v.(float64); ok {
					d = int(f)
				}
				if d > 0 {
					known *= d
				}
				shape = append(shape, d)
			}
			for i, d := range shape {
				if d < 0 {
					shape[i] = len(in[0].Data) / known
				}
			}
			return []*Array{{Shape: shape, Data: in[0].Data}}
		},
		"Permute": func(e *evaluator, in []*Array) []*Array {
			x := in[0]
			from := []int{0}
			list, _ := e.l.Config["dims"].([]any)
			for _, v := range list {
				f, _ := v.(float64)
				from = append(from, (int(f)+len(x.Shape))%len(x.Shape))
			}
			shape := make([]int, len(from))
			for i, f := range from {
				shape[i] = x.Shape[f]
			}
			y := newArray(shape...)
			walk(shape, func(at int, index []int) {
				source := make([]int, len(index))
				for i, f := range from {
					source[f] = index[i]
				}
				y.Data[at] = x.Data[x.at(source...)]
			})
			return []*Array{y}
		},
		"RepeatVector": func(e *evaluator, in []*Array) []*Array {
			n := e.l.Config.whole("n", 0, 1)
			y := &Array{Shape: []int{1, n, in[0].Shape[1]}}
			for range n {
				y.Data = append(y.Data, in[0].Data...)
			}
			return []*Array{y}
		},
		"Concatenate": func(e *evaluator, in []*Array) []*Array {
			axis := e.dimension(len(in[0].Shape))
			shape := slices.Clone(in[0].Shape)
			shape[axis] = 0
			for _, x := range in {
				shape[axis] += x.Shape[axis]
			}
			y := newArray(shape...)
			walk(shape, func(at int, index []int) {
				own := slices.Clone(index)
				for _, x := range in {
					if own[axis] < x.Shape[axis] {
						y.Data[at] = x.Data[x.at(own...)]
						return
					}
					own[axis] -= x.Shape[axis]
				}
			})
			return []*Array{y}
		},
		"Add":      merging2(func(a, b float64) float64 { return a + b }, false),
		"Subtract": merging2(func(a, b float64) float64 { return a - b }, false),
		"Multiply": merging2(func(a, b float64) float64 { return a * b }, false),
		"Average":  merging2(func(a, b float64) float64 { return a + b }, true),
		"Maximum":  merging2(math.Max, false),
		"Minimum":  merging2(math.Min, false),
	})
}

// walk calls f with every index of a shape, in order, and its place.
func walk(shape []int, f func(at int, index []int)) {
	for at := range elems(shape) {
		index, left := make([]int, len(shape)), at
		for i := len(shape) - 1; i >= 0; i-- {
			index[i] = left % shape[i]
			left /= shape[i]
		}
		f(at, index)
	}
}

// merging2 folds values of shapes that broadcast.
func merging2(f func(a, b float64) float64, mean bool) func(*evaluator, []*Array) []*Array {
	return func(_ *evaluator, given []*Array) []*Array {
		in, shape := slices.Clone(given), given[0].Shape
		for _, x := range in {
			if len(x.Shape) > len(shape) {
				shape = x.Shape
			}
		}
		shape = slices.Clone(shape)
		for k, x := range in { // fewer dimensions are those at the end
			if len(x.Shape) < len(shape) {
				x = &Array{Shape: slices.Insert(slices.Clone(x.Shape), 1, slices.Repeat([]int{1}, len(shape)-len(x.Shape))...), Data: x.Data}
				in[k] = x
			}
			for i, d := range x.Shape {
				shape[i] = max(shape[i], d)
			}
		}
		y := newArray(shape...)
		walk(shape, func(at int, index []int) {
			for k, x := range in {
				own := make([]int, len(index))
				for i := range own {
					own[i] = index[i] % x.Shape[i]
				}
				v := x.Data[x.at(own...)]
				if k == 0 {
					y.Data[at] = v
				} else {
					y.Data[at] = f(y.Data[at], v)
				}
			}
			if mean {
				y.Data[at] /= float64(len(in))
			}
		})
		return []*Array{y}
	}
}
