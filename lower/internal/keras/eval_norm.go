// SPDX-License-Identifier: Apache-2.0

package keras

import "math"

func init() {
	evaluates(map[string]func(e *evaluator, in []*Array) []*Array{
		"LayerNormalization": func(e *evaluator, in []*Array) []*Array {
			axes := e.l.axes(len(in[0].Shape))
			return []*Array{e.gained(deviations(in[0], axes, e.l.Config.number("epsilon", 1e-3), true), axes)}
		},
		"RMSNormalization": func(e *evaluator, in []*Array) []*Array {
			axes := e.l.axes(len(in[0].Shape))
			y, scale := deviations(in[0], axes, e.l.Config.number("epsilon", 1e-6), false), e.weight([]string{"scale"}, "scale")
			walk(y.Shape, func(at int, index []int) { y.Data[at] *= scale.Data[scale.at(pick(index, axes)...)] })
			return []*Array{y}
		},
		"UnitNormalization": func(e *evaluator, in []*Array) []*Array {
			return []*Array{unitOf(in[0], e.l.axes(len(in[0].Shape)), e.m.floor(1e-12))}
		},
		"GroupNormalization": evalGroups,
		"Normalization": func(e *evaluator, in []*Array) []*Array {
			x := in[0]
			mean, variance, shape := e.l.adapted(e.m, x.Shape)
			y, of := newArray(x.Shape...), &Array{Shape: shape}
			walk(x.Shape, func(at int, index []int) {
				own := make([]int, len(index))
				for i := range own {
					own[i] = index[i] % shape[i]
				}
				c := of.at(own...)
				deviation := math.Max(math.Sqrt(float64(variance[c])), 1e-7)
				if y.Data[at] = (x.Data[at] - float64(mean[c])) / deviation; e.l.Config.flag("invert", false) {
					y.Data[at] = float64(mean[c]) + float64(x.Data[at]*deviation)
				}
			})
			return []*Array{y}
		},
	})
}

// pick takes some places of an index.
func pick(index, axes []int) []int {
	var out []int
	for _, a := range axes {
		out = append(out, index[a])
	}
	return out
}

// deviations is x less its mean, where center says so, by the root of the mean of squares
// over some dimensions.
func deviations(x *Array, axes []int, epsilon float64, center bool) *Array {
	n := 1.0
	for _, a := range axes {
		n *= float64(x.Shape[a])
	}
	y := newArray(x.Shape...)
	mean := sumsOver(x, axes, func(v float64) float64 { return v / n })
	walk(x.Shape, func(at int, index []int) {
		if y.Data[at] = x.Data[at]; center {
			y.Data[at] -= mean.Data[mean.at(clear(index, axes)...)]
		}
	})
	variance := sumsOver(y, axes, func(v float64) float64 { return v * v / n })
	walk(x.Shape, func(at int, index []int) {
		y.Data[at] /= math.Sqrt(variance.Data[variance.at(clear(index, axes)...)] + epsilon)
	})
	return y
}

// gained applies gamma and beta over some dimensions, where the layer has them.
func (e *evaluator) gained(y *Array, axes []int) *Array {
	names := e.l.present([2]string{"gamma", "scale"}, [2]string{"beta", "center"})
	if e.l.Config.flag("scale", true) {
		gamma := e.weight(names, "gamma")
		walk(y.Shape, func(at int, index []int) { y.Data[at] *= gamma.Data[gamma.at(pick(index, axes)...)] })
	}
	if e.l.Config.flag("center", true) {
		beta := e.weight(names, "beta")
		walk(y.Shape, func(at int, index []int) { y.Data[at] += beta.Data[beta.at(pick(index, axes)...)] })
	}
	return y
}

// evalGroups takes the mean and variance of each group of channels by itself.
func evalGroups(e *evaluator, in []*Array) []*Array {
	x := in[0]
	axis := e.l.axes(len(x.Shape))
	groups := int(e.l.Config.number("groups", 32))
	if groups == -1 {
		groups = x.Shape[axis[0]]
	}
	size := x.Shape[axis[0]] / groups
	sums, squares, count := make([]float64, groups), make([]float64, groups), float64(len(x.Data)/groups)
	walk(x.Shape, func(at int, index []int) { sums[index[axis[0]]/size] += x.Data[at] / count })
	walk(x.Shape, func(at int, index []int) {
		d := x.Data[at] - sums[index[axis[0]]/size]
		squares[index[axis[0]]/size] += d * d / count
	})
	y := newArray(x.Shape...)
	walk(x.Shape, func(at int, index []int) {
		g := index[axis[0]] / size
		y.Data[at] = (x.Data[at] - sums[g]) / math.Sqrt(squares[g]+e.l.Config.number("epsilon", 1e-3))
	})
	return []*Array{e.gained(y, axis)}
}
