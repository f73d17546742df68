// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"math"
	"slices"
)

// batchNorm has its channels in the second place for ONNX.
func batchNorm(w *writer, in []value) []value {
	w.l.known("axis epsilon center scale")
	v, c := in[0], w.l.Config
	axis := v.rank() - 1
	if a := c["axis"]; a != nil {
		axis = w.l.axis(a, v.rank())
	}
	channels := v.shape[axis]
	names := []string{"moving_mean", "moving_variance"}
	if c.flag("center", true) {
		names = append([]string{"beta"}, names...)
	}
	if c.flag("scale", true) {
		names = append([]string{"gamma"}, names...)
	}
	set := w.m.tensors(w.l, names)
	gamma, beta := make([]float32, channels), make([]float32, channels)
	for i := range gamma {
		gamma[i] = 1
	}
	if c.flag("scale", true) {
		gamma = take(set, "gamma", channels)
	}
	if c.flag("center", true) {
		beta = take(set, "beta", channels)
	}
	variance := take(set, "moving_variance", channels)
	if least := slices.Min(variance); float64(least)+c.epsilon() <= 0 {
		refuse("its moving_variance has a value of %g, expected more than 0 with its epsilon", least)
	}
	perm, back := []int{0, axis}, make([]int, v.rank())
	for i := 1; i < v.rank(); i++ {
		if i != axis {
			perm = append(perm, i)
		}
	}
	for i, p := range perm {
		back[p] = i
	}
	t := w.transpose(v, perm...)
	t = w.node("BatchNormalization", map[string]any{"epsilon": c.epsilon()}, t.shape, t.name,
		w.floats(gamma, channels), w.floats(beta, channels),
		w.floats(take(set, "moving_mean", channels), channels), w.floats(variance, channels))
	return []value{w.transpose(t, back...)}
}

// axes reads one dimension or several, the last one where there is none, in ascending order.
func (l *Layer) axes(rank int) []int {
	v := l.Config["axis"]
	if v == nil {
		return []int{rank - 1}
	}
	list, several := v.([]any)
	if !several {
		list = []any{v}
	}
	var out []int
	for _, a := range list {
		out = append(out, l.axis(a, rank))
	}
	if len(out) == 0 || !slices.IsSorted(out) || len(slices.Compact(slices.Clone(out))) != len(out) {
		refuse("axis %v: expected dimensions in ascending order", v)
	}
	return out
}

// along is a tensor of a layer over some dimensions, in a shape that fits the value.
func (w *writer) along(data []float32, v value, axes []int) string {
	shape := slices.Repeat([]int{1}, v.rank())
	for _, a := range axes {
		shape[a] = v.shape[a]
	}
	return w.floats(data, shape...)
}

// over are the sizes of some dimensions, and how many elements they have.
func over(v value, axes []int) (sizes []int, n int) {
	n = 1
	for _, a := range axes {
		sizes, n = append(sizes, v.shape[a]), n*v.shape[a]
	}
	return sizes, n
}

// mean is that over some dimensions, which stay with size 1.
func (w *writer) mean(v value, axes []int) value {
	shape := slices.Clone(v.shape)
	for _, a := range axes {
		shape[a] = 1
	}
	return w.node("ReduceMean", map[string]any{"axes": axes, "keepdims": 1}, shape, v.name)
}

// whitened is a value less its mean, where center says so, by its deviation over some dimensions.
func (w *writer) whitened(v value, axes []int, epsilon float64, center bool) value {
	if center {
		v = w.node("Sub", nil, v.shape, v.name, w.mean(v, axes).name)
	}
	spread := w.mean(w.node("Mul", nil, v.shape, v.name, v.name), axes)
	spread = w.affine(spread, 1, float32(epsilon))
	return w.node("Div", nil, v.shape, v.name, w.node("Sqrt", nil, spread.shape, spread.name).name)
}

// gainAndShift applies the gamma and beta that the description says there are, over some dimensions.
func (w *writer) gainAndShift(v value, axes []int) value {
	c := w.l.Config
	names := w.l.present([2]string{"gamma", "scale"}, [2]string{"beta", "center"})
	set := w.m.tensors(w.l, names)
	sizes, _ := over(v, axes)
	if c.flag("scale", true) {
		v = w.node("Mul", nil, v.shape, v.name, w.along(take(set, "gamma", sizes...), v, axes))
	}
	if c.flag("center", true) {
		v = w.node("Add", nil, v.shape, v.name, w.along(take(set, "beta", sizes...), v, axes))
	}
	return v
}

func layerNorm(w *writer, in []value) []value {
	w.l.known("axis epsilon center scale")
	v, c := in[0], w.l.Config
	axes := w.l.axes(v.rank())
	if !slices.Equal(axes, []int{v.rank() - 1}) {
		return []value{w.gainAndShift(w.whitened(v, axes, c.epsilon(), true), axes)}
	}
	n := v.last()
	set := w.m.tensors(w.l, w.l.present([2]string{"gamma", "scale"}, [2]string{"beta", "center"}))
	scale, shift := slices.Repeat([]float32{1}, n), make([]float32, n)
	if c.flag("scale", true) {
		scale = take(set, "gamma", n)
	}
	if c.flag("center", true) {
		shift = take(set, "beta", n)
	}
	return []value{w.node("LayerNormalization", map[string]any{"axis": -1, "epsilon": c.epsilon()}, v.shape, v.name, w.floats(scale, n), w.floats(shift, n))}
}

// rmsNorm divides by the root of the mean of squares.
func rmsNorm(w *writer, in []value) []value {
	w.l.known("axis epsilon")
	v := in[0]
	axes := w.l.axes(v.rank())
	sizes, _ := over(v, axes)
	scale := take(w.m.tensors(w.l, []string{"scale"}), "scale", sizes...)
	v = w.whitened(v, axes, w.l.Config.number("epsilon", 1e-6), false)
	return []value{w.node("Mul", nil, v.shape, v.name, w.along(scale, v, axes))}
}

// groupNorm whitens every group of channels over all other dimensions.
func groupNorm(w *writer, in []value) []value {
	w.l.known("groups axis epsilon center scale")
	v, c := in[0], w.l.Config
	axis := w.l.axes(v.rank())
	if len(axis) != 1 {
		refuse("axis %v: expected one", c["axis"])
	}
	a := axis[0]
	if f, ok := c["axis"].(float64); ok && f < -1 {
		refuse("axis %v: expected -1 or one from 1 on", f)
	}
	groups := int(c.number("groups", 32))
	if groups == -1 {
		groups = v.shape[a]
	}
	if groups < 1 || v.shape[a]%groups != 0 {
		refuse("%d groups of %d channels", groups, v.shape[a])
	}
	split := append(slices.Clone(v.shape[:a]), groups, v.shape[a]/groups)
	split = append(split, v.shape[a+1:]...)
	var rest []int
	for i := 1; i < len(split); i++ {
		if i != a {
			rest = append(rest, i)
		}
	}
	x := w.reshape(w.whitened(w.reshape(v, split...), rest, c.epsilon(), true), v.shape...)
	return []value{w.gainAndShift(x, axis)}
}

// floor is what the norm of a value is at least, where a layer divides by it: Keras 2 has it
// under the root.
func (m *Model) floor(three float64) float64 {
	if m.legacy() {
		return 1e-6
	}
	return three
}

// unit divides a value by its norm over some dimensions.
func (w *writer) unit(v value, axes []int, floor float64) value {
	square := w.node("Mul", nil, v.shape, v.name, v.name)
	shape := slices.Clone(v.shape)
	for _, a := range axes {
		shape[a] = 1
	}
	sum := w.node("ReduceSum", map[string]any{"keepdims": 1}, shape, square.name, w.ints(axes...))
	sum = w.node("Max", nil, shape, sum.name, w.floats([]float32{float32(floor * floor)}))
	return w.node("Div", nil, v.shape, v.name, w.node("Sqrt", nil, shape, sum.name).name)
}

// normalization subtracts a mean and divides by a deviation of the training data, or the
// other way round. Both are weights, or numbers in its description.
func normalization(w *writer, in []value) []value {
	w.l.known("axis mean variance invert input_mean input_variance")
	v, c := in[0], w.l.Config
	mean, variance, shape := w.l.adapted(w.m, v.shape)
	shift, factor := make([]float32, len(mean)), make([]float32, len(mean))
	for i := range mean {
		if variance[i] < 0 {
			refuse("its variance has a value of %g, expected 0 or more", variance[i])
		}
		deviation := math.Max(math.Sqrt(float64(variance[i])), 1e-7)
		shift[i], factor[i] = -mean[i], float32(1/deviation)
		if c.flag("invert", false) {
			shift[i], factor[i] = mean[i], float32(deviation)
		}
	}
	if c.flag("invert", false) {
		v = w.node("Mul", nil, v.shape, v.name, w.floats(factor, shape...))
		return []value{w.node("Add", nil, v.shape, v.name, w.floats(shift, shape...))}
	}
	v = w.node("Add", nil, v.shape, v.name, w.floats(shift, shape...))
	return []value{w.node("Mul", nil, v.shape, v.name, w.floats(factor, shape...))}
}

// adapted are the mean and the variance of a Normalization layer, in a shape that fits its input.
func (l *Layer) adapted(m *Model, of []int) (mean, variance []float32, shape []int) {
	shape, n := slices.Repeat([]int{1}, len(of)), 1
	var sizes []int
	v, given := l.Config["axis"]
	if list, ok := v.([]any); !given || v != nil && (!ok || len(list) > 0) { // else one mean of all
		for _, a := range l.axes(len(of)) {
			shape[a], n, sizes = of[a], n*of[a], append(sizes, of[a])
		}
	}
	stated := func(key string) []float32 {
		v := l.Config[key]
		if v == nil {
			v = l.Config["input_"+key]
		}
		return flat(v, key, n)
	}
	if l.Config["mean"] != nil || l.Config["input_mean"] != nil {
		return stated("mean"), stated("variance"), shape
	}
	set := m.tensors(l, []string{"mean", "variance"})
	return take(set, "mean", sizes...), take(set, "variance", sizes...), shape
}

// flat reads numbers in lists, however deep: n of them, or one for all.
func flat(v any, key string, n int) (out []float32) {
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case float64:
			out = append(out, float32(v))
		case []any:
			for _, x := range v {
				walk(x)
			}
		default:
			refuse("%s is %v, expected numbers", key, v)
		}
	}
	if m, ok := v.(map[string]any); ok { // an array, as Keras 3 writes it
		inner, _ := m["config"].(map[string]any)
		v = inner["value"]
	}
	if walk(v); len(out) == 1 {
		return slices.Repeat(out, n)
	}
	if len(out) != n {
		refuse("%s has %d numbers, expected %d", key, len(out), n)
	}
	return out
}

// vector reads a number, or one for each of the last dimension.
func (c config) vector(key string, def float32, n int) []float32 {
	if c[key] == nil {
		return []float32{def}
	}
	if _, one := c[key].(float64); one {
		return flat(c[key], key, 1)
	}
	return flat(c[key], key, n)
}
