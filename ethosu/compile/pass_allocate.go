package compile

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
)

// live computes the live range of every buffer that needs memory.
func (m *module) live() []*kernel.Buffer {
	seen := map[*kernel.Buffer]bool{}
	var list []*kernel.Buffer
	touch := func(b *kernel.Buffer, i int) {
		b = b.Root()
		if b.Constant() {
			return
		}
		if !seen[b] {
			seen[b] = true
			b.First, b.Last = i, i
			list = append(list, b)
		}
		b.First, b.Last = min(b.First, i), max(b.Last, i)
	}
	index := map[*op]int{}
	for i, o := range m.ops {
		index[o] = i
		o.reads(func(b *kernel.Buffer) { touch(b, i) })
		o.writes(func(b *kernel.Buffer) { touch(b, i) })
		if o.dma && o.dst != nil {
			// Kernels in front of a transfer may still run when it starts. If it
			// overwrote their memory, it would have to wait for them.
			first := m.outstanding(i)
			if k, ok := index[o.after]; ok {
				first = max(first, k+1)
			}
			touch(o.dst, first)
		}
	}
	for _, group := range [][]kernel.Bound{m.low.Inputs, m.low.Outputs, m.low.Variables} {
		for _, v := range group {
			touch(v.Buf, max(min(v.Buf.Root().First, len(m.ops)-1), 0))
		}
	}
	for _, b := range list {
		if b.FromCall {
			b.First = -1
		}
		if b.ToCaller {
			b.Last = len(m.ops)
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
	for _, p := range m.low.States {
		in, out := p[0].Root(), p[1].Root()
		if in == out || out.FromCall || in.ToCaller || out.Size != in.Size || out.Own != 0 {
			continue
		}
		firstWrite, lastRead := len(m.ops), -1
		inPlace := true
		for i, o := range m.ops {
			o.reads(func(b *kernel.Buffer) {
				if b.Root() == in {
					lastRead = i
					inPlace = o.Kind == kernel.Elementwise
				}
			})
			o.writes(func(b *kernel.Buffer) {
				if b.Root() == out && i < firstWrite {
					firstWrite = i
				}
			})
		}
		if lastRead > firstWrite || (lastRead == firstWrite && !(inPlace && m.elementOrder(m.ops[lastRead], in))) {
			continue
		}
		in.ToCaller = true
		in.Bound = true
		out.Into = in
	}
	return nil
}

// elementOrder reports whether an elementwise operation may write over the input
// buffer b: every element is read before it is written.
func (m *module) elementOrder(o *op, b *kernel.Buffer) bool {
	same := func(f *kernel.Map) bool {
		if f == nil || f.Buf == nil || f.Buf.Root() != b {
			return f == nil || f.Buf == nil || f.Low == nil || f.Low.Root() != b
		}
		g := o.OFM
		return f.Low == nil && g.Low == nil && f.Off == 0 && g.Off == 0 && f.H == g.H && f.W == g.W && f.C == g.C &&
			f.StrideY == g.StrideY && f.StrideX == g.StrideX && f.Type.Size() == g.Type.Size()
	}
	return o.Kind == kernel.Elementwise && same(o.IFM) && (o.Scalar || same(o.IFM2))
}

// writeInPlace lets elementwise results take the memory of an operand that dies there.
func writeInPlace(m *module) error {
	m.live()
	for i, o := range m.ops {
		if o.Kind != kernel.Elementwise {
			continue
		}
		out := o.OFM.Buf.Root()
		for _, f := range []*kernel.Map{o.IFM, o.IFM2} {
			if f == nil || f.Buf == nil || f.Low != nil || o.OFM.Low != nil {
				continue
			}
			in := f.Buf.Root()
			if in == out || in.Constant() || in.Last != i || out.First != i || in.Size != out.Size || in.ToCaller || out.FromCall || out.Into != nil {
				continue
			}
			if m.regionOf(in) != m.regionOf(out) || (in.Bound != out.Bound) || !m.elementOrder(o, in) {
				continue
			}
			out.Into = in
			in.Last = out.Last
			in.ToCaller = in.ToCaller || out.ToCaller
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

func (m *module) place(list []*kernel.Buffer) {
	m.arenaSize, m.fastSize, m.bound = 0, 0, 0
	for _, region := range []int{ethosu.RegionArena, ethosu.RegionFast} {
		var part []*kernel.Buffer
		for _, b := range list {
			if b.Own != 0 {
				b.Region, b.Offset = b.Own, 0
				continue
			}
			if m.regionOf(b) == region {
				b.Region = region
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
func pack(list []*kernel.Buffer) (size, bound int) {
	if len(list) == 0 {
		return 0, 0
	}
	events := map[int]int{}
	for _, b := range list {
		events[b.First] += b.Size
		events[b.Last+1] -= b.Size
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
	life := func(b *kernel.Buffer) int { return b.Last - b.First }
	orders := []func(a, b *kernel.Buffer) bool{
		func(a, b *kernel.Buffer) bool { return a.Size > b.Size },
		func(a, b *kernel.Buffer) bool { return life(a) > life(b) },
		func(a, b *kernel.Buffer) bool { return life(a)*a.Size > life(b)*b.Size },
		func(a, b *kernel.Buffer) bool { return a.First < b.First },
	}
	best := 1 << 62
	var bestOffsets []int
	try := func(order []*kernel.Buffer) int {
		n := fit(order)
		if n < best {
			best = n
			bestOffsets = bestOffsets[:0]
			for _, b := range list {
				bestOffsets = append(bestOffsets, b.Offset)
			}
		}
		return n
	}
	order := append([]*kernel.Buffer(nil), list...)
	var bestOrder []*kernel.Buffer
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
		b.Offset = bestOffsets[i]
	}
	return best, bound
}

// fit places buffers in the given order, each at the lowest address that is free
// during its life, and returns the size.
func fit(order []*kernel.Buffer) int {
	size := 0
	var near []*kernel.Buffer
	for i, b := range order {
		near = near[:0]
		for _, c := range order[:i] {
			if c.First <= b.Last && b.First <= c.Last {
				near = append(near, c)
			}
		}
		sort.Slice(near, func(x, y int) bool { return near[x].Offset < near[y].Offset })
		at := 0
		for _, c := range near {
			if c.Offset >= at+b.Size {
				break
			}
			at = max(at, c.Offset+c.Size)
		}
		b.Offset = at
		size = max(size, at+b.Size)
	}
	return size
}

// layoutConstants places every constant that an operation refers to.
func layoutConstants(m *module) error {
	used := map[*kernel.Buffer]bool{}
	for _, o := range m.ops {
		o.reads(func(b *kernel.Buffer) { used[b.Root()] = true })
	}
	for _, b := range m.low.Constants.List {
		if !used[b] {
			continue
		}
		b.Region, b.Offset = 0, len(m.blob)
		m.blob = append(m.blob, b.Data...)
		m.blob = append(m.blob, make([]byte, kernel.Align(len(m.blob))-len(m.blob))...)
	}
	return nil
}
