// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// maxWeightSum is the largest sum of absolute weights of one output for which
// no input can overflow the 32-bit accumulator; maxBias leaves it half.
const (
	maxWeightSum = 8_323_072
	maxBias      = 1 << 30
)

// floats returns the values of a float constant.
func floats(t *graph.Tensor) []float32 {
	out := make([]float32, t.Elems())
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*i:]))
	}
	return out
}

// weightKey identifies a quantized matrix: the same float constant may meet
// inputs of another scale only in graphs that do not share roles.
type weightKey struct {
	id      graph.TensorID
	in, out float32
}

type biasKey struct {
	id, weights graph.TensorID
	in          float32
	excess      int32
	compute     graph.DType
}

// channels returns the number of outputs of an operator's weights, the dimension that
// tells them apart, and the output that an element belongs to.
func channels(op *graph.Op, shape []int) (n, axis int, of func(i int) int) {
	if op.Kind == graph.DepthwiseConv2D { // [1,H,W,O]
		n = shape[len(shape)-1]
		return n, len(shape) - 1, func(i int) int { return i % n }
	}
	n = shape[0] // [O,I] or [O,H,W,I]
	each := max(graph.Elems(shape)/max(n, 1), 1)
	return n, 0, func(i int) int { return i / each }
}

// weights quantizes weights symmetrically to -127..127, or to as many levels as the
// options say, with one scale for the tensor or for each output. A scale is raised
// where the bias would not fit into its 32 bits, and where it would fall below what the
// rescaling of the accumulator can express.
func (c *converter) weights(op *graph.Op, id, bias graph.TensorID, in, out *graph.Quant) (graph.TensorID, error) {
	key := weightKey{id, in.Scales[0], out.Scales[0]}
	if got, ok := c.weightOf[key]; ok {
		return got, nil
	}
	src := c.plan.Graph.Tensors[id]
	rows, axis, of := channels(op, src.Shape)
	w := floats(src)
	b := make([]float32, rows)
	if bias != graph.None {
		copy(b, floats(c.plan.Graph.Tensors[bias]))
	}
	scales, err := c.weightScales(src.Name, w, b, in, out, of)
	if err != nil {
		return 0, err
	}
	chosen, ok := c.o.WeightScales[id]
	if ok {
		for o := range scales {
			scales[o] = chosen[o%len(chosen)] // one for all, or one each
		}
	}
	quant := graph.PerChannel(scales, axis)
	if c.o.PerTensor || rows == 1 {
		top := scales[0]
		for _, s := range scales {
			top = max(top, s)
		}
		for o := range scales {
			scales[o] = top
		}
		quant = graph.PerTensor(top, 0)
	}
	made := c.o.Cache.rounded(id, in.Scales[0], scales, func() roundedWeights {
		return c.round(id, w, scales, axis, in, of)
	})
	got := c.out.Add(&graph.Tensor{Name: src.Name, Type: graph.Int8, Shape: src.Shape, Quant: quant, Data: made.data})
	if made.mean != nil {
		c.meanOf[got] = made.mean
	}
	c.weightOf[key] = got
	return got, nil
}

// weightScales returns the scale of every output of weights with biases b.
func (c *converter) weightScales(name string, w, b []float32, in, out *graph.Quant, of func(int) int) ([]float32, error) {
	rows := len(b)
	if cols := len(w) / rows; cols*127 > maxWeightSum {
		return nil, fmt.Errorf("weights %q have %d inputs for each output; at most %d keep the 32-bit accumulator safe", name, cols, maxWeightSum/127)
	}
	scales, tops := make([]float32, rows), make([]float64, rows)
	for i, v := range w {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("weights %q: output %d has the value %v", name, of(i), v)
		}
		tops[of(i)] = math.Max(tops[of(i)], math.Abs(float64(v)))
	}
	for o, top := range tops {
		s := top / float64(c.o.WeightLevels)
		s = math.Max(s, math.Abs(float64(b[o]))/float64(in.Scales[0])/maxBias)
		s = math.Max(s, math.Ldexp(float64(out.Scales[0])/float64(in.Scales[0]), -28))
		scales[o] = float32(s)
	}
	return scales, nil
}

// round rounds weights to integers with the given scales, one for every output.
func (c *converter) round(id graph.TensorID, w, scales []float32, axis int, in *graph.Quant, of func(int) int) roundedWeights {
	data, top := make([]byte, len(w)), float64(c.o.WeightLevels)
	m, rows := c.o.Moments[id], len(scales)
	if m == nil || axis != 0 {
		for i, v := range w {
			q := math.Round(float64(v) / float64(scales[of(i)]))
			data[i] = byte(int8(min(max(q, -top), top)))
		}
		return roundedWeights{data: data}
	}
	cols := len(w) / rows
	r := newRounder(m, float64(in.Scales[0])*float64(in.Scales[0])/12)
	for o, s := range scales {
		r.round(data[o*cols:(o+1)*cols], w[o*cols:(o+1)*cols], s, top)
	}
	mean := make([]float64, rows)
	for i, v := range w {
		o := i / cols
		e := float64(float64(int8(data[i]))*float64(scales[o])) - float64(v)
		mean[o] += float64(e * m.Mean[i%cols])
	}
	return roundedWeights{data, mean}
}

// maxMultiplier bounds the factor from products to 16-bit results; kernels take it
// below 128.
const maxMultiplier = 64

// reach raises the scale of a 16-bit result where products of 8-bit values cannot
// have it that fine: a factor beyond maxMultiplier would give results in steps of
// as much. It takes inputs far larger than the range of what is made of them.
func (c *converter) reach(weights graph.TensorID, in, out *graph.Quant) {
	top := 0.0
	for _, v := range floats(c.plan.Graph.Tensors[weights]) {
		top = math.Max(top, math.Abs(float64(v)))
	}
	unit := float64(in.Scales[0]) * top / float64(c.o.WeightLevels) // of a product
	out.Scales[0] = max(out.Scales[0], float32(unit/maxMultiplier))
}

// bias quantizes a bias to the scale of the products it is added to, less what
// the products have too much because the inputs are too large by excess. 16-bit
// products get one in any case: without it TFLite for desktops sums in 32 bits and
// rescales otherwise than TFLite Micro, by up to 1.
func (c *converter) bias(op *graph.Op, id, weights graph.TensorID, in *graph.Quant, excess int32, compute graph.DType) (graph.TensorID, error) {
	if id == graph.None && compute == graph.Int8 {
		return id, nil
	}
	key := biasKey{id, weights, in.Scales[0], excess, compute}
	if got, ok := c.biasOf[key]; ok {
		return got, nil
	}
	w := c.out.Tensors[weights]
	rows, _, _ := channels(op, w.Shape)
	name, values := w.Name+"_bias", make([]float32, rows)
	if id != graph.None {
		src := c.plan.Graph.Tensors[id]
		name, values = src.Name, floats(src)
	}
	got, err := c.addBias(op, name, values, weights, in, excess, compute)
	if err == nil {
		c.biasOf[key] = got
	}
	return got, err
}

// addBias adds the bias of these values.
func (c *converter) addBias(op *graph.Op, name string, values []float32, weights graph.TensorID, in *graph.Quant, excess int32, compute graph.DType) (graph.TensorID, error) {
	w := c.out.Tensors[weights]
	rows, _, of := channels(op, w.Shape)
	scales := make([]float32, len(w.Quant.Scales))
	for i, s := range w.Quant.Scales {
		scales[i] = float32(in.Scales[0] * s)
	}
	t := &graph.Tensor{Name: name, Type: graph.Int32, Shape: []int{rows}}
	if t.Quant = graph.PerTensor(scales[0], 0); len(scales) > 1 {
		t.Quant = graph.PerChannel(scales, 0)
	}
	if compute == graph.Int16 {
		t.Type = graph.Int64
	}
	sums := make([]int64, rows) // of the integer weights of every output
	for i, x := range w.Data {
		sums[of(i)] += int64(int8(x))
	}
	for i, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return 0, fmt.Errorf("bias %q: output %d has the value %v", name, i, v)
		}
		real := float64(v)
		if mean := c.meanOf[weights]; mean != nil {
			real -= mean[i]
		}
		q := int64(math.Round(real / float64(scales[i%len(scales)])))
		q -= int64(excess) * sums[i]
		if t.Type == graph.Int64 {
			t.Data = binary.LittleEndian.AppendUint64(t.Data, uint64(q))
		} else {
			t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(int32(q)))
		}
	}
	return c.out.Add(t), nil
}

type constKey struct {
	id    graph.TensorID
	t     graph.DType
	scale float32
	zero  int32
}

// operand quantizes the constant operand of an elementwise operator,
// symmetrically around zero.
func (c *converter) operand(id graph.TensorID, t graph.DType) graph.TensorID {
	return c.constant(id, t, graph.PerTensor(c.operandScale(id, t), 0))
}

func (c *converter) operandScale(id graph.TensorID, t graph.DType) float32 {
	top := 0.0
	for _, v := range floats(c.plan.Graph.Tensors[id]) {
		top = math.Max(top, math.Abs(float64(v)))
	}
	_, limit := t.Limits()
	if top == 0 {
		top = float64(limit) // nothing to resolve; scale 1
	}
	return float32(top / float64(limit))
}

// constant quantizes a constant as it is told.
func (c *converter) constant(id graph.TensorID, t graph.DType, quant *graph.Quant) graph.TensorID {
	key := constKey{id, t, quant.Scales[0], quant.ZeroPoints[0]}
	if got, ok := c.constOf[key]; ok {
		return got
	}
	src := c.plan.Graph.Tensors[id]
	lo, hi := t.Limits()
	dst := &graph.Tensor{Name: src.Name, Type: t, Shape: src.Shape, Quant: quant}
	for _, v := range floats(src) {
		q := math.Round(float64(v)/float64(key.scale)) + float64(key.zero)
		n := int64(min(max(q, float64(lo)), float64(hi)))
		if t == graph.Int16 {
			dst.Data = binary.LittleEndian.AppendUint16(dst.Data, uint16(int16(n)))
		} else {
			dst.Data = append(dst.Data, byte(int8(n)))
		}
	}
	got := c.out.Add(dst)
	c.constOf[key] = got
	return got
}
