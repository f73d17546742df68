// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestBlocksInOrder: depth fastest, then width, then height, and none outside.
func TestBlocksInOrder(t *testing.T) {
	rng := rand.New(rand.NewPCG(81, 82))
	for range 300 {
		j := &job{block: isa.Block{H: 1 + rng.IntN(4), W: 1 + rng.IntN(4), D: 1 + rng.IntN(8)}, ofm: flatMap(0, 1+rng.IntN(9), 1+rng.IntN(9), 1+rng.IntN(20), s8)}
		i := 0
		for y := 0; y < j.ofm.H; y += j.block.H {
			for x := 0; x < j.ofm.W; x += j.block.W {
				for c := 0; c < j.ofm.C; c += j.block.D {
					want := box{y, min(y+j.block.H, j.ofm.H), x, min(x+j.block.W, j.ofm.W), c, min(c+j.block.D, j.ofm.C)}
					if b, ok := j.blockAt(i); !ok || b != want {
						t.Fatalf("block %d of %+v in %+v is %v %v, expected %v", i, j.block, j.ofm, b, ok, want)
					}
					i++
				}
			}
		}
		for _, outside := range []int{-1, i, i + 1} {
			if b, ok := j.blockAt(outside); ok {
				t.Fatalf("block %d of %d is %v", outside, i, b)
			}
		}
		// Counted from the last.
		if spans, ok := j.output(i); ok {
			t.Fatalf("block %d before the last of %d is %v", i, i, spans)
		}
		first, _ := j.blockAt(0)
		if spans, ok := j.output(i - 1); !ok || !slices.Equal(spans, spansOf(nil, &j.ofm, first)) {
			t.Fatalf("the first block is %v", spans)
		}
	}
}

// TestWindowRows: the stored rows that outputs read, against each tap of each output.
func TestWindowRows(t *testing.T) {
	rng := rand.New(rand.NewPCG(83, 84))
	for range 20000 {
		o0, stride, extent, factor, size := rng.IntN(6), 1+rng.IntN(3), 1+rng.IntN(5), 1+rng.IntN(2), 1+rng.IntN(12)
		o1, pad := o0+1+rng.IntN(4), rng.IntN(extent)
		first, last := size, -1
		for o := o0; o < o1; o++ {
			for tap := range extent {
				if v := o*stride - pad + tap; v >= 0 && v/factor < size {
					first, last = min(first, v/factor), max(last, v/factor)
				}
			}
		}
		lo, hi := window(o0, o1, stride, extent, pad, factor, size)
		// Where steps leave rows out, the end of the map may lie among those.
		whole := extent >= stride || o0*stride >= pad && (o1-1)*stride-pad+extent <= size*factor
		if whole && (last < 0 && lo < hi || last >= 0 && (lo != first || hi != last+1)) || last >= 0 && (lo > first || hi <= last) {
			t.Fatalf("outputs %d to %d, stride %d, extent %d, padding %d, factor %d of %d: %d to %d, expected %d to %d", o0, o1, stride, extent, pad, factor, size, lo, hi, first, last+1)
		}
	}
}

// bytesOf is a set of bytes as the plainest thing that it can be.
func bytesOf(spans []isa.Span) map[[2]int64]bool {
	set := map[[2]int64]bool{}
	for _, s := range spans {
		for i := s.Start; i < s.End; i++ {
			set[[2]int64{int64(s.Region), i}] = true
		}
	}
	return set
}

// TestJobInputs: what a job reads, worked out by hand.
func TestJobInputs(t *testing.T) {
	one := isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilatedH: 1, DilatedW: 1}
	span := func(from, to int64) isa.Span { return isa.Span{Region: 1, Start: from, End: to} }
	for _, c := range []struct {
		name string
		j    job
		f    int
		want []isa.Span // nil: there is no such job
	}{
		{"the first block", job{block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 2, 16, s8), ifm: flatMap(0, 2, 2, 16, s8)}, 0, []isa.Span{span(0, 8)}},
		{"another depth", job{block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 2, 16, s8), ifm: flatMap(0, 2, 2, 16, s8)}, 1, []isa.Span{span(8, 16)}},
		{"another column", job{block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 2, 16, s8), ifm: flatMap(0, 2, 2, 16, s8)}, 2, []isa.Span{span(16, 24)}},
		{"another row", job{block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 2, 16, s8), ifm: flatMap(0, 2, 2, 16, s8)}, 7, []isa.Span{span(56, 64)}},
		{"none", job{block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 2, 16, s8), ifm: flatMap(0, 2, 2, 16, s8)}, 8, nil},
		{"a slice of the depth", job{depth: 32, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 1, 1, 16, s8), ifm: flatMap(0, 1, 1, 80, s8)}, 1, []isa.Span{span(32, 64)}},
		{"the last slice of the depth", job{depth: 32, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 1, 1, 16, s8), ifm: flatMap(0, 1, 1, 80, s8)}, 2, []isa.Span{span(64, 80)}},
		{"the first slice of the next block", job{depth: 32, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 1, 1, 16, s8), ifm: flatMap(0, 1, 1, 80, s8)}, 3, []isa.Span{span(0, 32)}},
		{"slices of all blocks", job{depth: 32, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 1, 1, 16, s8), ifm: flatMap(0, 1, 1, 64, s8)}, 4, nil},
		{"a window", job{block: isa.Block{H: 1, W: 1, D: 8}, kernel: isa.Kernel{StrideY: 1, StrideX: 1, DilatedH: 2, DilatedW: 2, Top: 1, Left: 1}, factor: 1, ofm: flatMap(512, 2, 2, 8, s8), ifm: flatMap(0, 2, 2, 8, s8)}, 1, []isa.Span{span(0, 16)}},
		{"a window below", job{block: isa.Block{H: 1, W: 1, D: 8}, kernel: isa.Kernel{StrideY: 1, StrideX: 1, DilatedH: 2, DilatedW: 2, Top: 1, Left: 1}, factor: 1, ofm: flatMap(512, 2, 2, 8, s8), ifm: flatMap(0, 2, 2, 8, s8)}, 2, []isa.Span{span(0, 8), span(16, 24)}},
		{"a step in x", job{block: isa.Block{H: 1, W: 1, D: 8}, kernel: isa.Kernel{StrideY: 1, StrideX: 2, DilatedH: 1, DilatedW: 1}, factor: 1, ofm: flatMap(512, 1, 2, 8, s8), ifm: flatMap(0, 1, 3, 8, s8)}, 1, []isa.Span{span(16, 24)}},
		{"twice as large", job{block: isa.Block{H: 1, W: 2, D: 8}, kernel: one, factor: 2, ofm: flatMap(512, 1, 4, 8, s8), ifm: flatMap(0, 1, 2, 8, s8)}, 1, []isa.Span{span(8, 16)}},
		{"a second operand", job{two: true, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 1, 2, 8, s8), ifm: flatMap(0, 1, 2, 8, s8), ifm2: flatMap(64, 1, 2, 8, s8)}, 1, []isa.Span{span(8, 16), span(72, 80)}},
		{"one column", job{two: true, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 1, 2, 8, s8), ifm: flatMap(0, 1, 2, 8, s8), ifm2: flatMap(64, 1, 1, 8, s8)}, 1, []isa.Span{span(8, 16), span(64, 72)}},
		{"one row", job{two: true, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 1, 8, s8), ifm: flatMap(0, 2, 1, 8, s8), ifm2: flatMap(64, 1, 1, 8, s8)}, 1, []isa.Span{span(8, 16), span(64, 72)}},
		{"one channel", job{two: true, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 1, 16, s8), ifm: flatMap(0, 2, 1, 16, s8), ifm2: flatMap(64, 2, 1, 1, s8)}, 3, []isa.Span{span(24, 32), span(65, 66)}},
		{"a first operand of one element", job{elementwise: true, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 2, 16, s8), ifm: flatMap(0, 1, 1, 1, s8)}, 7, []isa.Span{span(0, 1)}},
		{"what every block reads", job{read: []isa.Span{span(7, 9)}, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(512, 2, 2, 16, s8), ifm: flatMap(0, 2, 2, 16, s8)}, 5, []isa.Span{span(7, 9)}},
	} {
		got, ok := c.j.input(c.f)
		a, b := bytesOf(got), bytesOf(c.want)
		same := len(a) == len(b)
		for x := range b {
			same = same && a[x]
		}
		if ok != (c.want != nil) || !same {
			t.Errorf("%s: job %d reads %v %v, expected %v", c.name, c.f, got, ok, c.want)
		}
	}
}

// TestOverlapSwept: lists of spans, against every pair.
func TestOverlapSwept(t *testing.T) {
	rng := rand.New(rand.NewPCG(85, 86))
	draw := func() (list []isa.Span) {
		for range rng.IntN(6) {
			from := int64(rng.IntN(60))
			list = append(list, isa.Span{Region: rng.IntN(3), Start: from, End: from + 1 + int64(rng.IntN(4))})
		}
		return list
	}
	count := [2]int{}
	for range 20000 {
		a, b := draw(), draw()
		// The spans of one map do not overlap each other.
		if slices.ContainsFunc(a, func(s isa.Span) bool { return s.Start%5 != 0 }) || slices.ContainsFunc(b, func(s isa.Span) bool { return s.Start%5 != 2 }) {
			for i := range a {
				a[i].Start -= a[i].Start % 5
				a[i].End = a[i].Start + 1 + int64(rng.IntN(4))
			}
			for i := range b {
				b[i].Start += 2 - b[i].Start%5
				b[i].End = b[i].Start + 1 + int64(rng.IntN(4))
			}
		}
		want := false
		for _, x := range a {
			for _, y := range b {
				want = want || x.Region == y.Region && x.Start < y.End && y.Start < x.End
			}
		}
		if got := overlap(slices.Clone(a), slices.Clone(b)); got != want {
			t.Fatalf("%v and %v: overlap %v, expected %v", a, b, got, want)
		}
		if want {
			count[1]++
		} else {
			count[0]++
		}
	}
	if min(count[0], count[1]) < 1000 {
		t.Errorf("%d pairs are apart and %d overlap", count[0], count[1])
	}
}

// still is a step that is only looked at.
type still struct{ base }

func (s *still) head() *base        { return &s.base }
func (s *still) run(*context) error { return nil }

// TestBlockRaces: BLOCKDEP at the largest value that is right, and one above.
func TestBlockRaces(t *testing.T) {
	one := isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilatedH: 1, DilatedW: 1}
	// Four blocks each, of which job i reads block i from the begin.
	blocks := func(in, out uint64, dep int) *job {
		return &job{dep: dep, block: isa.Block{H: 1, W: 1, D: 8}, kernel: one, factor: 1, ofm: flatMap(out, 1, 4, 8, s8), ifm: flatMap(in, 1, 4, 8, s8)}
	}
	table := func(j *job) *job { j.table = true; return j }
	reserved := func(j *job) *job { j.reserved = true; return j }
	for _, c := range []struct {
		name string
		p, b *job
		want string
	}{
		{"apart", blocks(0, 100, 0), blocks(200, 300, 3), ""},
		{"job 0 meets block 3 from the end", blocks(0, 100, 0), blocks(100, 300, 3), ""},
		{"job 0 meets block 2 from the end", blocks(0, 92, 0), blocks(100, 300, 3), "BLOCKDEP 3: job 0 reads what block 2 from the end of operation 0 first (word 5) writes, expected at most 2"},
		{"of two", blocks(0, 92, 0), blocks(100, 300, 2), ""},
		{"job 0 meets block 0", blocks(0, 76, 0), blocks(100, 300, 1), "BLOCKDEP 1: job 0 reads what block 0 from the end of operation 0 first (word 5) writes, expected at most 0"},
		{"without BLOCKDEP", blocks(0, 76, 0), blocks(100, 300, 0), ""},
		{"job 1 meets block 1", blocks(0, 100+8-16, 0), func() *job { j := blocks(100, 300, 3); j.ifm.Base[0] = 200; j.ifm.StrideX = -92; return j }(), "BLOCKDEP 3: job 1 reads what block 1 from the end"},
		{"a table kept", table(blocks(0, 100, 0)), reserved(blocks(200, 300, 1)), ""},
		{"a table overwritten", table(blocks(0, 100, 0)), blocks(200, 300, 1), "BLOCKDEP 1 lets it overwrite the tables that operation 0 first (word 5) still reads"},
		{"a table each", table(blocks(0, 100, 0)), table(blocks(200, 300, 1)), ""},
	} {
		s := &Sim{steps: []step{&still{base{header: header{index: 0, word: 5, name: "first"}, job: c.p}}, &still{base{header: header{index: 1, word: 9, name: "second"}, job: c.b}}}}
		f := s.blockRace(0, 1)
		if c.want == "" && f != nil || c.want != "" && (f == nil || !strings.HasPrefix(f.Detail, c.want) || f.Op != 1 || f.Word != 9) {
			t.Errorf("%s: %v, expected %q", c.name, f, c.want)
		}
		if s.blockRace(-1, 1) != nil {
			t.Errorf("%s: it races with nothing", c.name)
		}
	}
}

// TestQueues: what is finished by the limit and by waits; chains count as one.
func TestQueues(t *testing.T) {
	q := queue{limit: 2}
	for _, c := range []struct {
		o    ordered
		done []int
	}{
		{ordered{step: 0, join: true}, nil}, {ordered{step: 1}, nil}, {ordered{step: 2, join: true}, nil}, {ordered{step: 3}, []int{0}}, {ordered{step: 4}, []int{1, 2}},
	} {
		if got := q.issue(&c.o); !slices.Equal(got, c.done) {
			t.Errorf("after step %d: finished %v, expected %v", c.o.step, got, c.done)
		}
	}
	for n, want := range [][]int{{}, {4}, {3, 4}, {3, 4}} {
		if got := q.newest(n); !slices.Equal(got, want) {
			t.Errorf("the newest %d: %v, expected %v", n, got, want)
		}
	}
	if got := q.wait(2); got != nil {
		t.Errorf("waiting for 2 finished %v", got)
	}
	if got := q.wait(1); !slices.Equal(got, []int{3}) {
		t.Errorf("waiting for 1 finished %v", got)
	}
	if got := q.wait(0); !slices.Equal(got, []int{4}) || len(q.groups) != 0 {
		t.Errorf("waiting for 0 finished %v", got)
	}
}

// TestCollisions: reads never collide, everything else does where it overlaps.
func TestCollisions(t *testing.T) {
	at := func(channel uint8, from, to int64) Access {
		return Access{Span: isa.Span{Region: 1, Start: from, End: to}, Channel: channel}
	}
	for _, c := range []struct {
		a, b Access
		want bool
	}{
		{at(ChannelIFM, 0, 16), at(ChannelDMARead, 0, 16), false}, {at(ChannelOFM, 0, 16), at(ChannelDMARead, 15, 16), true}, {at(ChannelIFM, 0, 16), at(ChannelDMAWrite, 15, 20), true},
		{at(ChannelOFM, 0, 16), at(ChannelDMAWrite, 15, 20), true}, {at(ChannelOFM, 0, 16), at(ChannelDMAWrite, 16, 20), false}, {at(ChannelScales, 0, 16), at(ChannelOFM, 0, 1), true},
	} {
		other := at(ChannelIFM, 500, 501)
		if x, y, ok := collide([]Access{other, c.a}, []Access{other, c.b}); ok != c.want || ok && (x != c.a || y != c.b) {
			t.Errorf("%v and %v: %v, %v, %v", c.a, c.b, x, y, ok)
		}
	}
	for _, c := range []struct {
		channel          uint8
		verb, infinitive string
	}{{ChannelIFM, "reads", "read"}, {ChannelDMARead, "reads", "read"}, {ChannelOFM, "writes", "write"}, {ChannelDMAWrite, "writes", "write"}} {
		if a := at(c.channel, 0, 1); verb(a) != c.verb || infinitive(a) != c.infinitive {
			t.Errorf("channel %d %s, %s", c.channel, verb(a), infinitive(a))
		}
	}
	inside := Access{Span: isa.Span{Region: SHRAM, Start: 16, End: 32}}
	for _, c := range []struct {
		product isa.Product
		a       Access
		want    string
	}{{isa.U55, inside, "SHRAM 0x10..0x20"}, {isa.U85, inside, "LUT memory 0x10..0x20"}, {isa.U85, at(ChannelIFM, 16, 32), "bytes 16..32 of region 1"}} {
		if got := (&Sim{product: c.product}).place(c.a); got != c.want {
			t.Errorf("%q, expected %q", got, c.want)
		}
	}
}
