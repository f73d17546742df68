// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
)

// mostBoxes bounds a diagram; a network that has more is listed, and drawn as far as that.
const mostBoxes = 300

// operatorRow is a line of the table of operators.
type operatorRow struct {
	Operator, Output, Shape, Layer string
	Times                          int
	Kernels                        string // that it became
	Cycles                         string // of them, all times together
}

// graphView is the section on the graph.
type graphView struct {
	What    string // operators or kernels
	Drawing template.HTML
	Rows    []operatorRow
	Cut     int // boxes that are not drawn
}

// stepMark is what unrolled networks have in their tensors' names for the time step.
var stepMark = regexp.MustCompile(`(/t\d+(/|$)|_t\d+\b|_\d+$|:\d+$)`)

// layerOf guesses from a tensor's name which layer of the source it belongs to: exporters
// name tensors layer/part.
func layerOf(name string) string {
	name, _, _ = strings.Cut(name, ";")
	if at := strings.Index(name, "/t"); at > 0 && stepMark.MatchString(name[at:]) {
		return name[:at]
	}
	at := strings.LastIndexByte(name, '/')
	if at <= 0 {
		return ""
	}
	return name[:at]
}

// kernelsOf adds up what the operations of all stages do for each operator, by its output.
type spent struct {
	kernels, transfers int
	names              []string
	cycles             float64
}

func kernelsOf(stages []*stage) map[string]*spent {
	by := map[string]*spent{}
	for _, s := range stages {
		for i := range s.ops {
			o := &s.ops[i]
			if o.Source == "" {
				continue
			}
			k := by[o.Source]
			if k == nil {
				k = &spent{}
				by[o.Source] = k
			}
			if o.DMA {
				k.transfers += s.Times
				continue
			}
			k.kernels += s.Times
			k.cycles += float64(float64(s.Times) * (o.End - o.Begins))
			if !slices.Contains(k.names, o.Name) {
				k.names = append(k.names, o.Name)
			}
		}
	}
	return by
}

// drawGraph draws the operators where the subject has them, else the kernels of its streams,
// joined by the bytes that one writes and another reads.
func (s *Subject) drawGraph(stages []*stage) graphView {
	if s.Graph != nil {
		return operators(s.Graph, kernelsOf(stages))
	}
	return kernels(stages)
}

// folding maps the entries of a list onto boxes: what repeats has one for all times.
type folding struct {
	box   []int // of every entry
	turn  []int // repetition that it belongs to
	first []int // entry that a box shows
	times []int
}

// foldBoxes shows of what repeats the second time, which is as those after it.
func foldBoxes(like []string) folding {
	f := folding{box: make([]int, len(like)), turn: make([]int, len(like))}
	for _, seg := range fold(like) {
		at := len(f.first)
		for k := range seg.Period {
			shown := seg.First + k
			if seg.Count > 1 {
				shown += seg.Period
			}
			f.first, f.times = append(f.first, shown), append(f.times, seg.Count)
		}
		for i := seg.First; i < seg.end(); i++ {
			f.box[i], f.turn[i] = at+(i-seg.First)%seg.Period, (i-seg.First)/seg.Period
		}
	}
	return f
}

// join adds an edge from one entry to another: back where it leads to the next repetition
// of the same part.
func (f *folding) join(seen map[edge]bool, d *diagram, from, to int) {
	e := edge{From: f.box[from], To: f.box[to]}
	e.Back = e.To <= e.From
	if e.From >= mostBoxes || e.To >= mostBoxes || seen[e] {
		return
	}
	seen[e] = true
	d.edges = append(d.edges, e)
}

func operators(g *graph.Graph, by map[string]*spent) graphView {
	like := make([]string, len(g.Ops))
	writer := map[graph.TensorID]int{}
	for i, op := range g.Ops {
		var b strings.Builder
		b.WriteString(op.Kind.String())
		for _, list := range [][]graph.TensorID{op.Inputs, op.Outputs} {
			for _, id := range list {
				if t := tensor(g, id); t != nil {
					fmt.Fprintf(&b, " %v%v", t.Type, t.Shape)
				}
			}
			b.WriteByte('>')
		}
		like[i] = b.String()
		for _, id := range op.Outputs {
			writer[id] = i
		}
	}
	f := foldBoxes(like)
	d := &diagram{}
	v := graphView{What: "operators", Cut: max(0, len(f.first)-mostBoxes)}
	total := make([]spent, len(f.first))
	for i, op := range g.Ops {
		sum := &total[f.box[i]]
		for _, id := range op.Outputs {
			k := by[tensorName(g, id)]
			if k == nil {
				continue
			}
			sum.kernels, sum.transfers, sum.cycles = sum.kernels+k.kernels, sum.transfers+k.transfers, sum.cycles+k.cycles
			for _, n := range k.names {
				if !slices.Contains(sum.names, n) {
					sum.names = append(sum.names, n)
				}
			}
		}
	}
	for b, shown := range f.first {
		op := g.Ops[shown]
		row := operatorRow{Operator: op.Kind.String(), Times: f.times[b], Kernels: "part of another", Cycles: ""}
		if len(op.Outputs) > 0 {
			row.Output = tensorName(g, op.Outputs[0])
			row.Layer = layerOf(row.Output)
			if t := tensor(g, op.Outputs[0]); t != nil {
				row.Shape = fmt.Sprintf("%s %v", shapeText(t.Shape), t.Type)
			}
		}
		if k := &total[b]; k.kernels+k.transfers > 0 {
			row.Kernels = strings.Join(k.names, ", ")
			if row.Kernels != "" {
				row.Kernels += ": "
			}
			row.Kernels += plural(k.kernels, "kernel")
			if k.transfers > 0 {
				row.Kernels += " and " + plural(k.transfers, "transfer")
			}
			row.Cycles = cycles(k.cycles)
		} else if len(by) == 0 {
			row.Kernels = "unknown"
		}
		v.Rows = append(v.Rows, row)
		if b >= mostBoxes {
			continue
		}
		n := node{Label: row.Operator, Sub: row.Output, Class: "k-" + classOf(op.Kind), Title: fmt.Sprintf("%s, output %s %s; layer %s; %s", row.Operator, row.Output, row.Shape, or(row.Layer, "not named"), row.Kernels)}
		if row.Cycles != "" {
			n.Title += ", " + row.Cycles + " cycles in all"
		}
		if row.Times > 1 {
			n.Label = fmt.Sprintf("%s  ×%d", n.Label, row.Times)
		}
		d.nodes = append(d.nodes, n)
	}
	seen := map[edge]bool{}
	for i, op := range g.Ops {
		for _, id := range op.Inputs {
			if w, ok := writer[id]; ok {
				f.join(seen, d, w, i)
			}
		}
	}
	edges(g, d, &f)
	v.Drawing = d.draw(fmt.Sprintf("Graph of %d operators", len(g.Ops)))
	return v
}

// edges adds boxes for the inputs and outputs of the network.
func edges(g *graph.Graph, d *diagram, f *folding) {
	state := map[graph.TensorID]bool{}
	for _, s := range g.States {
		state[s.In], state[s.Out] = true, true
	}
	add := func(id graph.TensorID, what string) int {
		t := tensor(g, id)
		if t == nil {
			return -1
		}
		if state[id] {
			what = "state " + what
		}
		d.nodes = append(d.nodes, node{Label: what + " " + shapeText(t.Shape), Sub: t.Name, Class: "k-edge", Title: fmt.Sprintf("%s %s, %s %v", what, t.Name, shapeText(t.Shape), t.Type)})
		return len(d.nodes) - 1
	}
	// Inputs stand in front, so that edges lead forward.
	inputs := len(g.Inputs)
	kept, joined := d.nodes, d.edges
	d.nodes, d.edges = nil, nil
	for _, id := range g.Inputs {
		if add(id, "input") < 0 {
			d.nodes = append(d.nodes, node{Label: "input", Class: "k-edge"})
		}
	}
	d.nodes = append(d.nodes, kept...)
	for _, e := range joined {
		e.From, e.To = e.From+inputs, e.To+inputs
		d.edges = append(d.edges, e)
	}
	seen := map[edge]bool{}
	for i, op := range g.Ops {
		for _, id := range op.Inputs {
			if at := slices.Index(g.Inputs, id); at >= 0 && f.box[i] < mostBoxes {
				if e := (edge{From: at, To: f.box[i] + inputs}); !seen[e] {
					seen[e] = true
					d.edges = append(d.edges, e)
				}
			}
		}
	}
	for _, id := range g.Outputs {
		for i, op := range g.Ops {
			if slices.Contains(op.Outputs, id) && f.box[i] < mostBoxes {
				if at := add(id, "output"); at >= 0 {
					d.edges = append(d.edges, edge{From: f.box[i] + inputs, To: at})
				}
			}
		}
	}
}

// kernels draws the block operations of streams whose operators are unknown.
func kernels(stages []*stage) graphView {
	v := graphView{What: "kernels"}
	d := &diagram{}
	for _, s := range stages {
		s.addKernels(&v, d)
	}
	v.Drawing = d.draw("Graph of the kernels, joined by the bytes that they write and read")
	return v
}

func (s *stage) addKernels(v *graphView, d *diagram) {
	var ops []*operation
	var like []string
	for i := range s.ops {
		if o := &s.ops[i]; !o.DMA {
			ops = append(ops, o)
			like = append(like, o.like())
		}
	}
	f := foldBoxes(like)
	part := &diagram{}
	base := len(d.nodes)
	sums := make([]float64, len(f.first))
	for i, o := range ops {
		sums[f.box[i]] += o.End - o.Begins
	}
	for b, shown := range f.first {
		o := ops[shown]
		v.Rows = append(v.Rows, operatorRow{Operator: o.Name, Output: or(o.Source, "not named in the file"), Shape: o.Shape, Times: f.times[b] * s.Times, Kernels: "1 kernel each", Cycles: cycles(sums[b] * float64(s.Times)), Layer: layerOf(o.Source)})
		if b >= mostBoxes {
			v.Cut++
			continue
		}
		n := node{Label: o.Name, Sub: or(o.Source, o.Shape), Class: "r-" + o.Reason.String(), Title: fmt.Sprintf("%s%s %s, bound by %v, %s cycles in all", s.Title(), o.Name, o.Shape, o.Reason, cycles(sums[b]))}
		if f.times[b] > 1 {
			n.Label = fmt.Sprintf("%s  ×%d", n.Label, f.times[b])
		}
		part.nodes = append(part.nodes, n)
	}
	seen := map[edge]bool{}
	var last writers
	n := 0 // kernels so far
	for k := range s.ops {
		o := &s.ops[k]
		by := n
		if o.DMA { // what it moves stays the work of who wrote it; constants are nobody's
			by = -1
			for _, r := range o.reads {
				for _, w := range last.of(r) {
					by = w
				}
			}
		} else {
			for _, r := range o.reads {
				for _, w := range last.of(r) {
					if w >= 0 {
						f.join(seen, part, w, n)
					}
				}
			}
			n++
		}
		for _, w := range o.writes {
			last.note(w, by)
		}
	}
	for _, e := range part.edges {
		e.From, e.To = e.From+base, e.To+base
		d.edges = append(d.edges, e)
	}
	d.nodes = append(d.nodes, part.nodes...)
}

// writers are the kernels that wrote last, -1 for none, by bytes: disjoint spans in no order.
type writers []written

type written struct {
	isa.Span
	by int
}

// of returns who wrote the bytes of a span, each once.
func (w writers) of(s isa.Span) (list []int) {
	for _, k := range w {
		if k.Overlaps(s) && !slices.Contains(list, k.by) {
			list = append(list, k.by)
		}
	}
	return list
}

// note says that a kernel wrote a span: what it does not cover of others' stays theirs.
func (w *writers) note(s isa.Span, by int) {
	var rest writers
	for _, k := range *w {
		if !k.Overlaps(s) {
			rest = append(rest, k)
			continue
		}
		before, behind := k, k
		if before.End = s.Start; before.End > before.Start {
			rest = append(rest, before)
		}
		if behind.Start = s.End; behind.End > behind.Start {
			rest = append(rest, behind)
		}
	}
	*w = append(rest, written{s, by})
}

func tensor(g *graph.Graph, id graph.TensorID) *graph.Tensor {
	if id < 0 || int(id) >= len(g.Tensors) {
		return nil
	}
	return g.Tensors[id]
}

func tensorName(g *graph.Graph, id graph.TensorID) string {
	if t := tensor(g, id); t != nil {
		return t.Name
	}
	return ""
}

func shapeText(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	var parts []string
	for _, n := range shape {
		parts = append(parts, fmt.Sprint(n))
	}
	return strings.Join(parts, "×")
}

// classOf sorts operators by what they do, for their colour.
func classOf(k graph.Kind) string {
	switch {
	case k.Moves():
		return "move"
	case k == graph.FullyConnected || k == graph.Conv2D || k == graph.DepthwiseConv2D || k == graph.BatchMatMul:
		return "mac"
	case k == graph.Logistic || k == graph.Tanh || k == graph.Softmax:
		return "function"
	}
	return "element"
}

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
