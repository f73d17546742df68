// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"container/heap"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// order puts the nodes of a graph, and of the graphs within its nodes, into an order of
// execution: after those whose outputs they read, and of those that may come next the one
// that the file has first. ONNX asks for such an order and editors of graphs do not all
// keep it. Nodes that are in order stay where they are. A circle has no order, and is
// refused by the values along it.
//
// Every value is computed once, see once.
func (g *Graph) order() error {
	by := map[string]int{} // the node that computes a value
	for i, n := range g.Nodes {
		for _, out := range n.Outputs {
			if out != "" {
				by[out] = i
			}
		}
	}
	reads := make([][]int, len(g.Nodes))   // the nodes that a node waits for, each once
	readers := make([][]int, len(g.Nodes)) // and those that wait for it
	last := make([]int, len(g.Nodes))      // the last node that waits for it, from 1 on
	for i, n := range g.Nodes {
		for _, name := range n.captured() {
			if from, ok := by[name]; ok && last[from] != i+1 {
				last[from] = i + 1
				reads[i] = append(reads[i], from)
				readers[from] = append(readers[from], i)
			}
		}
	}
	waits := make([]int, len(g.Nodes))
	var ready places
	for i := range g.Nodes {
		if waits[i] = len(reads[i]); waits[i] == 0 {
			ready = append(ready, i) // in order, which is a heap
		}
	}
	sorted := make([]*Node, 0, len(g.Nodes))
	for len(ready) > 0 {
		i := heap.Pop(&ready).(int)
		sorted = append(sorted, g.Nodes[i])
		for _, r := range readers[i] {
			if waits[r]--; waits[r] == 0 {
				heap.Push(&ready, r)
			}
		}
	}
	if len(sorted) < len(g.Nodes) {
		return g.circle(reads, waits)
	}
	g.Nodes = sorted
	for _, n := range g.Nodes {
		for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
			if inner := n.Attrs[name].Graph; inner != nil {
				if err := inner.order(); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// captured are the names of the values that a node reads: its inputs, and what the graphs
// within it read or give of the values around them.
func (n *Node) captured() []string {
	names := slices.Clone(n.Inputs)
	for _, name := range slices.Sorted(maps.Keys(n.Attrs)) {
		g := n.Attrs[name].Graph
		if g == nil {
			continue
		}
		own := map[string]bool{}
		for _, d := range g.Inputs {
			own[d.Name] = true
		}
		for w := range g.Weights {
			own[w] = true
		}
		for _, inner := range g.Nodes {
			for _, out := range inner.Outputs {
				own[out] = true
			}
		}
		outer := func(list ...string) {
			for _, v := range list {
				if !own[v] {
					names = append(names, v)
				}
			}
		}
		for _, inner := range g.Nodes {
			outer(inner.captured()...)
		}
		for _, d := range g.Outputs {
			outer(d.Name)
		}
	}
	return names
}

// circle names the values of one circle among the nodes that wait for others.
func (g *Graph) circle(reads [][]int, waits []int) error {
	at := slices.IndexFunc(waits, func(n int) bool { return n > 0 })
	var path []int
	for !slices.Contains(path, at) {
		path = append(path, at)
		next := slices.IndexFunc(reads[at], func(from int) bool { return waits[from] > 0 })
		at = reads[at][next] // what waits waits for one that waits
	}
	path = path[slices.Index(path, at):]
	const most = 4
	var titles []string
	for i, p := range path {
		if i == most {
			titles = append(titles, fmt.Sprintf("%d more", len(path)-most))
			break
		}
		titles = append(titles, g.Nodes[p].Title())
	}
	if len(titles) == 1 {
		return fmt.Errorf("%s reads what it computes itself; what is kept between two calls is an input and an output of the graph", titles[0])
	}
	return fmt.Errorf("each of these nodes reads what the next computes, and the last what the first does: %s; what is kept between two calls is an input and an output of the graph", strings.Join(titles, ", "))
}

// places is a heap of the places of nodes in the file.
type places []int

func (p places) Len() int           { return len(p) }
func (p places) Less(i, j int) bool { return p[i] < p[j] }
func (p places) Swap(i, j int)      { p[i], p[j] = p[j], p[i] }
func (p *places) Push(x any)        { *p = append(*p, x.(int)) }

func (p *places) Pop() any {
	last := (*p)[len(*p)-1]
	*p = (*p)[:len(*p)-1]
	return last
}
