// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// program is a float graph with the grid of every value.
type program struct {
	g      *graph.Graph
	grids  []grid // by TensorID; step 0 where a value is not rounded
	consts map[graph.TensorID]*constant
	order  []graph.TensorID // of the constants
	fed    []graph.TensorID // all inputs
}

// grid holds the real values a quantized tensor can take: step*(q-zero) for q in
// low..high.
type grid struct {
	step      float32
	low, high float32 // real values
}

// constant is a float constant of the graph: its value, and the value on its
// grid, which the forward pass uses.
type constant struct {
	name    string
	shape   []int
	value   []float32
	rounded []float32
	weights bool      // on an int8 grid of its own
	levels  float32   // its largest magnitude there
	rows    int       // with a scale each; 1 is one scale for all
	scales  []float32 // of the rows where they are fixed, else nil
	apart   bool      // an output's weights lie rows elements apart, those of a depthwise convolution
}

// newProgram joins the float graph with the quantization of the tensors of the
// same names, weights having the given largest magnitude; 0 is 127.
func newProgram(float, quantized *graph.Graph, levels int) (*program, error) {
	p := &program{g: float, grids: make([]grid, len(float.Tensors)), consts: map[graph.TensorID]*constant{}}
	matrices, apart := map[graph.TensorID]bool{}, map[graph.TensorID]bool{}
	for _, op := range float.Ops {
		switch op.Kind {
		case graph.FullyConnected, graph.Conv2D:
			matrices[op.Inputs[1]] = true
		case graph.DepthwiseConv2D:
			matrices[op.Inputs[1]], apart[op.Inputs[1]] = true, true
		}
	}
	for i, t := range float.Tensors {
		id := graph.TensorID(i)
		var q *graph.Tensor
		if found := quantized.Find(t.Name); found != graph.None {
			q = quantized.Tensors[found]
		}
		if t.IsConst() {
			if t.Type == graph.Float32 {
				c := &constant{name: t.Name, shape: t.Shape, value: make([]float32, t.Elems()), rounded: make([]float32, t.Elems()), rows: 1}
				for j := range c.value {
					c.value[j] = math.Float32frombits(binary.LittleEndian.Uint32(t.Data[4*j:]))
				}
				if q != nil && q.Type == graph.Int8 {
					c.weights, c.rows, c.levels = true, max(len(q.Quant.Scales), 1), math.MaxInt8
					if matrices[id] {
						c.levels, c.apart = float32(cmp.Or(levels, math.MaxInt8)), apart[id]
					}
				}
				p.consts[id] = c
				p.order = append(p.order, id)
			}
			continue
		}
		if q == nil || q.Quant == nil {
			continue
		}
		limit := float32(math.MaxInt8)
		if q.Type == graph.Int16 {
			limit = math.MaxInt16
		}
		s, z := q.Scale(), float32(q.ZeroPoint())
		p.grids[id] = grid{s, s * (-limit - 1 - z), s * (limit - z)}
	}
	if len(float.Inputs) == 0 || len(float.Outputs) == 0 {
		return nil, fmt.Errorf("graph %q has no inputs or no outputs", float.Name)
	}
	p.fed = float.Inputs
	return p, nil
}

// exact switches all rounding off, for the test of the gradients.
func (p *program) exact() {
	clear(p.grids)
	for _, c := range p.consts {
		c.weights = false
	}
}

// quantizeConstants rounds every matrix to its grid, whose scale follows the
// largest weight.
func (p *program) quantizeConstants() {
	for _, c := range p.consts {
		if !c.weights {
			copy(c.rounded, c.value)
			continue
		}
		cols := len(c.value) / c.rows
		for r := range c.rows {
			first, step := r*cols, 1
			if c.apart {
				first, step = r, c.rows
			}
			top := float32(0)
			for i := range cols {
				v := c.value[first+i*step]
				top = max(top, v, -v)
			}
			scale := top / c.levels
			if c.scales != nil {
				scale, top = c.scales[r], c.scales[r]
			}
			for i := range cols {
				at := first + i*step
				if c.rounded[at] = 0; top != 0 {
					c.rounded[at] = nearest(min(max(c.value[at]/scale, -c.levels), c.levels)) * scale
				}
			}
		}
	}
}

// nearest rounds half away from zero; |x| is far below 2^31.
func nearest(x float32) float32 {
	if x < 0 {
		return float32(int32(x - 0.5))
	}
	return float32(int32(x + 0.5))
}

// round moves values to the grid and reports in dead which of them were clamped.
func (g grid) round(v []float32, dead []bool) {
	if g.step == 0 {
		return
	}
	inverse := 1 / g.step
	for i, x := range v {
		switch {
		case x < g.low:
			v[i], dead[i] = g.low, true
		case x > g.high:
			v[i], dead[i] = g.high, true
		default: // a NaN stays one
			if x == x {
				v[i] = nearest(float32(x*inverse)) * g.step
			}
		}
	}
}
