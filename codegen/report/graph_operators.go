// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

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
