// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// Compilers let operations read bytes that nobody wrote, where what comes of them is not
// used: the rest of a tensor of which one part is dead. So that a read is no finding by
// itself: the elements that depend on it are followed, as far as an output.

// stale is a range of bytes that hold something computed from bytes that were never
// written, and where that began.
type stale struct {
	Range
	origin Finding
}

// since returns the finding that a byte without a value leads to: where it came from, or
// that the operation reads it.
func (c *checker) since(which string, region int, at int64) Finding {
	for _, s := range c.stale[region] {
		if s.Start <= at && at < s.End {
			return s.origin
		}
	}
	f := c.at
	f.Rule, f.Msg = RuleUndefined, fmt.Sprintf("%s reads byte %d of region %d, which was never written", which, at, region)
	return f
}

// settle drops stale ranges that are overwritten.
func (c *checker) settle(region int, r Range) {
	list := c.stale[region]
	if !slices.ContainsFunc(list, func(s stale) bool { return s.Start < r.End && r.Start < s.End }) {
		return
	}
	var out []stale
	for _, s := range list {
		if s.End <= r.Start || s.Start >= r.End {
			out = append(out, s)
			continue
		}
		if s.Start < r.Start {
			out = append(out, stale{Range{s.Start, r.Start}, s.origin})
		}
		if s.End > r.End {
			out = append(out, stale{Range{r.End, s.End}, s.origin})
		}
	}
	c.stale[region] = out
}

// spoil marks bytes as written without a value.
func (c *checker) spoil(region int, bad ranges, origin Finding) {
	for _, r := range bad {
		c.settle(region, r)
		c.defined[region].remove(r.Start, r.End)
		c.stale[region] = append(c.stale[region], stale{r, origin})
	}
}

// gaps returns what of start..end is not in the set.
func (r ranges) gaps(start, end int64) ranges {
	var out ranges
	for at := start; at < end; {
		from := r.missing(at, end)
		if from < 0 {
			break
		}
		to := end
		if i := r.search(from + 1); i < len(r) {
			to = min(to, max(r[i].Start, from+1))
		}
		out.add(from, to)
		at = to
	}
	return out
}

// inputs is one input of an operation and which of its elements have no value.
type inputs struct {
	f   *isa.FeatureMap
	bad []bool // by element; nil: all have one
	any []bool // by pixel
}

func (c *checker) undefined(f *isa.FeatureMap) inputs {
	in := inputs{f: f, bad: make([]bool, f.H*f.W*f.C), any: make([]bool, f.H*f.W)}
	e := int64(f.Type.Bytes())
	for i := range in.bad {
		a := f.Address(i/f.C/f.W, i/f.C%f.W, i%f.C)
		in.bad[i] = c.defined[f.Region].missing(a, a+e) >= 0
		in.any[i/f.C] = in.any[i/f.C] || in.bad[i]
	}
	return in
}

// maxFollowed bounds the elements that are followed one by one; of a larger map all
// are taken to depend on what has no value.
const maxFollowed = 1 << 20

// dependents returns the bytes of the output that depend on bytes of the inputs that
// have no value.
func (c *checker) dependents(k *kernel) ranges {
	all, _ := bytesOf(&k.ofm, whole(&k.ofm))
	n := k.ofm.H * k.ofm.W * k.ofm.C
	if size := k.ifm.H * k.ifm.W * k.ifm.C; size > maxFollowed || n*k.k.H*k.k.W > maxFollowed || !c.spend((size+n)/4) {
		return all
	}
	one := c.undefined(&k.ifm)
	var two inputs
	if k.hasIFM2 {
		two = c.undefined(&k.ifm2)
	}
	wide := k.shape.Kind.SumsDepth()
	e := int64(k.ofm.Type.Bytes())
	var list ranges
	for i := range n {
		y, x, ch := i/k.ofm.C/k.ofm.W, i/k.ofm.C%k.ofm.W, i%k.ofm.C
		if one.reaches(k, y, x, ch, wide) || k.hasIFM2 && two.meets(y, x, ch) {
			a := k.ofm.Address(y, x, ch)
			list.add(a, a+e)
		}
	}
	return list
}

// reaches reports whether an output element reads an element without a value.
func (in inputs) reaches(k *kernel, y, x, ch int, wide bool) bool {
	n := k.k
	for ty := range n.H {
		for tx := range n.W {
			iy, ix := y*n.StrideY+ty*n.DilationY-n.Top, x*n.StrideX+tx*n.DilationX-n.Left
			if iy < 0 || ix < 0 || iy/k.up >= in.f.H || ix/k.up >= in.f.W {
				continue
			}
			pixel := iy/k.up*in.f.W + ix/k.up
			if wide && in.any[pixel] || !wide && in.bad[pixel*in.f.C+min(ch, in.f.C-1)] {
				return true
			}
		}
	}
	return false
}

// meets is reaches for the second operand, with its broadcasts.
func (in inputs) meets(y, x, ch int) bool {
	return in.bad[(min(y, in.f.H-1)*in.f.W+min(x, in.f.W-1))*in.f.C+min(ch, in.f.C-1)]
}
