// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

var _ = register(map[string]operator{
	"Einsum": einsum,
	"Erf":    withAttrs(func(*call) func(float64) float64 { return math.Erf }),
})

// einsum adds up the products of the operands over all values of all letters, as its
// definition says.
func einsum(c *call) ([]*Array, error) {
	inputs, output, explicit := strings.Cut(strings.ReplaceAll(c.Text("equation", ""), " ", ""), "->")
	for _, l := range inputs {
		if l > 'z' {
			return nil, fmt.Errorf("%q is no letter of an equation", l)
		}
	}
	terms := strings.Split(inputs, ",")
	if len(terms) != len(c.in) {
		return nil, fmt.Errorf("%d terms for %d operands", len(terms), len(c.in))
	}
	dots := 0
	for i, t := range terms {
		x, err := c.arg(i)
		if err != nil {
			return nil, err
		}
		if strings.Contains(t, "...") {
			dots = max(dots, x.rank()-len(t)+3)
		}
	}
	// Dimensions under the dots are called 0, 1, … from the left; shorter ones begin later.
	expand := func(t string, n int) string {
		digits := ""
		for i := dots - n; i < dots; i++ {
			digits += string(rune('0' + i))
		}
		return strings.Replace(t, "...", digits, 1)
	}
	size, uses := map[byte]int{}, map[byte]int{}
	for i, t := range terms {
		n := c.in[i].rank() - len(t) + 3
		if !strings.Contains(t, "...") {
			n = 0
		}
		if n < 0 || n > 10 {
			return nil, fmt.Errorf("term %q does not fit shape %v", t, c.in[i].Shape)
		}
		terms[i] = expand(t, n)
		if len(terms[i]) != c.in[i].rank() {
			return nil, fmt.Errorf("term %q does not fit shape %v", t, c.in[i].Shape)
		}
		for d := range terms[i] {
			l := terms[i][d]
			if old, ok := size[l]; ok && old != c.in[i].Shape[d] {
				return nil, fmt.Errorf("letter %q has %d and %d elements", l, old, c.in[i].Shape[d])
			}
			size[l] = c.in[i].Shape[d]
			uses[l]++
		}
	}
	if explicit {
		output = expand(output, dots)
	} else {
		var letters []byte
		for l, n := range uses {
			if n == 1 && l > '9' {
				letters = append(letters, l)
			}
		}
		slices.Sort(letters)
		output = expand("...", dots) + string(letters)
	}
	for i, l := range output {
		if strings.ContainsRune(output[:i], l) {
			return nil, fmt.Errorf("the output has %q twice", l)
		}
	}
	// All letters, those of the output first: every index of this space is one product.
	letters, shape := []byte(output), []int{}
	for _, l := range letters {
		if _, ok := size[l]; !ok {
			return nil, fmt.Errorf("the output has %q, which no operand has", l)
		}
		shape = append(shape, size[l])
	}
	var rest []byte
	for l := range size {
		if !slices.Contains(letters, l) {
			rest = append(rest, l)
		}
	}
	slices.Sort(rest)
	space := slices.Clone(shape)
	for _, l := range rest {
		space = append(space, size[l])
	}
	all := append(letters, rest...)
	steps := make([][]int, len(terms))
	for i, t := range terms {
		steps[i] = make([]int, len(all))
		for d, own := range strides(c.in[i].Shape) {
			steps[i][slices.Index(all, t[d])] += own
		}
	}
	y, err := c.make(c.in[0].Type, shape)
	if err != nil {
		return nil, err
	}
	if err := c.spend(append([]int{len(terms)}, space...)...); err != nil {
		return nil, err
	}
	to := strides(shape)
	each(space, func(_ int, index []int) {
		product := 1.0
		for i := range terms {
			product *= c.in[i].Data[offset(index, steps[i])]
		}
		y.Data[offset(index[:len(shape)], to)] += product
	})
	return []*Array{y}, nil
}
