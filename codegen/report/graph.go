// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
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

func or(s, other string) string {
	if s == "" {
		return other
	}
	return s
}
