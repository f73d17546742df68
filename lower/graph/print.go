// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"io"
	"sort"
	"strings"
)

// Fprint writes the graph as text, a line for each operator: its outputs, what
// computes them, attributes and inputs. Constants are shown where they are
// used, as type, shape and quantization. The text depends on the graph alone.
func Fprint(w io.Writer, g *Graph) error {
	p := &printer{w: w, g: g}
	p.line("graph %q: %d operators, %d tensors, %d constant bytes", g.Name, len(g.Ops), len(g.Tensors), g.constantBytes())
	for _, id := range g.Inputs {
		p.line("input  %s%s", p.typed(id), p.stateNote(id))
	}
	for _, id := range g.Outputs {
		p.line("output %s%s", p.typed(id), p.stateNote(id))
	}
	for _, t := range g.Tensors {
		if t.Variable {
			p.line("state  %s, variable", t.describe())
		}
	}
	p.line("")
	width := len(fmt.Sprint(max(len(g.Ops)-1, 0)))
	for i, op := range g.Ops {
		p.line("%*d  %s", width, i, p.operator(op))
	}
	p.line("")
	for _, k := range p.counts() {
		p.line("%5d  %v", k.n, k.kind)
	}
	return p.err
}

type printer struct {
	w   io.Writer
	g   *Graph
	err error
}

func (p *printer) line(format string, args ...any) {
	if p.err == nil {
		_, p.err = io.WriteString(p.w, strings.TrimRight(fmt.Sprintf(format, args...), " ")+"\n")
	}
}

func (p *printer) typed(id TensorID) string { return p.g.Tensors[id].describe() }

// describe gives name, type, shape and quantization of a tensor.
func (t *Tensor) describe() string {
	s := fmt.Sprintf("%s %v%v", t.Name, t.Type, t.Shape)
	if t.Quant == nil || len(t.Quant.Scales) == 0 {
		return s
	}
	if n := len(t.Quant.Scales); n > 1 {
		lo, hi := t.Quant.Scales[0], t.Quant.Scales[0]
		for _, v := range t.Quant.Scales {
			lo, hi = min(lo, v), max(hi, v)
		}
		return fmt.Sprintf("%s scale %.6g..%.6g for each of %d along %d", s, lo, hi, n, t.Quant.Axis)
	}
	return fmt.Sprintf("%s scale %.8g zero %d", s, t.Scale(), t.ZeroPoint())
}

func (p *printer) stateNote(id TensorID) string {
	for _, s := range p.g.States {
		switch id {
		case s.In:
			return ", state fed from " + p.g.Tensors[s.Out].Name
		case s.Out:
			return ", state fed to " + p.g.Tensors[s.In].Name
		}
	}
	return ""
}

func (p *printer) operator(op *Op) string {
	var outs, ins []string
	for _, id := range op.Outputs {
		outs = append(outs, p.typed(id))
	}
	for _, id := range op.Inputs {
		switch t := p.g.Tensor(id); {
		case t == nil:
			ins = append(ins, "-")
		case t.IsConst():
			ins = append(ins, p.constant(t))
		default:
			ins = append(ins, t.Name)
		}
	}
	attr := ""
	if op.Attr != nil {
		attr = strings.TrimPrefix(fmt.Sprintf("%+v", op.Attr), "{")
		attr = " {" + strings.TrimSuffix(attr, "}") + "}"
		if c, ok := op.Attr.(CustomAttr); ok {
			attr = fmt.Sprintf(" %q", c.Code)
		}
	}
	return fmt.Sprintf("%s = %v(%s)%s", strings.Join(outs, ", "), op.Kind, strings.Join(ins, ", "), attr)
}

// constant shows small integer parameters by value and others by type.
func (p *printer) constant(t *Tensor) string {
	const few = 8
	if v, err := t.Ints(); err == nil && len(v) <= few && (t.Quant == nil || len(t.Quant.Scales) == 0) {
		if len(t.Shape) == 0 && len(v) == 1 {
			return fmt.Sprint(v[0])
		}
		return strings.ReplaceAll(fmt.Sprint(v), " ", ",")
	}
	return "const " + t.describe()
}

func (g *Graph) constantBytes() int {
	n := 0
	for _, t := range g.Tensors {
		n += len(t.Data)
	}
	return n
}

type kindCount struct {
	kind Kind
	n    int
}

// counts lists the kinds of operators, most frequent first.
func (p *printer) counts() []kindCount {
	byKind := map[Kind]int{}
	for _, op := range p.g.Ops {
		byKind[op.Kind]++
	}
	var list []kindCount
	for k, n := range byKind {
		list = append(list, kindCount{k, n})
	}
	sort.Slice(list, func(i, j int) bool {
		if list[i].n != list[j].n {
			return list[i].n > list[j].n
		}
		return list[i].kind < list[j].kind
	})
	return list
}
