// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"math"
	"slices"
)

func init() {
	register(map[string]layerKind{"Dot": dot, "Attention": attention, "AdditiveAttention": attention, "MultiHeadAttention": heads})
}

// dotAxes are the dimensions that a Dot layer sums over, of its two values.
func (l *Layer) dotAxes(ranks [2]int) (out [2]int) {
	list, several := l.Config["axes"].([]any)
	if !several {
		list = []any{l.Config["axes"], l.Config["axes"]}
	}
	if len(list) != 2 {
		refuse("axes %v: expected one or two", l.Config["axes"])
	}
	for i, a := range list {
		out[i] = l.axis(a, ranks[i])
	}
	return out
}

// dot sums products over a dimension of each of two values.
func dot(w *writer, in []value) []value {
	w.l.known("axes normalize")
	if len(in) != 2 || in[0].rank() < 2 || in[0].rank() > 3 || in[1].rank() < 2 || in[1].rank() > 3 {
		refuse("it reads %d values, expected two of two or three dimensions", len(in))
	}
	axes := w.l.dotAxes([2]int{in[0].rank(), in[1].rank()})
	var rest [2]int // elements beside the dimension that is summed over
	for i, v := range in {
		if rest[i] = elems(v.shape) / v.shape[axes[i]]; v.shape[axes[i]] != in[0].shape[axes[0]] {
			refuse("it sums over %d and %d elements", in[0].shape[axes[0]], v.shape[axes[i]])
		}
		if w.l.Config.flag("normalize", false) {
			in[i] = w.unit(v, []int{axes[i]}, w.m.floor(1e-7))
		}
	}
	n := in[0].shape[axes[0]]
	a, b := in[0], in[1]
	if a.rank() == 3 && axes[0] == 1 {
		a = w.transpose(a, 0, 2, 1)
	}
	if b.rank() == 3 && axes[1] == 2 {
		b = w.transpose(b, 0, 2, 1)
	}
	y := w.node("MatMul", nil, []int{1, rest[0], rest[1]}, w.reshape(a, 1, rest[0], n).name, w.reshape(b, 1, n, rest[1]).name)
	shape := []int{1}
	for i, v := range in {
		if v.rank() == 3 {
			shape = append(shape, v.shape[3-axes[i]])
		}
	}
	if len(shape) == 1 {
		shape = append(shape, 1)
	}
	return []value{w.reshape(y, shape...)}
}

// attention weighs rows of a value by how their keys fit a query. It reads [query, value]
// or [query, value, key], each [1,T,D].
func attention(w *writer, in []value) []value {
	l := w.l
	l.known("use_scale score_mode")
	if len(in) < 2 || len(in) > 3 {
		refuse("it reads %d values, expected a query, a value and perhaps a key", len(in))
	}
	q, v, k := want(in[0], 3), want(in[1], 3), want(in[len(in)-1], 3)
	if q.last() != k.last() || v.shape[1] != k.shape[1] {
		refuse("it reads shapes %v, %v and %v", q.shape, v.shape, k.shape)
	}
	shape := []int{1, q.shape[1], k.shape[1]}
	mode, scaled := l.Config.text("score_mode", "dot"), l.Config.flag("use_scale", l.Class == "AdditiveAttention")
	names := []string{}
	if scaled {
		names = append(names, "scale")
	}
	var scores value
	switch {
	case l.Class == "Attention" && mode == "dot":
		scores = w.node("MatMul", nil, shape, q.name, w.transpose(k, 0, 2, 1).name)
		if scaled {
			scores = w.affine(scores, take(w.m.tensors(l, names), "scale")[0], 0)
		}
	case l.Class == "AdditiveAttention" && l.Config["score_mode"] == nil, l.Class == "Attention" && mode == "concat":
		every := []int{1, q.shape[1], k.shape[1], q.last()}
		t := w.node("Add", nil, every, w.reshape(q, 1, q.shape[1], 1, q.last()).name, w.reshape(k, 1, 1, k.shape[1], k.last()).name)
		if l.Class == "Attention" {
			set := w.m.tensors(l, append(names, "concat_score_weight"))
			if scaled {
				t = w.affine(t, take(set, "scale")[0], 0)
			}
			t = w.node("Tanh", nil, every, t.name)
			scores = w.affine(w.node("ReduceSum", map[string]any{"keepdims": 0}, shape, t.name, w.ints(3)), take(set, "concat_score_weight")[0], 0)
			break
		}
		t = w.node("Tanh", nil, every, t.name)
		if scaled {
			t = w.node("Mul", nil, every, t.name, w.floats(take(w.m.tensors(l, names), "scale", q.last()), q.last()))
		}
		scores = w.node("ReduceSum", map[string]any{"keepdims": 0}, shape, t.name, w.ints(3))
	default:
		refuse("score_mode %s: expected dot or concat", mode)
	}
	weights := w.attend(scores)
	out := w.node("MatMul", nil, []int{1, q.shape[1], v.last()}, weights.name, v.name)
	if w.c.flag("return_attention_scores") {
		return []value{out, weights}
	}
	return []value{out}
}

// attend makes weights of scores [...,Tq,Tv]; where the call says so, no row sees later ones.
func (w *writer) attend(scores value) value {
	rank := scores.rank()
	if w.c.flag("use_causal_mask") {
		rows, cols := scores.shape[rank-2], scores.shape[rank-1]
		mask := make([]float32, rows*cols)
		for i := range rows {
			for j := i + 1; j < cols; j++ {
				mask[i*cols+j] = unseen
			}
		}
		scores = w.node("Add", nil, scores.shape, scores.name, w.floats(mask, rows, cols))
	}
	return w.node("Softmax", map[string]any{"axis": -1}, scores.shape, scores.name)
}

// unseen is added to a score that has no weight. Keras adds -1e9, beside which nothing is
// left of a score in float32; here the weight is 0 as well, and the range one that can be
// quantized.
const unseen = -1e4

// heads is attention with several heads, each with projections of its own.
func heads(w *writer, in []value) []value {
	l := w.l
	l.known("num_heads key_dim value_dim use_bias output_shape query_shape key_shape value_shape attention_axes")
	if a, given := l.Config["attention_axes"].([]any); l.Config["attention_axes"] != nil && (!given || len(a) != 1 || a[0] != 1.0) {
		refuse("attention_axes %v: expected 1", l.Config["attention_axes"])
	}
	q, v, k := l.queryValueKey(w.c, in)
	count, depth := l.Config.whole("num_heads", 0, 1), l.Config.whole("key_dim", 0, 1)
	wide, bias := l.Config.whole("value_dim", depth, 1), l.Config.flag("use_bias", true)
	outputs := want(q, 3).last()
	if list, ok := l.Config["output_shape"].([]any); ok {
		if len(list) != 1 {
			refuse("output_shape %v: expected one number", list)
		}
		outputs = config{"output_shape": list[0]}.whole("output_shape", 0, 1)
	} else {
		outputs = l.Config.whole("output_shape", outputs, 1)
	}
	if want(v, 3).shape[1] != want(k, 3).shape[1] {
		refuse("it reads %d values and %d keys", v.shape[1], k.shape[1])
	}
	// project gives [1,heads,T,n] of a value.
	project := func(x value, which, name string, n int) value {
		set := w.m.tensors(l.inside(which, name), []string{"kernel", "bias"})
		y := w.node("MatMul", nil, []int{1, x.shape[1], count * n}, x.name, w.floats(take(set, "kernel", x.last(), count, n), x.last(), count*n))
		if bias {
			y = w.node("Add", nil, y.shape, y.name, w.floats(take(set, "bias", count, n), count*n))
		}
		return w.transpose(w.reshape(y, 1, x.shape[1], count, n), 0, 2, 1, 3)
	}
	qs := w.affine(project(q, "query_dense", "query", depth), float32(1/math.Sqrt(float64(depth))), 0)
	ks, vs := project(k, "key_dense", "key", depth), project(v, "value_dense", "value", wide)
	weights := w.attend(w.node("MatMul", nil, []int{1, count, q.shape[1], k.shape[1]}, qs.name, w.transpose(ks, 0, 1, 3, 2).name))
	y := w.node("MatMul", nil, []int{1, count, q.shape[1], wide}, weights.name, vs.name)
	y = w.reshape(w.transpose(y, 0, 2, 1, 3), 1, q.shape[1], count*wide)
	set := w.m.tensors(l.inside("output_dense", "attention_output"), []string{"kernel", "bias"})
	out := w.node("MatMul", nil, []int{1, q.shape[1], outputs}, y.name, w.floats(take(set, "kernel", count, wide, outputs), count*wide, outputs))
	if bias {
		out = w.node("Add", nil, out.shape, out.name, w.floats(take(set, "bias", outputs), outputs))
	}
	if w.c.flag("return_attention_scores") {
		return []value{out, weights}
	}
	return []value{out}
}

// inside is a part of a layer with tensors of its own: as Keras 3 calls its attribute, and
// by its name.
func (l *Layer) inside(attribute, name string) *Layer {
	inner := *l
	inner.within = append(slices.Clip(l.within), part{attribute: attribute, name: name})
	return &inner
}

// queryValueKey sorts what a MultiHeadAttention reads: a query, a value, and a key that is
// the value where there is none.
func (l *Layer) queryValueKey(c call, in []value) (q, v, k value) {
	at := l.order(c, len(in))
	return in[at[0]], in[at[1]], in[at[2]]
}

// order are the places of query, value and key among the values that a call reads.
func (l *Layer) order(c call, n int) (at [3]int) {
	at = [3]int{-1, -1, -1}
	place := map[string]int{"query": 0, "value": 1, "key": 2}
	next := 0
	for i := range n {
		slot := next
		if i < len(c.names) && c.names[i] != "" {
			slot = place[c.names[i]]
		} else {
			next++
		}
		if slot > 2 || at[slot] >= 0 {
			refuse("it reads %d values, expected a query, a value and perhaps a key", n)
		}
		at[slot] = i
	}
	if at[0] < 0 || at[1] < 0 {
		refuse("it reads %d values, expected a query, a value and perhaps a key", n)
	}
	if at[2] < 0 {
		at[2] = at[1]
	}
	return at
}
