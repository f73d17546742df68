// SPDX-License-Identifier: Apache-2.0

package verify

import "github.com/unroll-npu/unroll/ethosu/isa"

// A softmax divides by a sum of exp(x - max(x)). That the sum is not 0 no bound of x
// shows: it takes that max(x) is one of the x.

// maximum is a feature map whose elements are the largest of some bytes each.
type maximum struct {
	from    int             // region of the bytes
	to      int             // region of the elements
	of      map[int64]Range // by the element's address
	spans   []isa.Span      // of the elements and of the bytes
	element isa.DType
}

// maximum notes of which bytes the elements of a MAX pool are the largest.
func (c *checker) maximum(o *isa.Operation, k *kernel) {
	act := o.Activation()
	first, last := k.ifm.Type.Limits()
	lo, hi := int64(act.Min), int64(act.Max)
	if k.ifm.Type.Signed {
		lo, hi = int64(int16(act.Min)), int64(int16(act.Max))
	}
	c.largest(k, lo > first || hi < last, k.table || act.Function != isa.ActNone)
}

// largest is maximum for a pool that is clamped, or not, and has a function, or not.
func (c *checker) largest(k *kernel, clamped, function bool) {
	f, n := &k.ifm, k.k
	if f.Type != k.ofm.Type || f.ZeroPoint != k.ofm.ZeroPoint || clamped || function ||
		k.up != 1 || n.Top+n.Left+n.Bottom+n.Right > 0 || k.ofm.H*k.ofm.W*k.ofm.C*n.H*n.W > maxElements || overlap(k.in, k.out) ||
		!c.spend(k.ofm.H*k.ofm.W*k.ofm.C*n.H*n.W/4) {
		return
	}
	m := maximum{from: f.Region, to: k.ofm.Region, of: map[int64]Range{}, spans: append(append([]isa.Span(nil), k.in...), k.out...), element: f.Type}
	e := int64(f.Type.Bytes())
	for y := range k.ofm.H {
		for x := range k.ofm.W {
			for ch := range k.ofm.C {
				var window ranges
				for ty := range n.H {
					for tx := range n.W {
						a := f.Address(y*n.StrideY+ty*n.DilationY, x*n.StrideX+tx*n.DilationX, ch)
						window.add(a, a+e)
					}
				}
				if len(window) == 1 && window[0].End-window[0].Start == int64(n.H*n.W)*e {
					m.of[k.ofm.Address(y, x, ch)] = window[0]
				}
			}
		}
	}
	c.maxima = append(c.maxima, m)
}

// leastDifference recognizes x - max(x): in every pixel one element is the largest, so
// that its difference is that of the zero points. It returns what becomes of it.
func (c *checker) leastDifference(o *isa.Operation, k *kernel, round rounding) (group int, some bound) {
	sc := o.Scaling()
	if o.Param != isa.ElemSub || !k.hasIFM2 || o.Broadcast().Reversed || k.ifm2.C != 1 && k.ifm2.C != k.ifm.C || k.ifm.Type.Bits == 32 ||
		sc.IFMMode != 0 || sc.OPA.Value&0xFFFF != sc.OPB&0xFFFF || k.ifm2.H != k.ifm.H || k.ifm2.W != k.ifm.W || k.up != 1 ||
		k.ifm.H*k.ifm.W*k.ifm.C > maxElements {
		return 0, bound{}
	}
	for i := range c.maxima {
		if group := c.meets(&c.maxima[i], k); group > 0 {
			d := int64(k.ifm2.ZeroPoint-k.ifm.ZeroPoint) * int64(sc.OPB&0xFFFF)
			return group, round.of(bound{d, d})
		}
	}
	return 0, bound{}
}

// meets returns how many elements next to each other meet their maximum in the second
// operand, all of them; 0 when some do not.
func (c *checker) meets(m *maximum, k *kernel) int {
	if m.from != k.ifm.Region || m.to != k.ifm2.Region || m.element != k.ifm.Type {
		return 0
	}
	group := k.ifm.C / k.ifm2.C
	for y := range k.ifm.H {
		for x := range k.ifm.W {
			for ch := range k.ifm2.C {
				// A place without a maximum has the empty range, which is that of no elements.
				list, _ := bytesOf(&k.ifm, box{y, y + 1, x, x + 1, ch * group, (ch + 1) * group})
				if !c.spend(1+len(list)) || len(list) != 1 || list[0] != m.of[k.ifm2.Address(y, x, ch)] {
					return 0
				}
			}
		}
	}
	return group
}
