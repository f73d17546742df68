// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/sim"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference"
)

// randomGraph draws a legal graph of a few operators from a seed.
type randomGraph struct {
	*rand.Rand
	g     *graph.Graph
	pool  []graph.TensorID // computed or fed
	used  map[graph.TensorID]bool
	scale []float32 // a few scales, so that tensors often share one
	wide  int       // bound of a vector's length
	n     int
}

func newRandomGraph(seed uint64) *graph.Graph {
	r := &randomGraph{Rand: rand.New(rand.NewPCG(seed, 7)), g: &graph.Graph{Name: fmt.Sprintf("random %d", seed)}, used: map[graph.TensorID]bool{}, wide: 40}
	return r.draw(seed, func() int { return 3 + r.IntN(8) })
}

// decisions is a source of numbers that a fuzzer can change one by one: two bytes each,
// the least when there are no more. The lower bits are all set, since package rand draws
// again, and for ever, where they are too small to be fair.
type decisions []byte

func (d *decisions) Uint64() uint64 {
	v := uint64(0)
	if len(*d) >= 2 {
		v = uint64(binary.LittleEndian.Uint16(*d))
		*d = (*d)[2:]
	}
	return v<<48 | 1<<48 - 1
}

// newSmallGraph draws a graph of a few small operators from the decisions.
func newSmallGraph(data []byte) *graph.Graph {
	d := decisions(data)
	r := &randomGraph{Rand: rand.New(&d), g: &graph.Graph{Name: "small"}, used: map[graph.TensorID]bool{}, wide: 9}
	return r.draw(0, func() int { return 1 + r.IntN(2) })
}

// draw makes a graph of inputs and of at most so many steps after them; the seed tells which of them get long vectors.
func (r *randomGraph) draw(seed uint64, steps func() int) *graph.Graph {
	for range 3 {
		r.scale = append(r.scale, float32(0.004+0.1*r.Float64()))
	}
	for range 1 + r.IntN(2) {
		shape := []int{1 + r.IntN(3), 1 + r.IntN(r.wide)}
		if r.IntN(3) == 0 {
			shape = []int{1, 1 + r.IntN(5), 1 + r.IntN(5), 1 + r.IntN(min(20, 2*r.wide))}
		}
		if seed%16 == 11 { // vectors as of recurrent cells, which can be pixels of bricks
			shape = []int{1 + r.IntN(2), 16 * (2 + r.IntN(18))}
		}
		dt := graph.Int8
		if r.IntN(5) == 0 {
			dt = graph.Int16
		}
		id := r.add(r.tensor(dt, shape))
		r.g.Inputs = append(r.g.Inputs, id)
	}
	for range steps() {
		r.step()
	}
	for _, id := range r.pool {
		if !r.used[id] || r.IntN(6) == 0 {
			r.g.Outputs = append(r.g.Outputs, id)
		}
	}
	return r.g
}

func (r *randomGraph) tensor(dt graph.DType, shape []int) *graph.Tensor {
	r.n++
	t := &graph.Tensor{Name: fmt.Sprintf("t%d", r.n), Type: dt, Shape: append([]int(nil), shape...)}
	switch dt {
	case graph.Int8:
		t.Quant = graph.PerTensor(r.scale[r.IntN(3)], int32(r.IntN(256)-128))
		if r.IntN(3) == 0 {
			t.Quant = graph.PerTensor(r.scale[0], 0)
		}
	case graph.Int16:
		t.Quant = graph.PerTensor(r.scale[r.IntN(3)]/256, 0)
	}
	return t
}

func (r *randomGraph) add(t *graph.Tensor) graph.TensorID {
	id := r.g.Add(t)
	if !t.IsConst() {
		r.pool = append(r.pool, id)
	}
	return id
}

func (r *randomGraph) constant(t *graph.Tensor) graph.TensorID {
	t.Data = make([]byte, t.Bytes())
	same := r.IntN(3) == 0
	for i := range t.Data {
		t.Data[i] = byte(r.Uint32())
		if same && i > 0 {
			t.Data[i] = t.Data[0]
		}
		if t.Type == graph.Int16 && i%2 == 1 {
			t.Data[i] = byte(int8(t.Data[i-1]) >> 7)
		}
	}
	return r.g.Add(t)
}

func (r *randomGraph) ints(v ...int) graph.TensorID {
	r.n++
	t := &graph.Tensor{Name: fmt.Sprintf("c%d", r.n), Type: graph.Int32, Shape: []int{len(v)}}
	for _, x := range v {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, uint32(int32(x)))
	}
	return r.g.Add(t)
}

func (r *randomGraph) scalarInt(v int) graph.TensorID {
	id := r.ints(v)
	r.g.Tensors[id].Shape = nil
	return id
}

// emit adds an operator when the graph is still legal with it.
func (r *randomGraph) emit(kind graph.Kind, attr any, in []graph.TensorID, out ...*graph.Tensor) {
	op := &graph.Op{Kind: kind, Attr: attr, Inputs: in}
	tensors, pool := len(r.g.Tensors), len(r.pool)
	for _, t := range out {
		op.Outputs = append(op.Outputs, r.add(t))
	}
	r.g.Ops = append(r.g.Ops, op)
	g := *r.g
	g.Outputs = op.Outputs
	if _, err := reference.New(&g); err != nil {
		r.g.Ops = r.g.Ops[:len(r.g.Ops)-1]
		r.g.Tensors = r.g.Tensors[:tensors]
		r.pool = r.pool[:pool]
		return
	}
	for _, id := range in {
		r.used[id] = true
	}
}

func (r *randomGraph) pick() (graph.TensorID, *graph.Tensor) {
	id := r.pool[len(r.pool)-1-r.IntN(min(len(r.pool), 6))]
	return id, r.g.Tensors[id]
}

// like returns a tensor with the type and quantization of t.
func (r *randomGraph) like(t *graph.Tensor, shape []int) *graph.Tensor {
	u := r.tensor(t.Type, shape)
	u.Quant = graph.PerTensor(t.Scale(), t.ZeroPoint())
	return u
}

func (r *randomGraph) step() {
	id, t := r.pick()
	rank := len(t.Shape)
	switch r.IntN(16) {
	case 0, 1, 2:
		r.fullyConnected(id, t)
	case 3, 4, 5:
		r.binary(id, t)
	case 6:
		out := r.tensor(t.Type, t.Shape)
		kind := graph.Logistic
		out.Quant = graph.PerTensor(1.0/256, -128)
		if r.IntN(2) == 0 {
			kind = graph.Tanh
			out.Quant = graph.PerTensor(1.0/128, 0)
		}
		if t.Type == graph.Int16 {
			out.Quant = graph.PerTensor(1.0/32768, 0)
		}
		r.emit(kind, nil, []graph.TensorID{id}, out)
	case 7:
		out := r.tensor(t.Type, t.Shape)
		out.Quant = graph.PerTensor(1.0/256, -128)
		if t.Type == graph.Int16 {
			out.Quant = graph.PerTensor(1.0/32768, 0)
		}
		r.emit(graph.Softmax, graph.SoftmaxAttr{Beta: 1}, []graph.TensorID{id}, out)
	case 8:
		if n := t.Elems(); n%2 == 0 {
			r.emit(graph.Reshape, graph.ReshapeAttr{NewShape: []int{2, n / 2}}, []graph.TensorID{id}, r.like(t, []int{2, n / 2}))
		} else {
			r.emit(graph.Reshape, graph.ReshapeAttr{NewShape: []int{1, n}}, []graph.TensorID{id}, r.like(t, []int{1, n}))
		}
	case 9:
		axis := r.IntN(rank)
		d := t.Shape[axis]
		if d < 2 {
			return
		}
		cut := 1 + r.IntN(d-1)
		a, b := append([]int(nil), t.Shape...), append([]int(nil), t.Shape...)
		a[axis], b[axis] = cut, d-cut
		if d%2 == 0 && r.IntN(2) == 0 {
			a[axis], b[axis] = d/2, d/2
			r.emit(graph.Split, graph.SplitAttr{NumSplits: 2}, []graph.TensorID{r.scalarInt(axis - rank), id}, r.like(t, a), r.like(t, b))
			return
		}
		r.emit(graph.SplitV, graph.SplitVAttr{NumSplits: 2}, []graph.TensorID{id, r.ints(a[axis], b[axis]), r.scalarInt(axis)}, r.like(t, a), r.like(t, b))
	case 10:
		axis := r.IntN(rank)
		if rank < 2 || t.Shape[axis] > 6 {
			return
		}
		shape := append(append([]int(nil), t.Shape[:axis]...), t.Shape[axis+1:]...)
		var outs []*graph.Tensor
		for range t.Shape[axis] {
			outs = append(outs, r.like(t, shape))
		}
		r.emit(graph.Unpack, graph.UnpackAttr{Axis: axis, Num: t.Shape[axis]}, []graph.TensorID{id}, outs...)
	case 11:
		r.slice(id, t)
	case 12:
		r.join(id, t)
	case 13:
		out := r.tensor(t.Type, t.Shape)
		switch r.IntN(5) {
		case 4:
			if t.Type == graph.Int8 {
				r.emit(graph.Cast, graph.CastAttr{}, []graph.TensorID{id}, r.tensor(graph.Int16, t.Shape))
				return
			}
			fallthrough
		case 0:
			out = r.tensor(graph.Int16, t.Shape)
			fallthrough
		case 1:
			r.emit(graph.Quantize, nil, []graph.TensorID{id}, out)
		case 2:
			r.emit(graph.Relu, nil, []graph.TensorID{id}, out)
		case 3:
			r.emit(graph.Relu6, nil, []graph.TensorID{id}, r.like(t, t.Shape))
		}
	case 14:
		if rank < 2 {
			return
		}
		perm := r.Perm(rank)
		shape := make([]int, rank)
		for i, p := range perm {
			shape[i] = t.Shape[p]
		}
		r.emit(graph.Transpose, nil, []graph.TensorID{id, r.ints(perm...)}, r.like(t, shape))
	case 15:
		r.window(id, t)
	}
}

func (r *randomGraph) fullyConnected(id graph.TensorID, t *graph.Tensor) {
	in := t.Shape[len(t.Shape)-1]
	o := 1 + r.IntN(r.wide)
	if r.wide == 40 && r.IntN(4) == 0 {
		o = 100 + r.IntN(150)
	}
	r.n++
	w := &graph.Tensor{Name: fmt.Sprintf("w%d", r.n), Type: graph.Int8, Shape: []int{o, in}, Quant: graph.PerTensor(0.002+0.01*r.Float32(), 0)}
	if r.IntN(3) == 0 {
		s := make([]float32, o)
		for i := range s {
			s[i] = 0.001 + 0.01*r.Float32()
		}
		w.Quant = graph.PerChannel(s, 0)
	}
	inputs := []graph.TensorID{id, r.constant(w), graph.None}
	if r.IntN(4) > 0 {
		dt := graph.Int32
		if t.Type == graph.Int16 && r.IntN(2) == 0 {
			dt = graph.Int64
		}
		b := &graph.Tensor{Name: fmt.Sprintf("b%d", r.n), Type: dt, Shape: []int{o}, Quant: &graph.Quant{}}
		for _, s := range w.Quant.Scales {
			b.Quant.Scales = append(b.Quant.Scales, float32(t.Scale()*s))
			b.Quant.ZeroPoints = append(b.Quant.ZeroPoints, 0)
		}
		for range o {
			v := int64(r.IntN(20000) - 10000)
			if dt == graph.Int32 {
				b.Data = binary.LittleEndian.AppendUint32(b.Data, uint32(v))
			} else {
				b.Data = binary.LittleEndian.AppendUint64(b.Data, uint64(v))
			}
		}
		inputs[2] = r.g.Add(b)
	}
	rows := t.Elems() / in
	act := []graph.Activation{graph.ActNone, graph.ActNone, graph.ActRelu, graph.ActRelu6}[r.IntN(4)]
	r.emit(graph.FullyConnected, graph.FullyConnectedAttr{Activation: act}, inputs, r.tensor(t.Type, []int{rows, o}))
}

func (r *randomGraph) binary(id graph.TensorID, t *graph.Tensor) {
	kinds := []graph.Kind{graph.Add, graph.Sub, graph.Mul, graph.Add}
	kind := kinds[r.IntN(4)]
	var attr any
	act := []graph.Activation{graph.ActNone, graph.ActNone, graph.ActRelu6}[r.IntN(3)]
	switch kind {
	case graph.Add:
		attr = graph.AddAttr{Activation: act}
	case graph.Sub:
		attr = graph.SubAttr{Activation: act}
	default:
		attr = graph.MulAttr{Activation: act}
	}
	other := graph.None
	switch r.IntN(5) {
	case 0: // a scalar, or one value for each channel
		c := r.tensor(t.Type, nil)
		if r.IntN(2) == 0 {
			c = r.tensor(t.Type, []int{t.Shape[len(t.Shape)-1]})
		}
		other = r.constant(c)
	case 1: // the tensor with one axis cut to 1
		shape := append([]int(nil), t.Shape...)
		shape[r.IntN(len(shape))] = 1
		other = r.constant(r.tensor(t.Type, shape))
	default:
		for _, x := range r.pool {
			u := r.g.Tensors[x]
			if u.Type == t.Type && fmt.Sprint(u.Shape) == fmt.Sprint(t.Shape) && (other == graph.None || r.IntN(2) == 0) {
				other = x
			}
		}
	}
	if other == graph.None {
		return
	}
	in := []graph.TensorID{id, other}
	if r.IntN(2) == 0 {
		in = []graph.TensorID{other, id}
	}
	r.emit(kind, attr, in, r.tensor(t.Type, t.Shape))
}

func (r *randomGraph) slice(id graph.TensorID, t *graph.Tensor) {
	var begin, end, size, stride, shape []int
	for _, d := range t.Shape {
		b := r.IntN(d)
		n := 1 + r.IntN(d-b)
		s := 1
		if r.IntN(4) == 0 {
			s = 2
		}
		begin, size, end, stride = append(begin, b), append(size, n), append(end, b+n), append(stride, s)
		shape = append(shape, (n+s-1)/s)
	}
	if r.IntN(2) == 0 {
		r.emit(graph.Slice, nil, []graph.TensorID{id, r.ints(begin...), r.ints(size...)}, r.like(t, size))
		return
	}
	r.emit(graph.StridedSlice, graph.StridedSliceAttr{}, []graph.TensorID{id, r.ints(begin...), r.ints(end...), r.ints(stride...)}, r.like(t, shape))
}

func (r *randomGraph) join(id graph.TensorID, t *graph.Tensor) {
	ids := []graph.TensorID{id}
	for range 1 + r.IntN(2) {
		// A second user of the tensor, a requantization of another, or a constant.
		switch r.IntN(3) {
		case 0:
			ids = append(ids, id)
		case 1:
			c := r.like(t, t.Shape)
			ids = append(ids, r.constant(c))
		default:
			for _, x := range r.pool {
				if u := r.g.Tensors[x]; u.Type == t.Type && fmt.Sprint(u.Shape) == fmt.Sprint(t.Shape) {
					u := r.like(t, t.Shape)
					r.emit(graph.Quantize, nil, []graph.TensorID{x}, u)
					if last := r.pool[len(r.pool)-1]; r.g.Tensors[last] == u {
						ids = append(ids, last)
					}
					break
				}
			}
		}
	}
	axis := r.IntN(len(t.Shape))
	if r.IntN(2) == 0 {
		shape := append([]int(nil), t.Shape...)
		shape[axis] *= len(ids)
		r.emit(graph.Concatenation, graph.ConcatenationAttr{Axis: axis}, ids, r.like(t, shape))
		return
	}
	if len(t.Shape) > 3 {
		return
	}
	shape := append(append(append([]int(nil), t.Shape[:axis]...), len(ids)), t.Shape[axis:]...)
	r.emit(graph.Pack, graph.PackAttr{Axis: axis, ValuesCount: len(ids)}, ids, r.like(t, shape))
}

func (r *randomGraph) window(id graph.TensorID, t *graph.Tensor) {
	if len(t.Shape) != 4 {
		return
	}
	kh, kw := 1+r.IntN(min(3, t.Shape[1])), 1+r.IntN(min(3, t.Shape[2]))
	sh, sw := 1+r.IntN(2), 1+r.IntN(2)
	pad := graph.Padding(r.IntN(2))
	oh, ow := (t.Shape[1]+sh-1)/sh, (t.Shape[2]+sw-1)/sw
	if pad == graph.PadValid {
		oh, ow = (t.Shape[1]-kh)/sh+1, (t.Shape[2]-kw)/sw+1
	}
	c := t.Shape[3]
	r.n++
	switch r.IntN(3) {
	case 0:
		r.emit(graph.MaxPool2D, graph.Pool2DAttr{Padding: pad, StrideH: sh, StrideW: sw, FilterH: kh, FilterW: kw}, []graph.TensorID{id}, r.like(t, []int{t.Shape[0], oh, ow, c}))
	case 1:
		s := make([]float32, c)
		for i := range s {
			s[i] = 0.001 + 0.01*r.Float32()
		}
		w := r.constant(&graph.Tensor{Name: fmt.Sprintf("w%d", r.n), Type: graph.Int8, Shape: []int{1, kh, kw, c}, Quant: graph.PerChannel(s, 3)})
		r.emit(graph.DepthwiseConv2D, graph.DepthwiseConv2DAttr{Padding: pad, StrideH: sh, StrideW: sw, DilationH: 1, DilationW: 1, DepthMultiplier: 1},
			[]graph.TensorID{id, w, graph.None}, r.tensor(t.Type, []int{t.Shape[0], oh, ow, c}))
	default:
		o := 1 + r.IntN(min(30, r.wide))
		s := make([]float32, o)
		for i := range s {
			s[i] = 0.001 + 0.01*r.Float32()
		}
		w := r.constant(&graph.Tensor{Name: fmt.Sprintf("w%d", r.n), Type: graph.Int8, Shape: []int{o, kh, kw, c}, Quant: graph.PerChannel(s, 0)})
		r.emit(graph.Conv2D, graph.Conv2DAttr{Padding: pad, StrideH: sh, StrideW: sw, DilationH: 1, DilationW: 1}, []graph.TensorID{id, w, graph.None},
			r.tensor(t.Type, []int{t.Shape[0], oh, ow, o}))
	}
}

// longSoftmax reports whether a graph has a softmax of rows that are long enough for
// the reference's own last shift to reach 32 when most elements are equal. No proof is
// to be had of it.
func longSoftmax(g *graph.Graph) bool {
	for _, op := range g.Ops {
		if op.Kind == graph.Softmax {
			if shape := g.Tensors[op.Inputs[0]].Shape; shape[len(shape)-1] >= 512 {
				return true
			}
		}
	}
	return false
}

// agree compiles a graph for one target and compares the simulator with the reference.
func agree(t *testing.T, g *graph.Graph, o compile.Options, seed uint64) error {
	ref, err := reference.New(g)
	if err != nil {
		return fmt.Errorf("reference: %v", err)
	}
	p, err := compile.Compile(g, o)
	if err != nil {
		return err
	}
	r := verify.Program(p)
	if f := r.All(); len(r.Findings) > 0 || len(f) > 0 && !longSoftmax(g) {
		return fmt.Errorf("%d findings, the first: %v", len(f), f[0])
	}
	s, err := sim.PrepareStage(p, &p.Stages[0])
	if err != nil {
		return err
	}
	if r := s.Races(); len(r) > 0 {
		return fmt.Errorf("%d races, the first: %v", len(r), r[0])
	}
	mem := s.NewMemory()
	rng := rand.New(rand.NewPCG(seed, 11))
	for call := range 2 {
		for r := 1; r < len(mem); r++ {
			for i := range mem[r] {
				mem[r][i] = 0xa5
			}
		}
		for i, b := range p.Inputs {
			x := make([]byte, b.Size)
			for k := range x {
				x[k] = byte(rng.Uint32())
			}
			if err := ref.Feed(i, x); err != nil {
				return err
			}
			copy(mem[b.Region][b.Offset:], x)
		}
		if err := ref.Invoke(); err != nil {
			return err
		}
		if err := s.Run(mem); err != nil {
			return err
		}
		for i, b := range p.Outputs {
			got, want := mem[b.Region][b.Offset:b.Offset+b.Size], ref.Output(i)
			if !bytes.Equal(got, want) {
				return fmt.Errorf("call %d, output %q %v%v:\n got %d\nwant %d", call, b.Name, b.Type, b.Shape, got, want)
			}
		}
	}
	return nil
}

// graphs is a sample of those that .ci/nightly judges.
var (
	graphs = flag.Uint64("graphs", 500, "random graphs that TestRandomGraphs and TestRandomGraphsU85 judge each")
	first  = flag.Uint64("first", 0, "seed of the first of them")
)

// TestRandomGraphs lets the two witnesses judge graphs from a seeded generator on
// changing accelerators, memory modes and with passes left out.
func TestRandomGraphs(t *testing.T) { testRandomGraphs(t, configs) }

// TestRandomGraphsU85 is TestRandomGraphs for the Ethos-U85.
func TestRandomGraphsU85(t *testing.T) { testRandomGraphs(t, configsU85) }

func testRandomGraphs(t *testing.T, configs []config) {
	n, groups := *graphs, uint64(4)
	if testing.Short() {
		n = 60
	}
	for k := range groups {
		t.Run(fmt.Sprint(k), func(t *testing.T) {
			t.Parallel()
			for seed := n * k / groups; seed < n*(k+1)/groups && !t.Failed(); seed++ {
				checkRandom(t, *first+seed, configs)
			}
		})
	}
}

func checkRandom(t *testing.T, seed uint64, configs []config) {
	g := newRandomGraph(seed)
	if seed%16 == 5 {
		g = rowsGraph(seed)
	}
	if len(g.Ops) == 0 {
		return
	}
	c := configs[(seed+seed/16)%uint64(len(configs))]
	o := c.options(t)
	rng := rand.New(rand.NewPCG(seed, 17))
	for _, p := range compile.Passes {
		if p.Optional && rng.IntN(8) == 0 {
			o.Skip = append(o.Skip, p.Name)
		}
	}
	if seed%3 == 0 {
		o.SRAMBudget = tight(g, o)
	}
	if err := agree(t, g, o, seed); err != nil {
		t.Errorf("seed %d, %s %s, budget %d, skipping %q: %v\n%s", seed, c.accel, c.mode, o.SRAMBudget, o.Skip, err, listing(g))
	}
}

// tight returns a budget below what a program takes without one, and 0 when that
// is too little.
func tight(g *graph.Graph, o compile.Options) int {
	p, err := compile.Compile(g, o)
	if err != nil {
		return 0
	}
	f, err := perf.FiguresOf(p)
	if err != nil {
		return 0
	}
	o.SRAMBudget = f.SRAMBytes * 3 / 4
	if _, err := compile.Compile(g, o); err != nil {
		return 0
	}
	return o.SRAMBudget
}

// FuzzCompile lets the two witnesses judge small graphs whose every decision is a
// number of the fuzzer's: the graph's, the target's, and which passes are left out, one bit
// for each optional one. An execution takes so many runs of all passes that the graphs are
// kept to what lets a core do 500 of them in a second.
func FuzzCompile(f *testing.F) {
	var optional []string
	for _, p := range compile.Passes {
		if p.Optional {
			optional = append(optional, p.Name)
		}
	}
	all := append(append([]config(nil), configs...), configsU85...)
	rng := rand.New(rand.NewPCG(3, 23))
	for target := range all {
		data := make([]byte, 120)
		for i := range data {
			data[i] = byte(rng.Uint32())
		}
		f.Add(data, uint8(target), rng.Uint32()&rng.Uint32()*uint32(target%2))
	}
	f.Fuzz(func(t *testing.T, data []byte, target uint8, skip uint32) {
		g := newSmallGraph(data)
		if len(g.Ops) == 0 {
			return
		}
		c := all[int(target)%len(all)]
		o := c.options(t)
		if target >= 64 {
			o.After = nil // a quarter of the targets checks the state after each pass, all the result
		}
		for i, name := range optional {
			if skip>>i&1 == 1 {
				o.Skip = append(o.Skip, name)
			}
		}
		if err := agree(t, g, o, uint64(target)); err != nil {
			t.Errorf("%s %s, skipping %q: %v\n%s", c.accel, c.mode, o.Skip, err, listing(g))
		}
	})
}

// listing prints a graph for a failure message.
func listing(g *graph.Graph) string {
	var b bytes.Buffer
	for i, op := range g.Ops {
		fmt.Fprintf(&b, "%s %+v", g.OpString(i), op.Attr)
		for _, id := range op.Inputs {
			if id != graph.None {
				t := g.Tensors[id]
				fmt.Fprintf(&b, " %s:%v%v", t.Name, t.Type, t.Shape)
				if t.Quant != nil {
					fmt.Fprintf(&b, "(%g,%d)", t.Scale(), t.ZeroPoint())
				}
			}
		}
		for _, id := range op.Outputs {
			t := g.Tensors[id]
			fmt.Fprintf(&b, " -> %s:%v%v(%g,%d)", t.Name, t.Type, t.Shape, t.Scale(), t.ZeroPoint())
		}
		b.WriteByte('\n')
	}
	return b.String()
}
