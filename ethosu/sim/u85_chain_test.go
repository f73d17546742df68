// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// runChain writes the stream, fills the inputs and compares. Results that no source
// defines must come back as faults.
func runChain(t *testing.T, rng *rand.Rand, accel *ethosu.Accelerator, ops []*elemU85, name string) {
	t.Helper()
	var a arena
	var s stream
	flash := make([]byte, 16, 1<<14)
	for _, e := range ops {
		for _, m := range []*isa.MapU85{&e.IFM, &e.IFM2} {
			m.H, m.W, m.C = e.OFM.H, e.OFM.W, e.OFM.C
			if m.Storage == isa.Tile2x2 {
				if m.Broadcast&isa.BroadcastH != 0 {
					m.H = 1
				}
				if m.Broadcast&isa.BroadcastW != 0 {
					m.W = 1
				}
				if m.Broadcast&isa.BroadcastC != 0 {
					m.C = 1
				}
				m.Region = 1
				a.place(rng, &m.FeatureMap)
			}
		}
		lo, hi := e.IFM.Type.Limits()
		e.Scalar = int32(lo + rng.Int64N(hi-lo+1))
		if e.Elem == isa.ElemSHL || e.Elem == isa.ElemSHR {
			e.Scalar = int32(rng.IntN(32))
		}
	}
	last := ops[len(ops)-1]
	written := last.Written().FeatureMap
	written.Region = 1
	a.place(rng, &written)
	extents := last.OFM.FeatureMap
	last.OFM.FeatureMap = written
	last.OFM.H, last.OFM.W, last.OFM.C = extents.H, extents.W, extents.C
	for _, e := range ops {
		if e.table != nil { // one table at a time is loaded, whatever is there
			s.tableU85(int64(len(flash)), e.Activation.Span())
			flash = append(flash, e.table...)
		}
		s.kernelU85(&e.KernelU85)
	}
	s.stop()
	sim, err := PrepareWith(accel, s.words, Regions{{Content: flash}, {Size: a.size + 16}}, Options{slow: rng.IntN(3) == 0})
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	m := sim.NewMemory()
	for i := range m[1] {
		m[1][i] = byte(rng.Uint32())
	}
	want := bytes.Clone(m[1])
	known := directChain(rng, ops, m[1], want, &written)
	copyInputs(ops, want, m[1])
	err = sim.Run(m)
	if known == (err != nil) {
		t.Fatalf("%s: the result is known: %v, and the run says %v", name, known, err)
	}
	if known && !bytes.Equal(m[1], want) {
		for y := range written.H {
			for x := range written.W {
				for c := range written.C {
					if g, w := peek(m[1], &written, y, x, c), peek(want, &written, y, x, c); g != w {
						t.Fatalf("%s: element (%d,%d,%d) of what is written is %d, expected %d", name, y, x, c, g, w)
					}
				}
			}
		}
		t.Fatalf("%s: memory outside the output was written", name)
	}
}

// copyInputs takes the inputs that were filled in want over to the memory of the run.
func copyInputs(ops []*elemU85, want, mem []byte) {
	for _, e := range ops {
		for _, f := range []*isa.MapU85{&e.IFM, &e.IFM2} {
			if f.Storage != isa.Tile2x2 {
				continue
			}
			for y := range f.H {
				for x := range f.W {
					for c := range f.C {
						poke(mem, &f.FeatureMap, y, x, c, peek(want, &f.FeatureMap, y, x, c))
					}
				}
			}
		}
	}
}

// directChain fills the inputs in want and computes the outputs there. It reports
// whether all results are known.
func directChain(rng *rand.Rand, ops []*elemU85, _, want []byte, written *isa.FeatureMap) bool {
	var before []int64 // output of the operation before
	known := true
	for n, e := range ops {
		small := func(v int64, second bool) int64 {
			if e.IFM.Type.Bits < 32 {
				return v
			}
			v >>= rng.IntN(31)
			if e.Elem == isa.ElemSHL || e.Elem == isa.ElemSHR {
				if second {
					return v & 31 // an amount
				}
				if e.Elem == isa.ElemSHL {
					return v >> 24
				}
			}
			return v
		}
		fill := func(f *isa.MapU85, second bool) {
			if f.Storage != isa.Tile2x2 {
				return
			}
			for y := range f.H {
				for x := range f.W {
					for c := range f.C {
						poke(want, &f.FeatureMap, y, x, c, small(peek(want, &f.FeatureMap, y, x, c), second))
					}
				}
			}
		}
		fill(&e.IFM, false)
		if !e.Unary() {
			fill(&e.IFM2, true)
		}
		var out []int64
		for y := range e.OFM.H {
			for x := range e.OFM.W {
				for c := range e.OFM.C {
					at := (y*e.OFM.W+x)*e.OFM.C + c
					read := func(f *isa.MapU85) int64 {
						switch f.Storage {
						case isa.Chained:
							return before[at]
						case isa.NoStorage:
							return int64(e.Scalar)
						}
						pick := func(i, n int) int { return i % n } // extents of 1 stay at 0
						return peek(want, &f.FeatureMap, pick(y, f.H), pick(x, f.W), pick(c, f.C))
					}
					v, ok := e.value(read(&e.IFM), read(&e.IFM2))
					known = known && ok
					r, ok := e.finish(v)
					known = known && ok
					out = append(out, r)
					if n == len(ops)-1 && known {
						wy, wx, wc := y, x, c
						switch e.Transpose {
						case isa.TransposeHCW:
							wy, wx, wc = y, c, x
						case isa.TransposeCHW:
							wy, wx, wc = c, y, x
						}
						poke(want, written, wy, wx, wc, r)
					}
				}
			}
		}
		if !known {
			return false
		}
		before = out
	}
	return true
}
