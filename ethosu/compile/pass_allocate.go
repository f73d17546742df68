package compile

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
)

// live computes the live range of every buffer that needs memory.
func (m *module) live() []*buffer {
	seen := map[*buffer]bool{}
	var list []*buffer
	touch := func(b *buffer, i int) {
		b = b.root()
		if b.constant() {
			return
		}
		if !seen[b] {
			seen[b] = true
			b.first, b.last = i, i
			list = append(list, b)
		}
		b.first, b.last = min(b.first, i), max(b.last, i)
	}
	index := map[*op]int{}
	for i, o := range m.ops {
		index[o] = i
		o.reads(func(b *buffer) { touch(b, i) })
		o.writes(func(b *buffer) { touch(b, i) })
		if o.kind == opDMA && o.dst != nil {
			// Kernels in front of a transfer may still run when it starts. If it
			// overwrote their memory, it would have to wait for them.
			first := m.outstanding(i)
			if k, ok := index[o.after]; ok {
				first = max(first, k+1)
			}
			touch(o.dst, first)
		}
	}
	for _, group := range [][]boundView{m.inputs, m.outputs, m.variables} {
		for _, v := range group {
			touch(v.v.buf, max(min(v.v.buf.root().first, len(m.ops)-1), 0))
		}
	}
	for _, b := range list {
		if b.fromCall {
			b.first = -1
		}
		if b.toCaller {
			b.last = len(m.ops)
		}
	}
	return list
}

// outstanding returns the first kernel that may still run when operation i starts.
func (m *module) outstanding(i int) int {
	n := 0
	for j := i - 1; j >= 0; j-- {
		if m.ops[j].isKernel() {
			if n++; n == m.accel.MaxKernels {
				return j
			}
		}
	}
	return 0
}

// shareStates lets the output of a state use the place of its input when the
// input is not read after the output is first written.
func shareStates(m *module) error {
	if m.small {
		return nil // apart, each can share its memory with other feature maps
	}
	m.live()
	for _, p := range m.statePairs {
		in, out := p[0].root(), p[1].root()
		if in == out || out.fromCall || in.toCaller || out.size != in.size || out.own != 0 {
			continue
		}
		firstWrite, lastRead := len(m.ops), -1
		inPlace := true
		for i, o := range m.ops {
			o.reads(func(b *buffer) {
				if b.root() == in {
					lastRead = i
					inPlace = o.kind == opElementwise
				}
			})
			o.writes(func(b *buffer) {
				if b.root() == out && i < firstWrite {
					firstWrite = i
				}
			})
		}
		if lastRead > firstWrite || (lastRead == firstWrite && !(inPlace && m.elementOrder(m.ops[lastRead], in))) {
			continue
		}
		in.toCaller = true
		in.bound = true
		out.into = in
	}
	return nil
}

// elementOrder reports whether an elementwise operation may write over the input
// buffer b: every element is read before it is written.
func (m *module) elementOrder(o *op, b *buffer) bool {
	same := func(f *fmap) bool {
		if f == nil || f.buf == nil || f.buf.root() != b {
			return f == nil || f.buf == nil || f.low == nil || f.low.root() != b
		}
		g := o.ofm
		return f.low == nil && g.low == nil && f.off == 0 && g.off == 0 && f.h == g.h && f.w == g.w && f.c == g.c &&
			f.sy == g.sy && f.sx == g.sx && f.dt.Size() == g.dt.Size()
	}
	return o.kind == opElementwise && same(o.ifm) && (o.scalar || same(o.ifm2))
}

// writeInPlace lets elementwise results take the memory of an operand that dies there.
func writeInPlace(m *module) error {
	m.live()
	for i, o := range m.ops {
		if o.kind != opElementwise {
			continue
		}
		out := o.ofm.buf.root()
		for _, f := range []*fmap{o.ifm, o.ifm2} {
			if f == nil || f.buf == nil || f.low != nil || o.ofm.low != nil {
				continue
			}
			in := f.buf.root()
			if in == out || in.constant() || in.last != i || out.first != i || in.size != out.size || in.toCaller || out.fromCall || out.into != nil {
				continue
			}
			if m.regionOf(in) != m.regionOf(out) || (in.bound != out.bound) || !m.elementOrder(o, in) {
				continue
			}
			out.into = in
			in.last = out.last
			in.toCaller = in.toCaller || out.toCaller
			break
		}
	}
	return nil
}

// allocate gives every buffer an offset in its region. Where the fast memory is a
// scratch beside the arena, feature maps go to the arena when both do not fit it.
func allocate(m *module) error {
	list := m.live()
	m.place(list)
	if limit := m.opt.sramLimit(); m.opt.Mode.Spills() && limit > 0 && m.fastSize > limit && !m.spilled {
		m.spilled = true
		m.place(list)
	}
	return nil
}

func (m *module) place(list []*buffer) {
	m.arenaSize, m.fastSize, m.bound = 0, 0, 0
	for _, region := range []int{ethosu.RegionArena, ethosu.RegionFast} {
		var part []*buffer
		for _, b := range list {
			if b.own != 0 {
				b.region, b.offset = b.own, 0
				continue
			}
			if m.regionOf(b) == region {
				b.region = region
				part = append(part, b)
			}
		}
		size, bound := pack(part)
		m.bound += bound
		if region == ethosu.RegionArena {
			m.arenaSize = size
		} else {
			m.fastSize = size
		}
	}
}

// pack assigns offsets to buffers so that those alive together do not overlap. It
// returns the size reached and the largest sum of sizes alive at one time, which
// no assignment can beat. Several orders are tried, then random exchanges from a
// fixed seed, until the bound is met.
func pack(list []*buffer) (size, bound int) {
	if len(list) == 0 {
		return 0, 0
	}
	events := map[int]int{}
	for _, b := range list {
		events[b.first] += b.size
		events[b.last+1] -= b.size
	}
	var times []int
	for t := range events {
		times = append(times, t)
	}
	sort.Ints(times)
	sum := 0
	for _, t := range times {
		sum += events[t]
		bound = max(bound, sum)
	}
	life := func(b *buffer) int { return b.last - b.first }
	orders := []func(a, b *buffer) bool{
		func(a, b *buffer) bool { return a.size > b.size },
		func(a, b *buffer) bool { return life(a) > life(b) },
		func(a, b *buffer) bool { return life(a)*a.size > life(b)*b.size },
		func(a, b *buffer) bool { return a.first < b.first },
	}
	best := 1 << 62
	var bestOffsets []int
	try := func(order []*buffer) int {
		n := fit(order)
		if n < best {
			best = n
			bestOffsets = bestOffsets[:0]
			for _, b := range list {
				bestOffsets = append(bestOffsets, b.offset)
			}
		}
		return n
	}
	order := append([]*buffer(nil), list...)
	var bestOrder []*buffer
	for _, less := range orders {
		copy(order, list)
		sort.SliceStable(order, func(i, j int) bool { return less(order[i], order[j]) })
		old := best
		if try(order); best < old {
			bestOrder = append(bestOrder[:0], order...)
		}
		if best == bound {
			break
		}
	}
	rng := uint64(1)
	tries := min(200, 3_000_000/(len(list)*len(list)))
	for i := 0; i < tries && best > bound; i++ {
		copy(order, bestOrder)
		for k := 0; k < 2; k++ {
			rng = rng*6364136223846793005 + 1442695040888963407
			x := int(rng>>33) % len(order)
			rng = rng*6364136223846793005 + 1442695040888963407
			y := int(rng>>33) % len(order)
			order[x], order[y] = order[y], order[x]
		}
		if n := try(order); n <= best {
			copy(bestOrder, order)
		}
	}
	for i, b := range list {
		b.offset = bestOffsets[i]
	}
	return best, bound
}

// fit places buffers in the given order, each at the lowest address that is free
// during its life, and returns the size.
func fit(order []*buffer) int {
	size := 0
	var near []*buffer
	for i, b := range order {
		near = near[:0]
		for _, c := range order[:i] {
			if c.first <= b.last && b.first <= c.last {
				near = append(near, c)
			}
		}
		sort.Slice(near, func(x, y int) bool { return near[x].offset < near[y].offset })
		at := 0
		for _, c := range near {
			if c.offset >= at+b.size {
				break
			}
			at = max(at, c.offset+c.size)
		}
		b.offset = at
		size = max(size, at+b.size)
	}
	return size
}
