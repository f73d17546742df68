// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"errors"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var _ = register(map[string]operator{
	"QuantizeLinear": quantizeLinear, "DequantizeLinear": dequantizeLinear, "DynamicQuantizeLinear": dynamicQuantizeLinear,
	"com.microsoft.QuantizeLinear": quantizeLinear, "com.microsoft.DequantizeLinear": dequantizeLinear,
	"QLinearConv": qlinearConv, "QLinearMatMul": qlinearMatMul, "MatMulInteger": matMulInteger, "ConvInteger": convInteger,
})

// limits are the integers of a quantized type.
func limits(t onnx.DataType) (lo, hi float64, err error) {
	switch t {
	case onnx.Uint8:
		return 0, 255, nil
	case onnx.Int8:
		return -128, 127, nil
	case onnx.Uint16:
		return 0, 65535, nil
	case onnx.Int16:
		return -32768, 32767, nil
	case onnx.Int32:
		return math.MinInt32, math.MaxInt32, nil
	case onnx.Uint4:
		return 0, 15, nil
	case onnx.Int4:
		return -8, 7, nil
	case onnx.Uint2:
		return 0, 3, nil
	case onnx.Int2:
		return -2, 1, nil
	}
	return 0, 0, fmt.Errorf("values are quantized to %v", t)
}

// grid finds for every element the scale and the zero point that it has.
type grid struct {
	scale, zero *Array // zero may be nil
	axis, block int
	shape       []int
}

func (c *call) grid(scale, zero *Array, shape []int, axis0, block int) (*grid, error) {
	g := &grid{scale: scale, zero: zero, block: block, shape: shape}
	if scale == nil {
		return nil, errors.New("its scale is missing")
	}
	if zero != nil && len(zero.Data) != len(scale.Data) && len(zero.Data) != 1 {
		return nil, fmt.Errorf("%d zero points for %d scales", len(zero.Data), len(scale.Data))
	}
	if len(scale.Data) == 1 && (block == 0 || len(shape) == 0) {
		return g, nil
	}
	var err error
	if g.axis, err = axis(axis0, len(shape)); err != nil {
		return nil, err
	}
	want := []int{shape[g.axis]}
	if block > 0 {
		want = append([]int{}, shape...)
		want[g.axis] = (shape[g.axis] + block - 1) / block
	}
	if elems(want) != len(scale.Data) || block > 0 && len(scale.Shape) != len(shape) {
		return nil, fmt.Errorf("scales of shape %v for values of shape %v", scale.Shape, shape)
	}
	return g, nil
}

func (g *grid) at(index []int) (scale, zero float64) {
	at := 0
	switch {
	case len(g.scale.Data) == 1:
	case g.block > 0:
		step := strides(g.scale.Shape)
		for d, x := range index {
			if d == g.axis {
				x /= g.block
			}
			at += x * step[d]
		}
	default:
		at = index[g.axis]
	}
	if g.zero != nil {
		zero = g.zero.Data[at%len(g.zero.Data)]
	}
	return g.scale.Data[at], zero
}

// quantized gives real numbers as integers: rounded half to even and saturated, or
// saturated alone.
func (c *call) quantized(x *Array, g *grid, t onnx.DataType, rounds bool) (*Array, error) {
	lo, hi, err := limits(t)
	if err != nil {
		return nil, err
	}
	y, err := c.make(t, x.Shape)
	if err != nil {
		return nil, err
	}
	each(x.Shape, func(at int, index []int) {
		s, z := g.at(index)
		v := x.Data[at] / s
		if rounds { // in the precision that the division has there
			v = math.RoundToEven(float64(float32(x.Data[at]) / float32(s)))
		}
		y.Data[at] = math.Max(lo, math.Min(hi, v+z))
	})
	return y, nil
}

func (c *call) dequantized(x *Array, g *grid) (*Array, error) {
	y, err := c.make(onnx.Float, x.Shape)
	if err != nil {
		return nil, err
	}
	each(x.Shape, func(at int, index []int) {
		s, z := g.at(index)
		y.Data[at] = (x.Data[at] - z) * s
	})
	return y, nil
}

func quantizeLinear(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	t, zero := onnx.DataType(c.Int("output_dtype", 0)), c.opt(2)
	if zero != nil {
		t = zero.Type
	} else if t == 0 {
		t = onnx.Uint8
	}
	g, err := c.grid(c.opt(1), zero, x.Shape, int(c.Int("axis", 1)), int(c.Int("block_size", 0)))
	if err != nil {
		return nil, err
	}
	y, err := c.quantized(x, g, t, c.exact(0))
	return []*Array{y}, err
}

func dequantizeLinear(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	g, err := c.grid(c.opt(1), c.opt(2), x.Shape, int(c.Int("axis", 1)), int(c.Int("block_size", 0)))
	if err != nil {
		return nil, err
	}
	y, err := c.dequantized(x, g)
	return []*Array{y}, err
}

// dynamicQuantizeLinear takes the range of its input, zero included, for that of uint8.
func dynamicQuantizeLinear(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	lo, hi := 0.0, 0.0
	for _, v := range x.Data {
		lo, hi = math.Min(lo, v), math.Max(hi, v)
	}
	scale := (hi - lo) / 255
	zero := 0.0
	if scale != 0 {
		zero = -lo / scale
	}
	if c.exact(0) {
		scale = float64(float32(scale))
		zero = math.RoundToEven(math.Max(0, math.Min(255, zero)))
	}
	s, z := &Array{Type: onnx.Float, Shape: []int{}, Data: []float64{scale}}, &Array{Type: onnx.Uint8, Shape: []int{}, Data: []float64{zero}}
	if scale == 0 { // all zeros: any scale will do
		s = &Array{Type: onnx.Float, Shape: []int{}, Data: []float64{1}}
	}
	y, err := c.quantized(x, &grid{scale: s, zero: z, shape: x.Shape}, onnx.Uint8, c.exact(0))
	if scale == 0 {
		s.Data[0] = 0
	}
	return []*Array{y, s, z}, err
}

// triple dequantizes three inputs: integers, scale, zero point.
func (c *call) triple(i, axis int) (*Array, error) {
	x, err := c.arg(i)
	if err != nil {
		return nil, err
	}
	if axis < 0 {
		axis += x.rank()
	}
	g, err := c.grid(c.opt(i+1), c.opt(i+2), x.Shape, axis, 0)
	if err != nil {
		return nil, err
	}
	return c.dequantized(x, g)
}

// result quantizes with scale and zero point at input i.
func (c *call) result(y *Array, i int) ([]*Array, error) {
	t := onnx.Uint8
	if z := c.opt(i + 1); z != nil {
		t = z.Type
	}
	g, err := c.grid(c.opt(i), c.opt(i+1), y.Shape, 1, 0)
	if err != nil {
		return nil, err
	}
	out, err := c.quantized(y, g, t, !c.real)
	return []*Array{out}, err
}

// inner runs another operator on values, with the node's attributes.
func (c *call) inner(f operator, in ...*Array) (*Array, error) {
	d := *c
	d.in = in
	out, err := f(&d)
	if err != nil {
		return nil, err
	}
	return out[0], nil
}

// sumBias is an int32 bias with the scale of input times weights.
func (c *call) sumBias(b, x, w *Array) (*Array, error) {
	if b == nil {
		return nil, nil
	}
	if x == nil || w == nil || len(x.Data) != 1 || len(w.Data) != 1 && len(w.Data) != len(b.Data) {
		return nil, errors.New("the scales of the bias do not fit")
	}
	out, err := c.make(onnx.Float, b.Shape)
	if err != nil {
		return nil, err
	}
	for i, v := range b.Data {
		out.Data[i] = v * float64(x.Data[0]*w.Data[i%len(w.Data)])
	}
	return out, nil
}

func qlinearConv(c *call) ([]*Array, error) {
	x, err := c.triple(0, 1)
	if err != nil {
		return nil, err
	}
	w, err := c.triple(3, 0)
	if err != nil {
		return nil, err
	}
	b, err := c.sumBias(c.opt(8), c.opt(1), c.opt(4))
	if err != nil {
		return nil, err
	}
	y, err := c.inner(conv, x, w, b)
	if err != nil {
		return nil, err
	}
	return c.result(y, 6)
}

func qlinearMatMul(c *call) ([]*Array, error) {
	a, err := c.triple(0, -2)
	if err != nil {
		return nil, err
	}
	b, err := c.triple(3, -1)
	if err != nil {
		return nil, err
	}
	y, err := c.inner(matMul, a, b)
	if err != nil {
		return nil, err
	}
	return c.result(y, 6)
}

// less takes the zero points off integers.
func (c *call) less(i, zero, axis int) (*Array, error) {
	x, err := c.arg(i)
	if err != nil {
		return nil, err
	}
	if axis < 0 {
		axis += x.rank()
	}
	one := &Array{Shape: []int{}, Data: []float64{1}}
	if z := c.opt(zero); z != nil {
		one = &Array{Shape: z.Shape, Data: make([]float64, len(z.Data))}
		for k := range one.Data {
			one.Data[k] = 1
		}
	}
	g, err := c.grid(one, c.opt(zero), x.Shape, axis, 0)
	if err != nil {
		return nil, err
	}
	return c.dequantized(x, g)
}

func integerProduct(f operator, axisA, axisB int) operator {
	return func(c *call) ([]*Array, error) {
		a, err := c.less(0, 2, axisA)
		if err != nil {
			return nil, err
		}
		b, err := c.less(1, 3, axisB)
		if err != nil {
			return nil, err
		}
		y, err := c.inner(f, a, b)
		if err != nil {
			return nil, err
		}
		y.Type = onnx.Int32
		return []*Array{y}, nil
	}
}

func matMulInteger(c *call) ([]*Array, error) { return integerProduct(matMul, -2, -1)(c) }
func convInteger(c *call) ([]*Array, error)   { return integerProduct(conv, 1, 0)(c) }
