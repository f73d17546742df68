// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

var _ = register(map[string]nodeConverter{"Einsum": einsumNode})

// labelled is an operand of an Einsum: a letter for each dimension.
type labelled struct {
	*value
	at []rune
}

// einsumNode writes a sum of products as permutations, one matrix product of two operands
// after the other, and sums.
func einsumNode(c *converter, in []*value) []*value {
	terms, result, sizes := c.einsum(in)
	acc := c.diagonal(terms[0])
	for i, t := range terms[1:] {
		keep := slices.Clone(result)
		for _, later := range terms[i+2:] {
			keep = append(keep, later.at...)
		}
		acc = c.contracted(acc, c.diagonal(t), keep, sizes)
	}
	acc = c.summed(acc, result)
	perm := make([]int, len(result))
	for i, l := range result {
		if perm[i] = slices.Index(acc.at, l); perm[i] < 0 {
			c.refuse("the result has %q, which no operand has", l)
		}
	}
	return only(c.permuted(acc.value, perm))
}

// einsum reads the equation; dimensions under an ellipsis get letters of their own.
func (c *converter) einsum(in []*value) (terms []labelled, result []rune, sizes map[rune]int) {
	equation := strings.ReplaceAll(c.node.Text("equation", ""), " ", "")
	signs := strings.NewReplacer("...", "", "->", "", ",", "").Replace(equation)
	if other := strings.Trim(signs, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"); other != "" {
		c.refuse("equation %q has %q: expected letters, commas, ... and one ->", equation, other)
	}
	left, right, explicit := strings.Cut(equation, "->")
	parts := strings.Split(left, ",")
	if len(parts) != len(in) {
		c.refuse("equation %q has %d operands, the node has %d", equation, len(parts), len(in))
	}
	const hidden = 0x2460 // letters that nobody writes
	ellipsis := 0
	sizes = map[rune]int{}
	count := map[rune]int{}
	for i, part := range parts {
		v := c.arg(in, i)
		letters := []rune(strings.Replace(part, "...", "…", 1))
		if at := slices.Index(letters, '…'); at >= 0 {
			n := v.rank() - (len(letters) - 1)
			if n < 0 {
				c.refuse("equation %q does not fit shape %v", equation, v.shape)
			}
			ellipsis = max(ellipsis, n)
			wide := make([]rune, n)
			for d := range wide { // numbered from the last
				wide[d] = rune(hidden + n - 1 - d)
			}
			letters = slices.Concat(letters[:at], wide, letters[at+1:])
		}
		if len(letters) != v.rank() {
			c.refuse("equation %q does not fit shape %v", equation, v.shape)
		}
		for d, l := range letters {
			if n, ok := sizes[l]; ok && n != v.shape[d] {
				c.refuse("%q has %d and %d elements", l, n, v.shape[d])
			}
			sizes[l] = v.shape[d]
			count[l]++
		}
		terms = append(terms, labelled{v, letters})
	}
	wide := make([]rune, ellipsis)
	for d := range wide {
		wide[d] = rune(hidden + ellipsis - 1 - d)
	}
	if explicit {
		result = []rune(strings.Replace(right, "...", "…", 1))
		if at := slices.Index(result, '…'); at >= 0 {
			result = slices.Concat(result[:at], wide, result[at+1:])
		}
		for i, l := range result {
			if slices.Contains(result[:i], l) {
				c.refuse("equation %q has %q twice in its result", equation, l)
			}
		}
	} else { // what occurs once, in alphabetical order
		var once []rune
		for l, n := range count {
			if n == 1 && l < hidden {
				once = append(once, l)
			}
		}
		slices.Sort(once)
		result = append(wide, once...)
	}
	return terms, result, sizes
}

// diagonal takes the elements for which dimensions of one letter have one index.
func (c *converter) diagonal(t labelled) labelled {
	for d, l := range t.at {
		first := slices.Index(t.at, l)
		if first == d {
			continue
		}
		own := strides(t.shape)
		shape, at := slices.Delete(slices.Clone(t.shape), d, d+1), slices.Delete(slices.Clone(t.at), d, d+1)
		v := c.scatter(t.value, shape, func(index []int) int {
			place := index[first] * own[d]
			for i, x := range index {
				k := i
				if i >= d {
					k++
				}
				place += x * own[k]
			}
			return place
		})
		return c.diagonal(labelled{v, at})
	}
	return t
}

// summed sums over the letters that are not kept.
func (c *converter) summed(t labelled, keep []rune) labelled {
	order := orderOf(t.value)
	var axes []int
	gone := map[int]bool{}
	var left []rune
	for d, l := range t.at {
		if slices.Contains(keep, l) {
			left = append(left, l)
			continue
		}
		gone[d] = true
		axes = append(axes, position(order, d))
	}
	if len(axes) == 0 {
		return t
	}
	id := c.op(graph.Sum, graph.ReducerAttr{KeepDims: true}, c.base+"/sum", t.id, c.numbers("axes", axes...))
	return labelled{c.without(c.stored(id, t.order), gone), left}
}

// contracted multiplies two operands and sums over what only they have and is not kept.
func (c *converter) contracted(a, b labelled, keep []rune, sizes map[rune]int) labelled {
	a, b = c.summed(a, append(slices.Clone(b.at), keep...)), c.summed(b, append(slices.Clone(a.at), keep...))
	var batch, inner, rows, cols []rune
	for _, l := range a.at {
		switch shared, kept := slices.Contains(b.at, l), slices.Contains(keep, l); {
		case shared && kept:
			batch = append(batch, l)
		case shared:
			inner = append(inner, l)
		default:
			rows = append(rows, l)
		}
	}
	for _, l := range b.at {
		if !slices.Contains(a.at, l) {
			cols = append(cols, l)
		}
	}
	size := func(letters []rune) int {
		n := 1
		for _, l := range letters {
			n *= sizes[l]
		}
		return n
	}
	turned := func(t labelled, groups ...[]rune) *value {
		letters := slices.Concat(groups...)
		perm := make([]int, len(letters))
		for i, l := range letters {
			perm[i] = slices.Index(t.at, l)
		}
		return c.permuted(t.value, perm)
	}
	shape := func(groups ...[]rune) []int {
		out := []int{}
		for _, l := range slices.Concat(groups...) {
			out = append(out, sizes[l])
		}
		return out
	}
	at := slices.Concat(batch, rows, cols)
	if len(inner) == 0 { // an outer product, element by element
		x := c.reshaped(turned(a, batch, rows), append(shape(batch, rows), ones(len(cols))...))
		y := c.reshaped(turned(b, batch, cols), slices.Concat(shape(batch), ones(len(rows)), shape(cols)))
		return labelled{c.binary(graph.Mul, graph.MulAttr{}, c.base+"/product", x, y), at}
	}
	x := c.reshaped(turned(a, batch, rows, inner), []int{size(batch), size(rows), size(inner)})
	y := c.reshaped(turned(b, batch, inner, cols), []int{size(batch), size(inner), size(cols)})
	if size(batch) == 1 {
		x, y = c.reshaped(x, x.shape[1:]), c.reshaped(y, y.shape[1:])
	}
	return labelled{c.reshaped(c.product(x, y), shape(batch, rows, cols)), at}
}

func ones(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = 1
	}
	return out
}
