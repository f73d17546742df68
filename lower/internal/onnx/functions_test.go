// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"fmt"
	"strings"
	"testing"
)

// nodeMessage builds a NodeProto: op, inputs, outputs, and more fields.
func nodeMessage(op, in, out string, more ...any) []byte {
	var b []byte
	for _, s := range strings.Split(in, " ") {
		b = append(b, message(1, strings.TrimSuffix(s, "-"))...)
	}
	for _, s := range strings.Fields(out) {
		b = append(b, message(2, strings.TrimSuffix(s, "-"))...)
	}
	return append(b, message(append([]any{4, op}, more...)...)...)
}

// functionMessage builds a FunctionProto of the domain "my".
func functionMessage(name, in, out string, more ...any) []byte {
	b := message(1, name, 10, "my", 9, message(2, 17))
	for _, s := range strings.Fields(in) {
		b = append(b, message(4, s)...)
	}
	for _, s := range strings.Fields(out) {
		b = append(b, message(5, s)...)
	}
	return append(b, message(more...)...)
}

// withFunctions is a model that adds functions to a graph of one input, x.
func withFunctions(graph []byte, functions ...[]byte) []byte {
	b := modelOf(append(graph, message(11, message(1, "x"), 12, message(1, "y"))...))
	b = append(b, message(8, message(1, "my", 2, 1))...)
	for _, f := range functions {
		b = append(b, message(25, f)...)
	}
	return b
}

// text writes the nodes of a graph, branches in braces.
func text(g *Graph) string {
	var out []string
	for _, n := range g.Nodes {
		s := fmt.Sprintf("%s(%s)=%s", n.Op, strings.Join(n.Inputs, ","), strings.Join(n.Outputs, ","))
		if a := n.Attrs["alpha"]; a != nil {
			s += fmt.Sprintf("[%d]", a.Int)
		}
		if a := n.Attrs["then_branch"]; a != nil {
			s += "{" + text(a.Graph) + "}"
		}
		out = append(out, s)
	}
	return strings.Join(out, "; ")
}

// TestFunctions reads models that define operators by functions: names, attributes,
// inputs and outputs left out, functions within functions and branches.
func TestFunctions(t *testing.T) {
	my := []any{7, "my"}
	square := functionMessage("Square", "a", "b", 7, nodeMessage("Mul", "a a", "b"))
	leaky := functionMessage("Leaky", "a c", "b m", 6, "slope", 11, message(1, "other", 3, 7), 7, nodeMessage("Square", "a", "s", my...),
		7, nodeMessage("LeakyRelu", "s", "m", 5, message(1, "alpha", 21, "slope")), 7, nodeMessage("Clip", "m c", "b", 5, message(1, "alpha", 21, "other")))
	passing := functionMessage("Passing", "a", "b c", 7, nodeMessage("Relu", "a", "c"), 7, nodeMessage("Identity", "c", "d"))
	passing = append(passing, message(5, "a")...) // the third output is the input
	branch := functionMessage("Choose", "k a", "b", 7, nodeMessage("If", "k", "b", 5, message(1, "then_branch", 6, message(1, nodeMessage("Add", "a z", "r"), 5, message(1, 1, 2, 1, 8, "z", 9, "1234"), 12, message(1, "r")))))
	for _, c := range []struct {
		name  string
		graph []byte
		want  string
	}{
		{"twice", message(1, nodeMessage("Square", "x", "p", my...), 1, nodeMessage("Square", "p", "y", my...)), "Mul(x,x)=p; Mul(p,p)=y"},
		{"attributes", message(1, nodeMessage("Leaky", "x lo", "y", append([]any{5, message(1, "slope", 3, 2)}, my...)...)),
			"Mul(x,x)=Leaky/1/s; LeakyRelu(Leaky/1/s)=Leaky/1/m[2]; Clip(Leaky/1/m,lo)=y[7]"},
		{"absent", message(1, nodeMessage("Leaky", "x", "- m", my...)), "LeakyRelu(Leaky/1/s)=m; Clip(m,)=Leaky/1/b[7]"},
		{"handed on", message(1, nodeMessage("Passing", "x", "u v y", my...)), "Relu(x)=v; Identity(v)=Passing/1/d; Identity(x)=y"},
		{"a branch", message(1, nodeMessage("Choose", "k x", "y", my...)), "If(k)=y{Add(x,Choose/1/z)=Choose/1/r}"},
		{"within a branch", message(1, nodeMessage("If", "k", "y", 5, message(1, "then_branch", 6, message(1, nodeMessage("Square", "x", "r", my...), 12, message(1, "r"))))), "If(k)=y{Mul(x,x)=r}"},
	} {
		m, err := Read("m.onnx", withFunctions(c.graph, square, leaky, passing, branch))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if got := text(m.Graph); !strings.Contains(got, c.want) {
			t.Errorf("%s: %s, expected %s", c.name, got, c.want)
		}
	}
}

// TestHostileFunctions are functions that call themselves, grow without end or fit nothing.
func TestHostileFunctions(t *testing.T) {
	my := []any{7, "my"}
	call := func(op string) []byte { return message(1, nodeMessage(op, "x", "y", my...)) }
	var chain [][]byte // each calls the next 16 times
	for i := range 14 {
		f := functionMessage(fmt.Sprint("F", i), "a", "b")
		for k := range 16 {
			f = append(f, message(7, nodeMessage(fmt.Sprint("F", i+1), "a", fmt.Sprint("v", k), my...))...)
		}
		chain = append(chain, f)
	}
	for _, c := range []struct {
		name      string
		graph     []byte
		functions [][]byte
		want      string
	}{
		{"itself", call("F"), [][]byte{functionMessage("F", "a", "b", 7, nodeMessage("F", "a", "b", my...))}, "deep"},
		{"growing", call("F0"), chain, "more than"},
		{"twice", call("F"), [][]byte{functionMessage("F", "a", "b"), functionMessage("F", "a", "b")}, "defined twice"},
		{"too many inputs", message(1, nodeMessage("F", "x x", "y", my...)), [][]byte{functionMessage("F", "a", "b")}, "2 inputs"},
		{"another opset", call("F"), [][]byte{append(functionMessage("F", "a", "b"), message(9, message(2, 11))...)}, "opset 11"},
		{"an attribute of none", message(1, nodeMessage("Relu", "x", "y", 5, message(1, "alpha", 21, "slope"))), nil, "stands in none"},
		{"a value twice", message(1, nodeMessage("Relu", "x", "y"), 1, nodeMessage("Relu", "x", "y")), nil, "there already"},
		{"an input twice", append(message(1, nodeMessage("Relu", "x", "y")), message(11, message(1, "x"))...), nil, "declared twice"},
		{"a weight twice", message(5, message(1, 1, 2, 1, 8, "z", 9, "1234"), 5, message(1, 1, 2, 1, 8, "z", 9, "1234")), nil, "two weights"},
	} {
		if _, err := Read("m.onnx", withFunctions(c.graph, c.functions...)); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}
