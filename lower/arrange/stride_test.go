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
// the end of the line or of the window.
func TestStrides(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	for _, c := range []struct{ length, window, stride, channels int }{
		{640, 256, 128, 1}, {25, 10, 5, 2}, {31, 9, 4, 3}, {23, 8, 5, 1}, {20, 4, 6, 2}, {12, 12, 7, 1},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			g, out := &graph.Graph{Name: "line"}, (c.length-c.window)/c.stride+1
			a := &arranger{g: g}
			random := func(n int) []float32 {
				v := make([]float32, n)
				for i := range v {
					v[i] = float32(r.NormFloat64())
				}
				return v
			}
			x := a.value("x", 1, 1, c.length, c.channels)
			w := a.floats("w", random(5*c.window*c.channels), 5, 1, c.window, c.channels)
			y := a.value("y", 1, 1, out, 5)
			g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{y}
			g.Ops = []*graph.Op{{Kind: graph.Conv2D, Attr: graph.Conv2DAttr{Padding: graph.PadValid, StrideW: c.stride, StrideH: 1, DilationW: 1, DilationH: 1},
				Inputs: []graph.TensorID{x, w, a.floats("b", random(5), 5)}, Outputs: []graph.TensorID{y}}}
			input := random(c.length * c.channels)
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
