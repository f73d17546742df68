package compile

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Geometry and cost of one block operation: what the block choice and the
// residency decision compare. The formulas are the cycle model's.

func ru(a, b int) int { return (a + b - 1) / b * b }
func cd(a, b int) int { return (a + b - 1) / b }

// ifmBlock returns the IFM block (h, w, d) that an OFM block needs.
func (o *op) ifmBlock(a *ethosu.Accelerator, blk [3]int) [3]int {
	kah, kaw := (o.kh-1)*o.dilH+1, (o.kw-1)*o.dilW+1
	h := ru((blk[0]-1)*o.strideH+min(kah, 8), a.UBlockH)
	w := ru((blk[1]-1)*o.strideW+min(kaw, 8), a.UBlockW)
	d := blk[2]
	if o.kind == opConv || (o.kind == opPool && o.mode == poolReduceSum) {
		switch {
		case o.ifm.bits() == 16:
			d = ru(min(o.ifm.c, 16), 4)
		case o.partKernel:
			d = ru(min(o.ifm.c, 16), 8)
		default:
			d = ru(min(o.ifm.c, 32), 8)
		}
	}
	return [3]int{h, w, d}
}

// accBlockH is the block height that counts for accumulators.
func (o *op) accBlockH(a *ethosu.Accelerator, blk [3]int) int {
	if o.ofm.h == 1 && o.kh == 1 && a.UBlockH == 2 {
		return 1
	}
	return blk[0]
}

// layout is the SHRAM layout of an operation in banks.
type layout struct{ ib2Start, ibEnd, abStart int }

// layoutOf returns the SHRAM layout for a block, and false when it does not fit.
func (o *op) layoutOf(a *ethosu.Accelerator, blk [3]int) (layout, bool) {
	ib := o.ifmBlock(a, blk)
	bits := o.ifm.bits()
	elem := o.kind == opElementwise
	granule := a.GranuleIFM8
	switch {
	case bits == 32:
		granule = a.GranuleIFM32
	case bits == 16 && elem:
		granule = a.GranuleIFM16Elem
	case bits == 16:
		granule = a.GranuleIFM16
	case elem:
		granule = a.GranuleIFM8Elem
	}
	banks := ru(cd(ib[0]*ib[1]*ru(ib[2]*bits/8, 8), 1024)*2, granule)
	top := a.TopBank(o.usesTable())
	if elem {
		two := banks
		if o.scalar {
			two = 0
		}
		l := layout{ib2Start: 2 + banks, ibEnd: top, abStart: top}
		return l, l.ib2Start+two <= top
	}
	accBits, accGranule := 32, a.GranuleAcc32
	if o.acc40 {
		accBits, accGranule = 40, a.GranuleAcc40
	}
	acc := ru(cd(o.accBlockH(a, blk)*blk[1]*ru(blk[2], 8)*accBits/8, 1024)*2, accGranule)
	l := layout{ibEnd: 2 + banks, abStart: top - acc}
	return l, l.ibEnd <= l.abStart
}

// memories is what an operation reads and writes from, by role.
type memories struct{ ifm, ifm2, ofm, weights, scales ethosu.Memory }

// outputCycles are the cycles per output element, by row of the cycle model's table.
var outputCycles = [8][5]float64{
	{2.0, 1.0, 0.75, 0.625, 0.3125},
	{3.0, 1.5, 1.25, 1.125, 0.5625},
	{3.0, 1.5, 0.75, 0.5, 0.25},
	{3.0, 1.5, 0.75, 0.375, 0.1875},
	{4.0, 2.0, 1.0, 0.5, 0.25},
	{6.0, 3.0, 1.5, 0.75, 0.375},
	{1.0, 0.5, 0.25, 0.125, 0.0625},
	{2.0, 1.0, 0.5, 0.25, 0.125},
}

func accelColumn(a *ethosu.Accelerator) int {
	switch a.MACs {
	case 32:
		return 0
	case 64:
		return 1
	case 128:
		return 2
	case 256:
		return 3
	}
	return 4
}

// perElement is the cycles that the output stage takes for one element.
func (o *op) perElement(a *ethosu.Accelerator) float64 {
	row := 7
	elem := o.kind == opElementwise
	switch {
	case elem && o.ifm.bits() == 32 && (o.ifm2 != nil):
		row = 0
	case elem && o.ifm.bits() == 32:
		row = 1
	case elem && o.mode == ewMul && o.ofm.bits() == 32:
		row = 2
	case elem && o.mode == ewMul, !elem && o.acc40:
		row = 3
	case elem && (o.mode == ewAdd || o.mode == ewSub):
		row = 5
	case o.kind == opPool && o.mode == poolMax:
		row = 6
	}
	col := accelColumn(a)
	ape := outputCycles[row][col]
	act := 0.0
	lo, hi := typeRange(graph.Int8)
	if o.ofm.bits() > 8 {
		lo, hi = typeRange(graph.Int16)
	}
	switch {
	case o.fn != fnNone:
		act = [5]float64{1, 1, 1, 1, 0.5}[col]
	case o.ofm.bits() < 32 && (o.lo > lo || o.hi < hi):
		act = [5]float64{1, 1, 0.5, 0.25, 0.125}[col]
	}
	return math.Max(ape, act)
}

// burstFactor is how many times the bytes of an NHWC access are multiplied by
// bursts that are not filled.
func burstFactor(a *ethosu.Accelerator, read bool, bits, depth int, m ethosu.Memory) float64 {
	b := bits * depth / 8
	if !read {
		b = min(512, 16*bits*a.Cores, depth*bits) / 8
	}
	b = max(min(b, m.Burst), 1)
	return float64(m.Burst) / float64(b)
}

// cost estimates the NPU cycles and the busiest memory's access cycles of a
// kernel with the given block. Bytes of weights and scales are those of the op.
func (o *op) cost(a *ethosu.Accelerator, blk [3]int, mem memories, weightBytes, scaleBytes int) (npu, access float64) {
	npu, access, _ = o.costOf(a, blk, mem, weightBytes, scaleBytes)
	return npu, access
}

// costOf is cost with the access cycles of every kind of memory.
func (o *op) costOf(a *ethosu.Accelerator, blk [3]int, mem memories, weightBytes, scaleBytes int) (npu, access float64, demand [memoryKinds]float64) {
	ib := o.ifmBlock(a, blk)
	f, g := o.ifm, o.ofm
	IB := [3]int{min(f.h, ib[0]), min(f.w, ib[1]), min(f.c, ib[2])}
	OB := [3]int{min(g.h, blk[0]), min(g.w, blk[1]), min(g.c, blk[2])}
	nb := [3]int{cd(g.h, OB[0]), cd(g.w, OB[1]), cd(g.c, OB[2])}
	bw := func(m ethosu.Memory) float64 { return m.Bandwidth(a) }
	readEff := burstFactor(a, true, f.bits(), ib[2], mem.ifm)
	writeEff := burstFactor(a, false, g.bits(), blk[2], mem.ofm)
	mi := float64(mem.ifm.ReadLatency) + float64(IB[0]*IB[1]*IB[2])*readEff/bw(mem.ifm)
	mo := float64(mem.ofm.WriteLatency) + float64(OB[0]*OB[1]*OB[2])*writeEff/bw(mem.ofm)
	ape := o.perElement(a)
	var ifmCount, ifm2Count, wRatio float64
	if o.kind == opElementwise {
		n := float64(blk[0] * blk[1] * blk[2])
		e := math.Max(ape, (mi+mo+ape*n)/4/n)
		npu = math.Ceil(e * float64(g.elems()))
		ifmCount = float64(g.elems())
		if o.ifm2 != nil && !o.scalar && o.ifm2.elems() > 1 {
			ifm2Count = float64(g.elems())
		}
	} else {
		u := [3]int{a.UBlockH, a.UBlockW, a.UBlockD}
		if u[0] == 2 && o.kind != opPool && g.h == 1 && g.w%2 == 0 && o.kh == 1 {
			u = [3]int{1, 4, u[2]}
			OB[0] = 1
		}
		nx, ny, nz := cd(OB[1], u[1]), cd(OB[0], u[0]), cd(OB[2], u[2])
		nxy := nx * ny
		wb := 4 * u[2]
		is16 := f.bits() == 16
		dpu := 0.0
		for sy := 0; sy < o.kh; sy += 8 {
			for sx := 0; sx < o.kw; sx += 8 {
				e := min(8, o.kh-sy) * min(8, o.kw-sx)
				var steps, c int
				switch {
				case o.kind == opPool && o.mode != poolReduceSum:
					steps, c = 1, max(4, e)*nxy*nz
					if is16 && a.MACs != 32 {
						c *= 2
					}
				case o.kind == opDepthwise:
					steps = cd(e, 4)
					k := 4 * nxy
					if is16 {
						k *= 2
					}
					c = max(wb, k) * steps * nz
				case o.partKernel:
					steps = cd(e, 4)
					if is16 {
						steps = cd(e, 2)
					}
					c = max(wb, 4*nxy) * steps * cd(IB[2], 8) * nz
				default:
					steps, c = e, max(wb, 4*nxy)*e*nz
				}
				D := 2
				switch {
				case a.MACs == 32 && o.acc40:
					D = 7
				case a.MACs == 32:
					D = 3
				case o.acc40 && a.MACs <= 128:
					D = 3
				}
				dl := 0
				if nx == 1 && ny == 1 {
					if nz == 1 {
						dl = D * steps
					} else if steps > 1 {
						dl = D * (steps - 1) * nz
					}
				}
				if a.MACs == 32 && (nx == 1 || ny == 1) && nz > 1 && o.acc40 {
					dl += D * nz
				}
				if o.partKernel {
					dl *= cd(IB[2], 8)
				}
				dpu += float64(c + dl)
			}
		}
		if o.kind == opConv || (o.kind == opPool && o.mode == poolReduceSum) {
			dpu *= float64(cd(f.c, IB[2]))
		}
		dpu /= float64(a.Cores)
		blocks := float64(nb[0] * nb[1] * nb[2])
		out := math.Ceil(ape * float64(OB[0]*OB[1]*OB[2]))
		if o.kind == opConv || o.kind == opDepthwise {
			out = math.Max(out, float64(10*OB[2]*mem.scales.ReadLatency)/256)
		}
		cmd := (mi + mo + out + dpu) / 4
		dpu, out = math.Max(dpu, cmd), math.Max(out, cmd)
		if dpu > out {
			npu = math.Floor(dpu*blocks + out)
		} else {
			npu = math.Floor(out*blocks + dpu)
		}
		nd := nb[2]
		if o.kind == opDepthwise || (o.kind == opPool && o.mode != poolReduceSum) {
			nd = 1
		}
		rep := cd((o.kw-1)*o.dilW+1, 8) * cd((o.kh-1)*o.dilH+1, 8)
		ifmCount = float64(IB[0]*IB[1]*f.c) * float64(rep*nb[0]*nb[1]*nd)
		wRatio = float64(nb[0] * nb[1])
	}
	add := func(m ethosu.Memory, bytes float64) { demand[memoryKind(m)] += bytes / bw(m) }
	add(mem.ofm, float64(g.elems()*g.bits()/8)*writeEff)
	add(mem.ifm, ifmCount*float64(f.bits()/8)*readEff)
	if ifm2Count > 0 {
		add(mem.ifm2, ifm2Count*float64(f.bits()/8)*burstFactor(a, true, f.bits(), ib[2], mem.ifm2))
	}
	if weightBytes > 0 {
		add(mem.weights, float64(weightBytes)*wRatio+float64(scaleBytes))
	}
	for _, d := range demand {
		access = math.Max(access, d)
	}
	return npu, access, demand
}
