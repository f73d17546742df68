// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// chainOf are n nodes of which each reads the one before, and every third one the first.
func chainOf(n int) []*Node {
	var list []*Node
	for i := range n {
		node := nodeOf("Add", fmt.Sprint("v", i, " v", i), fmt.Sprint("v", i+1))
		if i%3 == 2 {
			node.Inputs[1] = "v1"
		}
		list = append(list, node)
	}
	return list
}

// TestOrder shuffles nodes; those in order stay as they are.
func TestOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	want := chainOf(50)
	for round := range 20 {
		g := &Graph{Nodes: slices.Clone(want)}
		if round > 0 {
			rng.Shuffle(len(g.Nodes), func(i, j int) { g.Nodes[i], g.Nodes[j] = g.Nodes[j], g.Nodes[i] })
		}
		if err := g.order(); err != nil || !slices.Equal(g.Nodes, want) {
			t.Fatalf("round %d: error %v, or another order", round, err)
		}
	}
	// Two that do not need each other keep the order of the file.
	g := &Graph{Nodes: []*Node{nodeOf("Relu", "c", "d"), nodeOf("Relu", "x", "b"), nodeOf("Relu", "x", "a"), nodeOf("Add", "a b", "c")}}
	if err := g.order(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, n := range g.Nodes {
		got = append(got, n.Out(0))
	}
	if s := strings.Join(got, " "); s != "b a c d" {
		t.Errorf("order %s, expected b a c d", s)
	}
}

// TestOrderWithin puts a node that computes what a branch reads in front of the If, also
// where a branch gives the value as it is, and orders the branch itself.
func TestOrderWithin(t *testing.T) {
	branch := &Graph{Nodes: []*Node{nodeOf("Relu", "p", "q"), nodeOf("Add", "a a", "p")}, Outputs: []*Declared{declared("q")}}
	other := &Graph{Outputs: []*Declared{declared("b")}}
	n := nodeOf("If", "yes", "y")
	n.Attrs["then_branch"], n.Attrs["else_branch"] = &Attr{Graph: branch}, &Attr{Graph: other}
	g := &Graph{Nodes: []*Node{n, nodeOf("Relu", "x", "a"), nodeOf("Tanh", "x", "b")}}
	if err := g.order(); err != nil {
		t.Fatal(err)
	}
	if g.Nodes[2] != n || branch.Nodes[0].Out(0) != "p" {
		t.Errorf("order %s, %s, %s; in the branch %s first", g.Nodes[0].Title(), g.Nodes[1].Title(), g.Nodes[2].Title(), branch.Nodes[0].Title())
	}
}

// TestOrderCircles are refused by the nodes along them.
func TestOrderCircles(t *testing.T) {
	for _, c := range []struct {
		nodes []*Node
		want  string
	}{
		{[]*Node{nodeOf("Relu", "x", "z"), nodeOf("Add", "x b", "a"), nodeOf("Add", "x a", "b"), nodeOf("Relu", "b", "c")},
			`Add (output "a"), Add (output "b");`},
		{[]*Node{nodeOf("Relu", "b", "c"), nodeOf("Add", "x b", "b")}, `Add (output "b") reads what it computes itself`},
		{append(chainOf(9), nodeOf("Relu", "v9", "v0")), "6 more"},
	} {
		g := &Graph{Nodes: c.nodes}
		if err := g.order(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, expected one with %q", err, c.want)
		}
	}
}
