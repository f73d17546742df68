// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/npy"
)

// laidOut are arrays whose samples are [sequences steps features].
type laidOut struct {
	x, y, mask *npy.Array
	notes      []string
}

// order is the usual order of dimensions: sequences, steps, features.
const order = "ntf"

// layOut brings samples into the usual order, out of the one that was asked for or that labels,
// mask and lengths show.
func layOut(x, y, mask, lengths *npy.Array, o Options) (*laidOut, error) {
	l := &laidOut{x: x, y: y, mask: mask}
	if err := checkLayout(o.Layout); err != nil {
		return nil, err
	}
	if len(x.Shape) == 4 && !slices.Contains(x.Shape, 0) {
		for _, d := range []int{3, 1} {
			if x.Shape[d] == 1 {
				c := *x
				c.Shape = slices.Delete(slices.Clone(x.Shape), d, d+1)
				l.notes = append(l.notes, fmt.Sprintf("%s: shape %v is read without its dimension of 1", x.Name, x.Shape))
				l.x = &c
				break
			}
		}
	}
	x = l.x
	if len(o.Layout) == 2 {
		if len(x.Shape) != 2 {
			return nil, fmt.Errorf("%s: shape %v, and the layout %s is for two dimensions", x.Name, x.Shape, o.Layout)
		}
		c := *x
		c.Shape = append(slices.Clone(x.Shape), 1)
		l.x, x = &c, &c
	}
	if len(x.Shape) != 3 || slices.Contains(x.Shape, 0) || x.IsText() {
		return l, nil // whoever reads it says so
	}
	layout := o.Layout
	if len(layout) == 2 {
		layout += "f"
	}
	if layout == "" {
		why := ""
		if layout, why = layoutBy(x, y, mask, lengths); layout == order {
			l.notes = append(l.notes, perhapsTurned(x)...)
			return l, nil
		}
		l.notes = append(l.notes, fmt.Sprintf("%s: shape %v is read as %s, for %s; --layout %s takes it as it stands", x.Name, x.Shape, inWords(layout), why, order))
	}
	if layout == order {
		return l, nil
	}
	var err error
	if l.x, err = turned(x, layout, order); err != nil {
		return nil, err
	}
	// What belongs to steps stands as samples do: steps first, or sequences.
	if strings.Index(layout, "t") < strings.Index(layout, "n") {
		for _, a := range []**npy.Array{&l.y, &l.mask} {
			if b := *a; b != nil && (len(b.Shape) == 2 || len(b.Shape) == 3) && b.Shape[0] == l.x.Shape[1] && b.Shape[1] == l.x.Shape[0] && !b.IsText() {
				if *a, err = turned(b, "tnf"[:len(b.Shape)], "ntf"[:len(b.Shape)]); err != nil {
					return nil, err
				}
			}
		}
	}
	return l, nil
}

// checkLayout refuses what is no order of dimensions.
func checkLayout(layout string) error {
	letters := []byte(layout)
	slices.Sort(letters)
	if s := string(letters); s != "" && s != "fnt" && s != "nt" {
		return fmt.Errorf("layout %q: expected the letters n (sequences), t (steps) and f (features) in the order of the dimensions, as nft; or nt for sequences of one feature", layout)
	}
	return nil
}

// layoutBy tells the order of dimensions from what stands beside the samples, and what that was.
func layoutBy(x, y, mask, lengths *npy.Array) (layout, why string) {
	n, a, b := x.Shape[0], x.Shape[1], x.Shape[2]
	switch {
	case len(y.Shape) == 1 && y.Shape[0] == a && a != n:
		return "tnf", fmt.Sprintf("%s has a label for each of %d", y.Name, a)
	case a == b || len(y.Shape) > 0 && y.Shape[0] != n:
	case mask != nil && len(mask.Shape) == 2 && mask.Shape[0] == n && mask.Shape[1] == b:
		return "nft", fmt.Sprintf("%s has %d steps", mask.Name, b)
	case len(y.Shape) == 3 && y.Shape[1] == b,
		len(y.Shape) == 2 && y.Shape[1] == b && y.Kind() != 'f' && b > 1 && (y.IsText() || !oneOfEach(y)):
		return "nft", fmt.Sprintf("%s has %d steps", y.Name, b)
	case lengths != nil && len(lengths.Shape) == 1 && !lengths.IsText() && lengths.Kind() != 'f' && lengths.Elements() > 0:
		longest := int64(0)
		for i := range lengths.Elements() {
			longest = max(longest, lengths.Int(i))
		}
		if longest > int64(a) && longest <= int64(b) {
			return "nft", fmt.Sprintf("%s has up to %d steps", lengths.Name, longest)
		}
	}
	return order, ""
}

// perhapsTurned says so where the last dimension looks like steps: it is much longer than the
// middle one, or values change less along it.
func perhapsTurned(x *npy.Array) []string {
	n, a, b := min(x.Shape[0], 64), x.Shape[1], x.Shape[2]
	if a < 2 || b <= a {
		return nil
	}
	if b < 4*a && !smoother(x, n, a, b) {
		return nil
	}
	return []string{fmt.Sprintf("%s: shape %v is read as %s; where features come before steps, as in PyTorch's convolutions, say --layout nft", x.Name, x.Shape, fmt.Sprintf("%d steps of %d features", a, b))}
}

// smoother reports whether values change half as much along the last dimension as along the
// middle one, or less.
func smoother(x *npy.Array, n, a, b int) bool {
	middle, last := 0.0, 0.0
	for i := range n {
		for j := range a {
			for k := range b {
				at := (i*a+j)*b + k
				v := x.Float(at)
				if j > 0 {
					middle += math.Abs(v-x.Float(at-b)) / float64((a-1)*b)
				}
				if k > 0 {
					last += math.Abs(v-x.Float(at-1)) / float64(a*(b-1))
				}
			}
		}
	}
	return last < middle/2
}

func inWords(layout string) string {
	words := map[rune]string{'n': "sequences", 't': "steps", 'f': "features"}
	var all []string
	for _, c := range layout {
		all = append(all, words[c])
	}
	return "[" + strings.Join(all, " ") + "]"
}

// turned returns an array whose dimensions, named by letters, are in another order.
func turned(a *npy.Array, from, to string) (*npy.Array, error) {
	if err := budget.Ask(a.Name+": another order of its dimensions", int64(len(a.Data))); err != nil {
		return nil, err
	}
	width := a.Width()
	strides := make([]int, len(from)) // of the old array, in elements
	for i, stride := len(from)-1, 1; i >= 0; i-- {
		strides[i] = stride
		stride *= a.Shape[i]
	}
	t := &npy.Array{Name: a.Name, Type: a.Type, Shape: make([]int, len(to)), Data: make([]byte, 0, len(a.Data))}
	step := make([]int, len(to))
	for i := range to {
		at := strings.IndexByte(from, to[i])
		t.Shape[i], step[i] = a.Shape[at], strides[at]
	}
	index := make([]int, len(to))
	for range a.Elements() {
		at := 0
		for i, n := range index {
			at += n * step[i]
		}
		t.Data = append(t.Data, a.Data[at*width:(at+1)*width]...)
		for i := len(index) - 1; i >= 0; i-- {
			if index[i]++; index[i] < t.Shape[i] {
				break
			}
			index[i] = 0
		}
	}
	return t, nil
}
