// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"context"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// waves are calls of one input.
type waves struct{ n int }

func (w waves) Len() int      { return w.n }
func (w waves) Calls(int) int { return 1 }
func (w waves) Feed(i, _, _ int, dst []float32) error {
	for k := range dst {
		dst[k] = float32(3 * math.Sin(float64((i+1)*(k+2))*0.7))
	}
	return nil
}

// TestRowsOnTheNPU lowers operators that the NPU has not from float, and compiles them
// without the CPU.
func TestRowsOnTheNPU(t *testing.T) {
	for _, op := range []*graph.Op{{Kind: graph.LogSoftmax}, {Kind: graph.L2Normalization, Attr: graph.L2NormAttr{}}} {
		for _, width := range []lower.Activations{lower.Int8, lower.Int16} {
			g := &graph.Graph{Name: "rows"}
			x := g.Add(&graph.Tensor{Name: "x", Type: graph.Float32, Shape: []int{4, 8}})
			y := g.Add(&graph.Tensor{Name: "y", Type: graph.Float32, Shape: []int{4, 8}})
			g.Ops = []*graph.Op{{Kind: op.Kind, Attr: op.Attr, Inputs: []graph.TensorID{x}, Outputs: []graph.TensorID{y}}}
			g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
			r, err := lower.LowerGraph(context.Background(), g, unroll.Roles{}, waves{40}, lower.Options{Activations: width, PerChannelWeights: true})
			if err != nil {
				t.Errorf("%v %v: %v", op.Kind, width, err)
				continue
			}
			limit := 0.03
			if width == lower.Int16 {
				limit = 0.005
			}
			if r.Loss > limit {
				t.Errorf("%v in %v loses %.3g", op.Kind, width, r.Loss)
			}
			accel, err := ethosu.ParseAccelerator("ethos-u55-128")
			if err != nil {
				t.Fatal(err)
			}
			// The inverse root of 16 bits is the CPU's, exactly as TFLite Micro computes it.
			only := width == lower.Int8 || op.Kind == graph.LogSoftmax
			if _, err := compile.Compile(r.Int8, compile.Options{Accel: accel, NPUOnly: only}); err != nil && only {
				t.Errorf("%v in %v: %v", op.Kind, width, err)
			}
		}
	}
}
