// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"html/template"
	"math"
	"slices"
)

// diagram is a directed graph to draw from top to bottom.
type diagram struct {
	nodes []node
	edges []edge
}

// node is a box of a diagram: two lines of text and what hovering says.
type node struct {
	Label, Sub, Title, Class string

	layer, order int
	x            float64
	through      bool // a bend of an edge that passes a layer
}

// edge leads from one node to another. Back edges go to the next repetition of what is drawn
// once, and do not order the nodes.
type edge struct {
	From, To int
	Back     bool
}

// Sizes of boxes and the space between them, in pixels.
const (
	boxWidth   = 176.0
	boxHeight  = 42.0
	layerSpace = 30.0
	boxSpace   = 18.0
	bendWidth  = 10.0
)

// draw lays the diagram out in layers: every node lies below those that it depends on, and
// beside the middle of its neighbours.
func (g *diagram) draw(name string) template.HTML {
	if len(g.nodes) == 0 {
		return ""
	}
	g.layering()
	chains := g.bends()
	layers := g.ordered()
	g.place(layers)
	width := 0.0
	for i := range g.nodes {
		width = math.Max(width, g.nodes[i].x+g.nodes[i].width()/2)
	}
	back := 0
	for _, e := range g.edges {
		if e.Back {
			back++
		}
	}
	margin := 16.0
	side := width + margin
	d := newDrawing(side+margin+float64(14*back), float64(len(layers))*(boxHeight+layerSpace)+margin, "zoom graph", name)
	top := func(n *node) float64 { return margin + float64(float64(n.layer)*(boxHeight+layerSpace)) }
	lane := side
	for i, e := range g.edges {
		from, to := &g.nodes[e.From], &g.nodes[e.To]
		if e.Back {
			lane += 12
			x1, y1, x2, y2 := from.x+margin+boxWidth/2, top(from)+boxHeight/2, to.x+margin+boxWidth/2, top(to)+boxHeight/2
			fmt.Fprintf(&d.b, `<path class="edge back" marker-end="url(#arrow)" d="M%s %sH%sV%sH%s"/>`, num(x1), num(y1), num(lane), num(y2), num(x2))
			continue
		}
		path := fmt.Sprintf("M%s %s", num(from.x+margin), num(top(from)+boxHeight))
		px, py := from.x+margin, top(from)+boxHeight
		for _, k := range append(slices.Clone(chains[i]), e.To) {
			n := &g.nodes[k]
			x, y := n.x+margin, top(n)
			mid := (py + y) / 2
			path += fmt.Sprintf("C%s %s %s %s %s %s", num(px), num(mid), num(x), num(mid), num(x), num(y))
			if n.through {
				y += boxHeight
				path += fmt.Sprintf("V%s", num(y))
			}
			px, py = x, y
		}
		fmt.Fprintf(&d.b, `<path class="edge" marker-end="url(#arrow)" d="%s"/>`, path)
	}
	for i := range g.nodes {
		n := &g.nodes[i]
		if n.through {
			continue
		}
		x, y := n.x+margin-boxWidth/2, top(n)
		d.rect("box "+n.Class, x, y, boxWidth, boxHeight, n.Title)
		d.text("boxname", "middle", n.x+margin, y+18, cutEnd(n.Label, 22))
		d.text("boxsub", "middle", n.x+margin, y+34, cut(n.Sub, 25))
	}
	return d.done()
}

// cut shortens a text to n characters, keeping its end, which tells tensors apart.
func cut(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return "…" + string(r[len(r)-n+1:])
}

// cutEnd shortens a text to n characters, keeping its start.
func cutEnd(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

func (n *node) width() float64 {
	if n.through {
		return bendWidth
	}
	return boxWidth
}

// layering puts every node one layer below the lowest that it depends on. Nodes stand in
// an order in which edges lead forward.
func (g *diagram) layering() {
	for again := true; again; {
		again = false
		for _, e := range g.edges {
			if a, b := &g.nodes[e.From], &g.nodes[e.To]; !e.Back && e.From < e.To && b.layer <= a.layer {
				b.layer, again = a.layer+1, true
			}
		}
	}
	// What only feeds others stands right above the first of them.
	for i := len(g.nodes) - 1; i >= 0; i-- {
		least, has := math.MaxInt, false
		for _, e := range g.edges {
			if e.Back {
				continue
			}
			if e.From == i {
				least = min(least, g.nodes[e.To].layer)
			}
			has = has || e.To == i
		}
		if !has && least < math.MaxInt {
			g.nodes[i].layer = max(0, least-1)
		}
	}
}

// bends adds a node to every layer that an edge passes. The result has those of each edge.
func (g *diagram) bends() [][]int {
	chains := make([][]int, len(g.edges))
	for i, e := range g.edges {
		if e.Back {
			continue
		}
		for l := g.nodes[e.From].layer + 1; l < g.nodes[e.To].layer; l++ {
			chains[i] = append(chains[i], len(g.nodes))
			g.nodes = append(g.nodes, node{layer: l, through: true})
		}
	}
	return chains
}

// links returns the neighbours of every node in the layer above and below.
func (g *diagram) links(chains [][]int) (up, down [][]int) {
	up, down = make([][]int, len(g.nodes)), make([][]int, len(g.nodes))
	for i, e := range g.edges {
		if e.Back {
			continue
		}
		at := e.From
		for _, k := range append(slices.Clone(chains[i]), e.To) {
			up[k], down[at] = append(up[k], at), append(down[at], k)
			at = k
		}
	}
	return up, down
}

// sweeps is how often layers are ordered by their neighbours.
const sweeps = 8

// ordered returns the nodes by layer, ordered so that few edges cross: each by the mean
// place of its neighbours.
func (g *diagram) ordered() [][]int {
	depth := 0
	for i := range g.nodes {
		depth = max(depth, g.nodes[i].layer)
	}
	layers := make([][]int, depth+1)
	for i := range g.nodes {
		l := g.nodes[i].layer
		g.nodes[i].order = len(layers[l])
		layers[l] = append(layers[l], i)
	}
	up, down := g.links(g.chains())
	mean := func(list []int, own float64) float64 {
		if len(list) == 0 {
			return own
		}
		sum := 0
		for _, k := range list {
			sum += g.nodes[k].order
		}
		return float64(sum) / float64(len(list))
	}
	for n := range sweeps {
		for step := range layers {
			l, beside := step, up
			if n%2 == 1 {
				l, beside = depth-step, down
			}
			key := map[int]float64{}
			for _, k := range layers[l] {
				key[k] = mean(beside[k], float64(g.nodes[k].order))
			}
			slices.SortStableFunc(layers[l], func(a, b int) int { return cmp.Compare(key[a], key[b]) })
			for order, k := range layers[l] {
				g.nodes[k].order = order
			}
		}
	}
	return layers
}

// chains finds the bends of every edge again: they were added edge by edge, layer by layer.
func (g *diagram) chains() [][]int {
	first := slices.IndexFunc(g.nodes, func(n node) bool { return n.through })
	chains := make([][]int, len(g.edges))
	for i, e := range g.edges {
		if e.Back {
			continue
		}
		for l := g.nodes[e.From].layer + 1; l < g.nodes[e.To].layer; l++ {
			chains[i] = append(chains[i], first)
			first++
		}
	}
	return chains
}

// place gives nodes their abscissae: in turn as near to the middle of their neighbours as
// those beside them allow.
func (g *diagram) place(layers [][]int) {
	for _, layer := range layers {
		x := 0.0
		for _, k := range layer {
			g.nodes[k].x = x + g.nodes[k].width()/2
			x += g.nodes[k].width() + boxSpace
		}
	}
	up, down := g.links(g.chains())
	for n := range 3 * sweeps {
		for step := range layers {
			l, beside := step, up
			if n%2 == 1 {
				l, beside = len(layers)-1-step, down
			}
			g.settle(layers[l], beside)
		}
	}
	least := math.Inf(1)
	for i := range g.nodes {
		least = math.Min(least, g.nodes[i].x-g.nodes[i].width()/2)
	}
	for i := range g.nodes {
		g.nodes[i].x -= least
	}
}

// settle moves the nodes of a layer towards their neighbours and then apart.
func (g *diagram) settle(layer []int, beside [][]int) {
	want := make([]float64, len(layer))
	for i, k := range layer {
		want[i] = g.nodes[k].x
		if len(beside[k]) > 0 {
			sum := 0.0
			for _, b := range beside[k] {
				sum += g.nodes[b].x
			}
			want[i] = sum / float64(len(beside[k]))
		}
	}
	room := func(i int) float64 {
		return g.nodes[layer[i-1]].width()/2 + boxSpace + g.nodes[layer[i]].width()/2
	}
	// Pushed right from the left, and left from the right: the mean of both is apart, too.
	right, left := slices.Clone(want), slices.Clone(want)
	for i := 1; i < len(layer); i++ {
		right[i] = math.Max(right[i], right[i-1]+room(i))
	}
	for i := len(layer) - 2; i >= 0; i-- {
		left[i] = math.Min(left[i], left[i+1]-room(i+1))
	}
	for i, k := range layer {
		g.nodes[k].x = (right[i] + left[i]) / 2
	}
}
