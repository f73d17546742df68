// SPDX-License-Identifier: Apache-2.0

package keras

import "math"

func init() {
	evaluates(map[string]func(e *evaluator, in []*Array) []*Array{
		"Dot": evalDot, "Attention": evalAttention, "AdditiveAttention": evalAttention, "MultiHeadAttention": evalHeads,
	})
}

func evalDot(e *evaluator, in []*Array) []*Array {
	axes := e.l.dotAxes([2]int{len(in[0].Shape), len(in[1].Shape)})
	if e.l.Config.flag("normalize", false) {
		in = []*Array{unitOf(in[0], axes[:1], e.m.floor(1e-7)), unitOf(in[1], axes[1:], e.m.floor(1e-7))}
	}
	shape := []int{1}
	for i, x := range in {
		for d, n := range x.Shape {
			if d > 0 && d != axes[i] {
				shape = append(shape, n)
			}
		}
	}
	if len(shape) == 1 {
		shape = append(shape, 1)
	}
	y := newArray(shape...)
	walk(shape, func(at int, index []int) {
		var own [2][]int
		rest := index[1:]
		for i, x := range in {
			own[i] = make([]int, len(x.Shape))
			for d := range x.Shape {
				if d > 0 && d != axes[i] {
					own[i][d], rest = rest[0], rest[1:]
				}
			}
		}
		for k := range in[0].Shape[axes[0]] {
			own[0][axes[0]], own[1][axes[1]] = k, k
			y.Data[at] += float64(in[0].Data[in[0].at(own[0]...)] * in[1].Data[in[1].at(own[1]...)])
		}
	})
	return []*Array{y}
}

// unitOf divides by the norm over some dimensions.
func unitOf(x *Array, axes []int, floor float64) *Array {
	sums := sumsOver(x, axes, func(v float64) float64 { return v * v })
	y := newArray(x.Shape...)
	walk(x.Shape, func(at int, index []int) {
		y.Data[at] = x.Data[at] / math.Sqrt(math.Max(sums.Data[sums.at(clear(index, axes)...)], floor*floor))
	})
	return y
}

// clear sets some places of an index to 0.
func clear(index, axes []int) []int {
	out := append([]int{}, index...)
	for _, a := range axes {
		out[a] = 0
	}
	return out
}

// sumsOver adds f of the elements along some dimensions, which stay with size 1.
func sumsOver(x *Array, axes []int, f func(float64) float64) *Array {
	shape := append([]int{}, x.Shape...)
	for _, a := range axes {
		shape[a] = 1
	}
	y := newArray(shape...)
	walk(x.Shape, func(at int, index []int) { y.Data[y.at(clear(index, axes)...)] += f(x.Data[at]) })
	return y
}

// weigh are the weights of a query's scores of n values; row is its place.
func (e *evaluator) weigh(score func(j int) float64, row, n int) []float64 {
	top, sum := math.Inf(-1), 0.0
	out := make([]float64, n)
	for j := range out {
		if out[j] = score(j); e.c.flag("use_causal_mask") && j > row {
			out[j] = math.Inf(-1)
		}
		top = math.Max(top, out[j])
	}
	for j := range out {
		out[j] = math.Exp(out[j] - top)
		sum += out[j]
	}
	for j := range out {
		out[j] /= sum
	}
	return out
}

func evalAttention(e *evaluator, in []*Array) []*Array {
	q, v, k := in[0], in[1], in[len(in)-1]
	additive := e.l.Class == "AdditiveAttention"
	scaled := e.l.Config.flag("use_scale", additive)
	concat := e.l.Config.text("score_mode", "dot") == "concat"
	var names []string
	if scaled {
		names = append(names, "scale")
	}
	if concat {
		names = append(names, "concat_score_weight")
	}
	scale := func(int) float64 { return 1 }
	if scaled {
		s := e.weight(names, "scale")
		scale = func(c int) float64 { return s.Data[c%len(s.Data)] }
	}
	factor := 1.0
	if concat {
		factor = e.weight(names, "concat_score_weight").Data[0]
	}
	y, weights := newArray(1, q.Shape[1], v.Shape[2]), newArray(1, q.Shape[1], k.Shape[1])
	for i := range q.Shape[1] {
		row := e.weigh(func(j int) float64 {
			sum := 0.0
			for c := range q.Shape[2] {
				a, b := q.Data[q.at(0, i, c)], k.Data[k.at(0, j, c)]
				switch {
				case additive:
					sum += float64(scale(c) * math.Tanh(a+b))
				case concat:
					sum += float64(factor * math.Tanh(scale(c)*(a+b)))
				default:
					sum += float64(scale(c) * a * b)
				}
			}
			return sum
		}, i, k.Shape[1])
		copy(weights.Data[weights.at(0, i, 0):], row)
		for j, p := range row {
			for c := range v.Shape[2] {
				y.Data[y.at(0, i, c)] += float64(p * v.Data[v.at(0, j, c)])
			}
		}
	}
	if e.c.flag("return_attention_scores") {
		return []*Array{y, weights}
	}
	return []*Array{y}
}

func evalHeads(e *evaluator, in []*Array) []*Array {
	at := e.l.order(e.c, len(in))
	q, v, k := in[at[0]], in[at[1]], in[at[2]]
	names := []string{"kernel", "bias"}
	// project gives [T][head][n] of a value: the sum over its channels.
	project := func(x *Array, attribute, name string) func(t, head, i int) float64 {
		inner := &evaluator{m: e.m, l: e.l.inside(attribute, name)}
		kernel := inner.weight(names, "kernel")
		var bias *Array
		if e.l.Config.flag("use_bias", true) {
			bias = inner.weight(names, "bias")
		}
		return func(t, head, i int) float64 {
			sum := 0.0
			for c := range x.Shape[2] {
				sum += float64(x.Data[x.at(0, t, c)] * kernel.Data[kernel.at(c, head, i)])
			}
			if bias != nil {
				sum += bias.Data[bias.at(head, i)]
			}
			return sum
		}
	}
	query, key, val := project(q, "query_dense", "query"), project(k, "key_dense", "key"), project(v, "value_dense", "value")
	last := &evaluator{m: e.m, l: e.l.inside("output_dense", "attention_output")}
	kernel := last.weight(names, "kernel")
	count, wide, outputs := kernel.Shape[0], kernel.Shape[1], kernel.Shape[2]
	depth := e.l.Config.whole("key_dim", 0, 1)
	y, weights := newArray(1, q.Shape[1], outputs), newArray(1, count, q.Shape[1], k.Shape[1])
	for i := range q.Shape[1] {
		for h := range count {
			row := e.weigh(func(j int) float64 {
				sum := 0.0
				for c := range depth {
					sum += float64(query(i, h, c) * key(j, h, c))
				}
				return sum / math.Sqrt(float64(depth))
			}, i, k.Shape[1])
			copy(weights.Data[weights.at(0, h, i, 0):], row)
			for c := range wide {
				sum := 0.0
				for j, p := range row {
					sum += float64(p * val(j, h, c))
				}
				for o := range outputs {
					y.Data[y.at(0, i, o)] += float64(sum * kernel.Data[kernel.at(h, c, o)])
				}
			}
		}
		if e.l.Config.flag("use_bias", true) {
			for o, b := range last.weight(names, "bias").Data {
				y.Data[y.at(0, i, o)] += b
			}
		}
	}
	if e.c.flag("return_attention_scores") {
		return []*Array{y, weights}
	}
	return []*Array{y}
}
