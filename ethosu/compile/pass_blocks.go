package compile

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/ethosu"
)

// costKey is everything that the choice of a block depends on.
type costKey struct {
	kind                       opKind
	mode                       int
	ifm, ofm                   [3]int
	ifmBits, ofmBits           int
	kh, kw, sh, sw, dh, dw     int
	part, scalar, two, acc, tb bool
	ape                        float64
	mem                        memories
	bytes, scales              int
}

type blockChoice struct {
	block  [3]int
	cycles float64
}

// chooseBlocks gives every kernel the OFM block with the fewest cycles of the
// model, and its SHRAM layout.
func chooseBlocks(m *module) error {
	for _, o := range m.ops {
		if !o.isKernel() {
			continue
		}
		blk, _, err := m.chooseBlock(o)
		if err != nil {
			return err
		}
		o.setBlock(m, blk)
	}
	return nil
}

// setBlock records the block and the SHRAM layout that goes with it.
func (o *op) setBlock(m *module, blk [3]int) {
	o.block = blk
	l, _ := o.layoutOf(m.accel, blk)
	o.ib2Start, o.ibEnd, o.abStart = l.ib2Start, l.ibEnd, l.abStart
}

func (o *op) costKey(m *module, mem memories, wb, sb int) costKey {
	return costKey{kind: o.kind, mode: o.mode, ifm: [3]int{o.ifm.h, o.ifm.w, o.ifm.c}, ofm: [3]int{o.ofm.h, o.ofm.w, o.ofm.c},
		ifmBits: o.ifm.bits(), ofmBits: o.ofm.bits(), kh: o.kh, kw: o.kw, sh: o.strideH, sw: o.strideW, dh: o.dilH, dw: o.dilW,
		part: o.partKernel, scalar: o.scalar, two: o.ifm2 != nil, acc: o.acc40, tb: o.fn != fnNone, ape: o.perElement(m.accel), mem: mem, bytes: wb, scales: sb}
}

// chooseBlock returns the best block of an operation and its cycles.
func (m *module) chooseBlock(o *op) ([3]int, float64, error) {
	a := m.accel
	mem := m.memoriesOf(o)
	wb, sb := 0, 0
	if o.weights != nil {
		wb, sb = m.weightBytes(o), 10*o.ofm.c
	}
	key := o.costKey(m, mem, wb, sb)
	if c, ok := m.cycles[key]; ok {
		return c.block, c.cycles, nil
	}
	best := blockChoice{cycles: math.Inf(1)}
	bestNPU := math.Inf(1)
	bestVolume := 0
	for _, d := range blockDepths(a, o) {
		for h := a.UBlockH; h <= min(32, ru(o.ofm.h, a.UBlockH)); h += a.UBlockH {
			for w := a.UBlockW; w <= min(64, ru(o.ofm.w, a.UBlockW)); w += a.UBlockW {
				blk := [3]int{h, w, d}
				if _, ok := o.layoutOf(a, blk); !ok {
					break
				}
				npu, access := o.cost(a, blk, mem, wb, sb)
				t := math.Max(npu, access)
				v := h * w * d
				if t < best.cycles || (t == best.cycles && (npu < bestNPU || (npu == bestNPU && v > bestVolume))) {
					best, bestNPU, bestVolume = blockChoice{blk, t}, npu, v
				}
			}
		}
	}
	if math.IsInf(best.cycles, 1) {
		return best.block, 0, fmt.Errorf("%s (output %q): no block configuration fits the %d KiB of SHRAM of %s", o.name, o.source, a.SHRAMBanks, a.Name)
	}
	m.cycles[key] = best
	return best.block, best.cycles, nil
}

// blockDepths lists the legal OFM block depths, shallow first.
func blockDepths(a *ethosu.Accelerator, o *op) []int {
	c := o.ofm.c
	full := ru(c, a.UBlockD)
	if full <= 16 {
		return []int{full}
	}
	var ds []int
	for d := 16; d <= 128 && d < full; d += 16 {
		ds = append(ds, d)
	}
	if full <= 128 {
		ds = append(ds, full)
	}
	return ds
}

// weightBytes is the length of the weight stream of an operation: exact when it
// was encoded already, else a guess from the distribution of values.
func (m *module) weightBytes(o *op) int {
	w := o.weights
	for _, s := range m.streamList {
		if s.w == w {
			return s.total()
		}
	}
	if w.guess == 0 {
		w.guess = w.entropyBytes()
	}
	return w.guess
}

// memoriesOf returns where an operation's data lies.
func (m *module) memoriesOf(o *op) memories {
	at := func(b *buffer) ethosu.Memory {
		if b == nil {
			return m.memory(ethosu.RegionArena)
		}
		return m.memory(m.regionOf(b))
	}
	mem := memories{ifm: at(o.ifm.buf), ofm: at(o.ofm.buf), weights: m.memory(ethosu.RegionConstants), scales: m.memory(ethosu.RegionConstants)}
	mem.ifm2 = mem.ifm
	if o.ifm2 != nil {
		mem.ifm2 = at(o.ifm2.buf)
	}
	if o.weights != nil {
		if mode := m.copies[o.weights]; mode != readDirect {
			mem.weights = m.memory(m.fastRegion())
			if mode == copyBoth {
				mem.scales = mem.weights
			}
		}
	}
	return mem
}

func (m *module) memory(region int) ethosu.Memory {
	mem, _ := ethosu.RegionMemory(m.opt.System, m.opt.Mode, region)
	return mem
}

// fastRegion is the region of resident weights and intermediate feature maps.
func (m *module) fastRegion() int {
	if m.opt.Mode.Spills() {
		return ethosu.RegionFast
	}
	return ethosu.RegionArena
}

// regionOf returns the region a buffer will lie in.
func (m *module) regionOf(b *buffer) int {
	b = b.root()
	switch {
	case b.constant():
		return ethosu.RegionConstants
	case b.pinFast:
		return m.fastRegion()
	case b.bound || m.spilled:
		return ethosu.RegionArena
	}
	return m.fastRegion()
}

// entropyBytes is about what a stream of the weights takes.
func (w *kernelWeights) entropyBytes() int {
	var count [256]int
	for _, b := range w.values {
		count[b]++
	}
	n := float64(len(w.values))
	bits := 0.0
	for _, c := range count {
		if c > 0 {
			bits -= float64(c) * math.Log2(float64(c)/n)
		}
	}
	return align16(int(bits*1.02/8) + len(w.values)/100 + 16)
}
