// SPDX-License-Identifier: Apache-2.0

package arrange

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// A long stride as channels gives what the long stride gives, whatever is left over at
// the end of a line or of the window, in any number of lines, with padding or without.
func TestStrides(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for _, c := range []struct {
		length, window, stride, channels, lines, high int
		padding                                       graph.Padding
	}{
		{640, 256, 128, 1, 1, 1, graph.PadValid}, {25, 10, 5, 2, 1, 1, graph.PadValid}, {31, 9, 4, 3, 1, 1, graph.PadValid},
		{23, 8, 5, 1, 1, 1, graph.PadValid}, {20, 4, 6, 2, 1, 1, graph.PadValid}, {12, 12, 7, 1, 1, 1, graph.PadValid},
		{31, 9, 4, 3, 4, 2, graph.PadValid}, {26, 8, 5, 1, 3, 3, graph.PadSame}, {20, 4, 6, 2, 1, 1, graph.PadSame}, {9, 3, 4, 2, 5, 2, graph.PadSame},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			g, out, rows := &graph.Graph{Name: "lines"}, (c.length-c.window)/c.stride+1, c.lines-c.high+1
			if c.padding == graph.PadSame {
				out, rows = (c.length+c.stride-1)/c.stride, c.lines
			}
			a := &arranger{g: g}
			random := func(n int) []float32 {
				v := make([]float32, n)
				for i := range v {
					v[i] = float32(r.NormFloat64())
				}
				return v
			}
			x := a.value("x", 1, c.lines, c.length, c.channels)
			w := a.floats("w", random(5*c.high*c.window*c.channels), 5, c.high, c.window, c.channels)
			y := a.value("y", 1, rows, out, 5)
			g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
			g.Ops = []*graph.Op{{Kind: graph.Conv2D, Attr: graph.Conv2DAttr{Padding: c.padding, StrideW: c.stride, StrideH: 1, DilationW: 1, DilationH: 1},
				Inputs: []graph.TensorID{x, w, a.floats("b", random(5), 5)}, Outputs: []graph.TensorID{y}}}
			input := random(c.lines * c.length * c.channels)
			run := func(g *graph.Graph) []float32 {
				t.Helper()
				if err := g.Validate(); err != nil {
					t.Fatal(err)
				}
				exec, err := floatexec.NewExact(g)
				if err != nil {
					t.Fatal(err)
				}
				v, err := exec.Runner().Run(1, [][]float32{append([]float32(nil), input...)})
				if err != nil {
					t.Fatal(err)
				}
				return append([]float32(nil), v[0].Row(0)...)
			}
			want := run(g)
			arranged, _ := Graph(g, nil)
			for _, op := range arranged.Ops {
				if a, ok := op.Attr.(graph.Conv2DAttr); ok && a.StrideW > longestStride {
					t.Errorf("stride %d is left", a.StrideW)
				}
			}
			for i, v := range run(arranged) {
				if math.Abs(float64(v-want[i])) > 1e-5 {
					t.Fatalf("value %d is %v, expected %v", i, v, want[i])
				}
			}
		})
	}
}
