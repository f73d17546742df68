// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// rowsGraph draws a graph that multiplies the rows of one tensor by the same weights
// and takes the products up one after the other, as an unrolled recurrent network
// does; with all that may stand in the way: rows in another order, left out, used
// twice, of more than one row each, written late, results with another scale, or with
// places of their own.
func rowsGraph(seed uint64) *graph.Graph {
	r := &randomGraph{Rand: rand.New(rand.NewPCG(seed, 23)), g: &graph.Graph{Name: fmt.Sprintf("rows %d", seed)}, used: map[graph.TensorID]bool{}}
	for range 3 {
		r.scale = append(r.scale, float32(0.01+0.05*r.Float64()))
	}
	steps, each, n, o := 2+r.IntN(9), 1, 1+r.IntN(40), 1+r.IntN(70)
	if r.IntN(4) == 0 {
		each = 2 + r.IntN(2)
	}
	dt := graph.Int8
	if r.IntN(5) == 0 {
		dt = graph.Int16
	}
	x := r.add(r.tensor(dt, []int{1, steps * each, n}))
	r.g.Inputs = []graph.TensorID{x}
	if r.IntN(4) == 0 { // rows that an operation writes
		r.emit(graph.Relu, nil, []graph.TensorID{x}, r.tensor(dt, r.g.Tensors[x].Shape))
		x = r.pool[len(r.pool)-1]
	}
	rows := r.rowsOf(x, steps, each)
	late := r.IntN(5) == 0
	if late { // the second half of them only behind the products of the first
		rows = rows[:len(rows)/2]
	}
	switch r.IntN(4) {
	case 0:
		slices.Reverse(rows)
	case 1:
		i := r.IntN(len(rows))
		rows = append(rows, rows[i])
	case 2:
		rows = slices.Delete(rows, 0, r.IntN(len(rows)))
	}
	layers := 1 + r.IntN(2)
	var made []graph.TensorID
	for range layers {
		in := r.g.Tensors[rows[0]]
		fc := r.shared(dt, o, in.Shape[1], in.Scale())
		out := r.tensor(dt, []int{in.Shape[0], o})
		odd := -1
		if r.IntN(4) == 0 {
			odd = r.IntN(len(rows))
		}
		made = nil
		for k, id := range rows {
			y := r.like(out, out.Shape)
			if k == odd {
				y = r.tensor(dt, out.Shape)
			}
			r.emit(graph.FullyConnected, graph.FullyConnectedAttr{}, []graph.TensorID{id, fc[0], fc[1]}, y)
			made = append(made, r.pool[len(r.pool)-1])
		}
		rows = made
		o = 1 + r.IntN(30)
	}
	sum := made[0]
	for _, id := range made[1:] {
		r.emit(graph.Add, graph.AddAttr{}, []graph.TensorID{sum, id}, r.tensor(dt, r.g.Tensors[sum].Shape))
		sum = r.pool[len(r.pool)-1]
	}
	r.g.Outputs = []graph.TensorID{sum}
	for _, id := range made {
		if id != sum && r.IntN(12) == 0 {
			r.g.Outputs = append(r.g.Outputs, id)
		}
	}
	if late { // a sequence of its own that begins with the results so far
		r.emit(graph.Concatenation, graph.ConcatenationAttr{Axis: 0}, made, r.like(r.g.Tensors[made[0]], []int{len(made) * each, r.g.Tensors[made[0]].Shape[1]}))
		r.g.Outputs = append(r.g.Outputs, r.pool[len(r.pool)-1])
	}
	return r.g
}

// rowsOf cuts a tensor into its steps.
func (r *randomGraph) rowsOf(x graph.TensorID, steps, each int) []graph.TensorID {
	t := r.g.Tensors[x]
	n := t.Elems() / steps / each
	r.emit(graph.Reshape, graph.ReshapeAttr{NewShape: []int{steps * each, n}}, []graph.TensorID{x}, r.like(t, []int{steps * each, n}))
	flat := r.pool[len(r.pool)-1]
	var outs []*graph.Tensor
	for range steps {
		outs = append(outs, r.like(t, []int{each, n}))
	}
	r.emit(graph.Split, graph.SplitAttr{NumSplits: steps}, []graph.TensorID{r.scalarInt(0), flat}, outs...)
	return slices.Clone(r.pool[len(r.pool)-steps:])
}

// shared returns weights and a bias for several FULLY_CONNECTED.
func (r *randomGraph) shared(dt graph.DType, o, n int, in float32) [2]graph.TensorID {
	w := &graph.Tensor{Name: fmt.Sprintf("w%d", r.n), Type: graph.Int8, Shape: []int{o, n}, Quant: graph.PerTensor(0.002+0.01*r.Float32(), 0)}
	b := &graph.Tensor{Name: fmt.Sprintf("b%d", r.n), Type: graph.Int32, Shape: []int{o}, Quant: graph.PerTensor(in*w.Quant.Scales[0], 0)}
	r.n++
	for range o {
		b.Data = binary.LittleEndian.AppendUint32(b.Data, uint32(r.IntN(20000)-10000))
	}
	return [2]graph.TensorID{r.constant(w), r.g.Add(b)}
}

// TestProjectRows lets the witnesses judge graphs made for the pass "project", with
// and without a budget, and holds it to its promise: never more cycles than without.
func TestProjectRows(t *testing.T) {
	n := uint64(200)
	if testing.Short() {
		n = 24
	}
	drawn, hit, budget := 0, 0, 0
	for seed := range n {
		g := rowsGraph(seed)
		if _, err := reference.New(g); err != nil {
			t.Fatalf("seed %d: %v\n%s", seed, err, listing(g))
		}
		drawn++
		c := configs[seed%uint64(len(configs))]
		o := c.options(t)
		o.WeightsInSRAM = seed%5 == 0
		if seed%3 == 0 {
			if o.SRAMBudget = tight(g, o); o.SRAMBudget > 0 {
				budget++
			}
		}
		if err := agree(t, g, o, seed); err != nil {
			t.Errorf("seed %d, %s %s, budget %d: %v\n%s", seed, c.accel, c.mode, o.SRAMBudget, err, listing(g))
			return
		}
		with := figuresOf(t, g, o)
		o.Skip = []string{"project", "rescale"}
		if _, err := compile.Compile(g, o); err != nil && o.SRAMBudget > 0 && strings.Contains(err.Error(), "feature maps alone need") {
			continue // the pass is what makes it fit
		}
		without := figuresOf(t, g, o)
		if with.Cycles > without.Cycles {
			t.Errorf("seed %d, %s %s, budget %d: %d cycles with the pass, %d without\n%s", seed, c.accel, c.mode, o.SRAMBudget, with.Cycles, without.Cycles, listing(g))
		}
		if with.NPUOps < without.NPUOps {
			hit++
		}
	}
	t.Logf("%d graphs, %d with rows as one kernel, %d with a budget", drawn, hit, budget)
	if hit < drawn/2 || budget < drawn/10 {
		t.Errorf("of %d graphs %d have rows as one kernel, %d a budget: the test has lost what it is for", drawn, hit, budget)
	}
}

func figuresOf(t testing.TB, g *graph.Graph, o compile.Options) perf.Figures {
	t.Helper()
	p, err := compile.Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	f, err := perf.FiguresOf(p)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestProjectWithinBudget: rows that live for all steps are given up, or computed a few
// at a time, when the memory is short, and what is left still gets faster.
func TestProjectWithinBudget(t *testing.T) {
	g, _, _ := readModel(t, model{"gru32x40_stream", "gru32x40_stream"})
	u, err := compile.Unrolled(g, compile.SequenceOptions{Steps: 12})
	if err != nil {
		t.Fatal(err)
	}
	o := config{"ethos-u55-128", "", ""}.options(t)
	o.Skip = []string{"split"} // it makes more kernels of one
	free := figuresOf(t, u, o)
	o.Skip = []string{"split", "project"}
	without := figuresOf(t, u, o)
	if free.Cycles >= without.Cycles {
		t.Errorf("no rows became one kernel: %+v with the pass, %+v without", free, without)
	}
	for _, b := range []struct {
		bytes  int
		faster bool
	}{{768, false}, {1024, true}, {8192, true}} { // none, some and all at a time
		o.SRAMBudget, o.Skip = b.bytes, []string{"project"}
		without := figuresOf(t, u, o)
		o.Skip = nil
		with := figuresOf(t, u, o)
		t.Logf("budget %d: %d cycles in %d bytes with the pass, %d in %d without", b.bytes, with.Cycles, with.SRAMBytes, without.Cycles, without.SRAMBytes)
		if with.SRAMBytes > b.bytes || with.Cycles > without.Cycles || b.faster && with.Cycles == without.Cycles {
			t.Errorf("budget %d: %+v with the pass, %+v without", b.bytes, with, without)
		}
	}
}
