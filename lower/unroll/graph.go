// SPDX-License-Identifier: Apache-2.0

package unroll

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Roles is what an importer knows of the tensors of a float graph; all of it may be
// missing.
type Roles struct {
	Role          []string // by TensorID, "" for constants; nil gives every tensor one of its own
	Sums, Carried map[string]bool
	Bounds        map[string][2]float32
	Ranges        map[string][2]float32 // of a network that was quantized before: see Plan.Given
}

// ForGraph returns the plan of a float graph of any topology. Tensors get one role
// where the importer says so, where a state passes from call to call, and where an
// operator keeps the quantization of its inputs. A movement that joins values of
// different prescribed quantizations keeps them apart: Plan.Converts reports it, and
// its inputs are requantized.
func ForGraph(g *graph.Graph, known Roles) (*Plan, error) {
	p := newBuilder(g.Name).Plan
	p.Graph = g
	if known.Role != nil && len(known.Role) != len(g.Tensors) {
		return nil, fmt.Errorf("network %q: roles of %d tensors, the graph has %d", g.Name, len(known.Role), len(g.Tensors))
	}
	j := &joiner{g: g, parent: map[string]string{}, fixed: map[string]graph.Kind{}, free: map[string]bool{}, role: make([]string, len(g.Tensors))}
	made := g.Made()
	for id, t := range g.Tensors {
		switch {
		case t.IsConst() || t.Type != graph.Float32 || !made[graph.TensorID(id)]: // no quantization
		case known.Role != nil && known.Role[id] != "":
			j.role[id] = known.Role[id]
		default:
			j.role[id] = t.Name
		}
	}
	j.producers()
	for _, s := range g.States {
		if !j.join(s.In, s.Out) {
			return nil, fmt.Errorf("state %q, which %q becomes: the two have quantizations that kernels prescribe differently", g.Tensors[s.In].Name, g.Tensors[s.Out].Name)
		}
	}
	for _, op := range g.Ops {
		if !op.Kind.Keeps() {
			continue
		}
		for _, free := range []bool{true, false} { // a prescription gives way to a range
			for _, id := range op.DataInputs() {
				if r := j.role[id]; r == "" || j.free[j.find(r)] != free {
					continue
				}
				for _, out := range op.Outputs {
					j.join(id, out)
				}
			}
		}
	}
	p.Role = make([]string, len(g.Tensors))
	for id, r := range j.role {
		if r != "" {
			p.Role[id] = j.find(r)
		}
	}
	for r, k := range j.fixed {
		p.Fixed[r] = k
	}
	spread := func(from, to map[string]bool) {
		for r := range from {
			to[j.find(r)] = true
		}
	}
	spread(known.Sums, p.Sums)
	spread(known.Carried, p.Carried)
	p.bound(j, known.Bounds)
	p.give(j, known.Ranges)
	p.feeds()
	return p, nil
}

// bound keeps what is known of a role as long as all that it joins are within it.
func (p *Plan) bound(j *joiner, known map[string][2]float32) {
	members := map[string]map[string]bool{}
	for _, r := range j.role {
		if r == "" {
			continue
		}
		root := j.find(r)
		if members[root] == nil {
			members[root] = map[string]bool{}
		}
		members[root][r] = true
	}
	for root, all := range members {
		var b [2]float32
		bounded := true
		for r := range all {
			k, ok := known[r]
			bounded = bounded && ok
			b[0], b[1] = min(b[0], k[0]), max(b[1], k[1])
		}
		if bounded {
			p.Bounds[root] = b
		}
	}
}

// give takes ranges of a quantized network over: a role has one where all that it joins
// have one, but for what operators make of them that keep the quantization.
func (p *Plan) give(j *joiner, known map[string][2]float32) {
	if len(known) == 0 {
		return
	}
	kept := map[graph.TensorID]bool{}
	for _, op := range j.g.Ops {
		if op.Kind.Keeps() {
			for _, id := range op.Outputs {
				kept[id] = true
			}
		}
	}
	open := map[string]bool{}
	for id, r := range j.role {
		if r == "" {
			continue
		}
		root := j.find(r)
		k, ok := known[r]
		if !ok {
			open[root] = open[root] || !kept[graph.TensorID(id)]
			continue
		}
		if was, ok := p.Given[root]; ok {
			k = [2]float32{min(was[0], k[0]), max(was[1], k[1])}
		}
		p.Given[root] = k
	}
	for root := range open {
		if open[root] {
			delete(p.Given, root)
		}
	}
}

// joiner unites roles that have to share a quantization.
type joiner struct {
	g      *graph.Graph
	role   []string
	parent map[string]string
	fixed  map[string]graph.Kind // roles with a producer that prescribes the quantization
	free   map[string]bool       // roles with a producer that does not
}

// producers notes how every role comes about.
func (j *joiner) producers() {
	states := map[graph.TensorID]bool{}
	for _, s := range j.g.States {
		states[s.In] = true
	}
	for _, id := range j.g.Inputs {
		if !states[id] {
			j.free[j.role[id]] = true
		}
	}
	for _, op := range j.g.Ops {
		if op.Kind.Keeps() {
			continue
		}
		for _, id := range op.Outputs {
			r := j.role[id]
			if d := graph.Describe(op.Kind); d != nil && d.Fixed != (graph.Fixed{}) {
				j.fixed[r] = op.Kind
			} else {
				j.free[r] = true
			}
		}
	}
	for r := range j.fixed {
		if j.free[r] { // a role of the importer's with several producers: no promise holds
			delete(j.fixed, r)
		}
	}
}

func (j *joiner) find(r string) string {
	for j.parent[r] != "" {
		r = j.parent[r]
	}
	return r
}

// join unites the roles of two tensors and reports whether it could: what a kernel
// prescribes holds for all of a role or for none.
func (j *joiner) join(a, b graph.TensorID) bool {
	if j.role[a] == "" || j.role[b] == "" {
		return true
	}
	x, y := j.find(j.role[a]), j.find(j.role[b])
	if x == y {
		return true
	}
	kx, fx := j.fixed[x]
	ky, fy := j.fixed[y]
	if fx && (j.free[y] || fy && graph.Describe(kx).Fixed != graph.Describe(ky).Fixed) || fy && j.free[x] {
		return false
	}
	j.parent[y] = x
	if fy {
		j.fixed[x] = ky
	}
	j.free[x] = j.free[x] || j.free[y]
	delete(j.fixed, y)
	return true
}
