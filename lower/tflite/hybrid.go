// SPDX-License-Identifier: Apache-2.0

package tflite

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// hybrid makes float32 of the weights of a dynamic-range model: constants of 8 or 16 bits
// with scales that an operator takes for a result in float32. What the file's own runtime
// does besides, rounding the values that such weights are multiplied with to 8 bits of
// every call's range, is no part of the network. It returns how many constants there were.
func hybrid(g *graph.Graph) (n int, err error) {
	made := map[graph.TensorID]graph.TensorID{}
	for i, op := range g.Ops {
		switch op.Kind {
		case graph.Quantize, graph.Dequantize, graph.Cast, graph.Custom:
			continue // they take integers for what they are
		}
		if len(op.Outputs) == 0 || op.Outputs[0] == graph.None || g.Tensors[op.Outputs[0]].Type != graph.Float32 {
			continue
		}
		for pos, id := range op.Inputs {
			if id == graph.None || !g.Tensors[id].IsConst() || g.Tensors[id].Quant == nil {
				continue
			}
			switch g.Tensors[id].Type {
			case graph.Int8, graph.Uint8, graph.Int16:
			default:
				continue
			}
			if _, ok := made[id]; !ok {
				t, err := dequantized(g.Tensors[id])
				if err != nil {
					return 0, fmt.Errorf("operator %d (%v): %w", i, op.Kind, err)
				}
				made[id] = g.Add(t)
			}
			op.Inputs[pos] = made[id]
		}
	}
	return len(made), nil
}

// dequantized is the constant of the real values that a quantized one stands for.
func dequantized(t *graph.Tensor) (*graph.Tensor, error) {
	q, size := t.Quant, t.Type.Size()
	channels, inner := 1, 1
	if n := len(q.Scales); n > 1 {
		if q.Axis < 0 || q.Axis >= len(t.Shape) || t.Shape[q.Axis] != n {
			return nil, fmt.Errorf("weights %q have %d scales along dimension %d of %v", t.Name, n, q.Axis, t.Shape)
		}
		channels, inner = n, graph.Elems(t.Shape[q.Axis+1:])
	}
	if len(q.Scales) == 0 || len(t.Data) != size*t.Elems() {
		return nil, fmt.Errorf("weights %q of shape %v have %d scales and %d bytes of %v", t.Name, t.Shape, len(q.Scales), len(t.Data), t.Type)
	}
	if n := len(q.ZeroPoints); n > 0 && n != channels {
		return nil, fmt.Errorf("weights %q have %d zero points for %d scales", t.Name, len(q.ZeroPoints), channels)
	}
	data := make([]byte, 0, 4*t.Elems())
	for i := range t.Elems() {
		var v int64
		switch t.Type {
		case graph.Int8:
			v = int64(int8(t.Data[i]))
		case graph.Uint8:
			v = int64(t.Data[i])
		default:
			v = int64(int16(binary.LittleEndian.Uint16(t.Data[2*i:])))
		}
		channel := i / inner % channels
		if len(q.ZeroPoints) > 0 {
			v -= int64(q.ZeroPoints[channel])
		}
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(float32(float64(v)*float64(q.Scales[channel]))))
	}
	return &graph.Tensor{Name: t.Name, Type: graph.Float32, Shape: t.Shape, Data: data}, nil
}
