package compile

import (
	"fmt"
	"math/bits"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/block"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// blockChoice is a block and what the cycle model says of the kernel with it.
type blockChoice struct {
	block  block.Shape
	cycles float64
}

// chooseBlocks gives every kernel the OFM block with the fewest cycles of the
// model, and its SHRAM layout.
func chooseBlocks(m *module) error {
	depths := map[*kernel.Weights]map[int]int{} // how many kernels have which block depth
	for _, o := range m.ops {
		if !o.isKernel() {
			continue
		}
		if err := m.setBlock(o, 0); err != nil {
			return err
		}
		if o.Weights != nil {
			if depths[o.Weights] == nil {
				depths[o.Weights] = map[int]int{}
			}
			depths[o.Weights][o.block.D]++
		}
	}
	// A weight stream is in the order of one block depth. Kernels that share weights
	// but have their feature maps in different memories must not drift apart: the
	// weights would be stored, and fetched, once for each depth.
	for _, o := range m.ops {
		if !o.isKernel() || o.Weights == nil || len(depths[o.Weights]) < 2 {
			continue
		}
		most := 0
		for d, n := range depths[o.Weights] {
			if k := depths[o.Weights][most]; n > k || n == k && d > most {
				most = d
			}
		}
		if o.block.D != most && m.fitsDepth(o, most) {
			if err := m.setBlock(o, most); err != nil {
				return err
			}
		}
	}
	return nil
}

// fitsDepth reports whether an operation has a legal block of the given depth.
func (m *module) fitsDepth(o *op, depth int) bool {
	found := false
	block.Legal(m.accel, m.work(o).Op, func(blk block.Shape, _ block.SHRAM) bool {
		found = blk.D == depth
		return !found
	})
	return found
}

// setBlock gives a kernel its best block, of the given depth if that is not 0, and
// the SHRAM layout that goes with it.
func (m *module) setBlock(o *op, depth int) error {
	c, err := m.chooseBlock(o, depth)
	if err != nil {
		return err
	}
	o.block = c.block
	l, err := block.Fits(m.accel, m.work(o).Op, c.block)
	if err != nil {
		panic(fmt.Sprintf("BUG: %s: the chosen block does not fit: %v", o.Name, err))
	}
	o.ib2Start, o.ibEnd, o.abStart = l.IFM2IBStart, l.IBEnd, l.ABStart
	return nil
}

// chooseBlock returns the legal block with the fewest cycles; of equals the one
// that keeps the NPU busy for the shortest time, then the largest. A depth other
// than 0 leaves only blocks of that depth.
func (m *module) chooseBlock(o *op, depth int) (blockChoice, error) {
	w := m.work(o)
	w.Block.D = depth
	key := w
	if c, ok := m.choices[key]; ok {
		return c, nil
	}
	var best blockChoice
	bestNPU, found := 0.0, false
	block.Legal(m.accel, w.Op, func(blk block.Shape, _ block.SHRAM) bool {
		if depth != 0 && blk.D != depth {
			return true
		}
		w.Block = blk
		c := perf.Kernel(m.accel, &w)
		t := alone(&c).t
		if !found || t < best.cycles || (t == best.cycles && (c.NPU < bestNPU || (c.NPU == bestNPU && blk.Elements() > best.block.Elements()))) {
			best, bestNPU, found = blockChoice{blk, t}, c.NPU, true
		}
		return true
	})
	if !found {
		return best, fmt.Errorf("%s (output %q): no block configuration fits the %d KiB of SHRAM of %s", o.Name, o.Source, m.accel.SHRAMBanks, m.accel.Name)
	}
	m.choices[key] = best
	return best, nil
}

// weightBytes is the length of the weight stream of an operation: exact when it
// was encoded already, else a guess from the distribution of values.
func (m *module) weightBytes(o *op) int {
	w := o.Weights
	for _, s := range m.streamList {
		if s.w == w {
			return s.total()
		}
	}
	if m.guesses[w] == 0 {
		m.guesses[w] = entropyBytes(w)
	}
	return m.guesses[w]
}

// fastRegion is the region of resident weights and intermediate feature maps.
func (m *module) fastRegion() int {
	if m.opt.Mode.Spills() {
		return ethosu.RegionFast
	}
	return ethosu.RegionArena
}

// regionOf returns the region a buffer will lie in.
func (m *module) regionOf(b *kernel.Buffer) int {
	b = b.Root()
	switch {
	case b.Constant():
		return ethosu.RegionConstants
	case b.Own != 0:
		return b.Own
	case b.Resident:
		return m.fastRegion()
	case b.Bound || m.spilled:
		return ethosu.RegionArena
	}
	return m.fastRegion()
}

// entropyBytes is about what a stream of the weights takes. Its logarithms are whole
// numbers, because decisions rest on it and programs are the same on every machine.
func entropyBytes(w *kernel.Weights) int {
	var count [256]int
	for _, b := range w.Values {
		count[b]++
	}
	n := len(w.Values)
	sum := int64(n) * log2(n) // in units of 1/65536
	for _, c := range count {
		sum -= int64(c) * log2(c)
	}
	return kernel.Align(int(sum/(8<<16)*51/50) + n/100 + 16)
}

// log2 returns the binary logarithm of x in units of 1/65536, 0 for x = 0.
func log2(x int) int64 {
	if x == 0 {
		return 0
	}
	whole := bits.Len64(uint64(x)) - 1
	y := uint64(x) << 31 >> whole // in 1..2, in units of 1/2^31
	log := int64(whole)
	for range 16 {
		y = y * y >> 31
		log <<= 1
		if y >= 1<<32 {
			y >>= 1
			log |= 1
		}
	}
	return log
}
