package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/block"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// burst returns how many bytes of a block lie together in memory, at most one
// burst of the memory.
func burst(a *ethosu.Accelerator, read bool, f isa.Format, bits int, b, fm block.Shape, m ethosu.Memory) int {
	n := 0
	if f == isa.NHCWB16 {
		switch {
		case bits*16*fm.W/8 == b.D:
			n = bits * b.D * b.W / 8
		case read:
			n = 16 * bits * b.W / 8
		default:
			n = 16 * bits * b.W * a.Cores / 8
		}
	} else {
		switch together := bits/8 == b.D; {
		case read && together, !read && together && b.D <= 16:
			n = bits * b.D * b.W / 8
		case read:
			n = bits * b.D / 8
		default:
			n = min(512, 16*bits*a.Cores, b.D*bits) / 8
		}
	}
	return max(1, min(n, m.Burst))
}

// efficiency returns the factor by which short bursts multiply the bytes moved.
func efficiency(a *ethosu.Accelerator, read bool, f isa.Format, bits int, b, fm block.Shape, m ethosu.Memory) float64 {
	return float64(m.Burst) / float64(burst(a, read, f, bits, b, fm, m))
}

// blockMemory returns the cycles to read the input of one block and to write its
// output. Like the model it comes from it counts elements, not bytes.
func blockMemory(a *ethosu.Accelerator, w *Work) (in, out float64) {
	ib := block.IFMBlock(a, w.Op, w.Block)
	in = float64(w.IFMAt.ReadLatency) + float64(w.IFM.Min(ib).Elements())*
		efficiency(a, true, w.IFMFormat, w.IFMBits, ib, w.IFM, w.IFMAt.Memory)/w.IFMAt.Bandwidth(a)
	out = float64(w.OFMAt.WriteLatency) + float64(w.OFM.Min(w.Block).Elements())*
		efficiency(a, false, w.OFMFormat, w.OFMBits, w.Block, w.OFM, w.OFMAt.Memory)/w.OFMAt.Bandwidth(a)
	return in, out
}

// elements are how many elements an operation moves.
type elements struct{ ifm, ifm2, ofm, weights int }

func depth(f isa.Format, d int) int {
	if f == isa.NHCWB16 {
		return roundUp(d, 16)
	}
	return d
}

func traffic(a *ethosu.Accelerator, w *Work) elements {
	var e elements
	e.ofm = w.OFM.H * w.OFM.W * depth(w.OFMFormat, w.OFM.D)
	if w.Kind == block.Elementwise {
		whole := w.OFM.H * w.OFM.W * depth(w.IFMFormat, w.OFM.D)
		// A constant of one element costs nothing in 8 bits.
		single := 0
		if w.IFMBits != 8 {
			single = depth(w.IFMFormat, 1)
		}
		if e.ifm = whole; w.IFM.Elements() == 1 {
			e.ifm = single
		}
		if w.hasIFM2() {
			if e.ifm2 = whole; w.Scalar || w.IFM2.Elements() == 1 {
				e.ifm2 = single
			}
		}
		return e
	}
	g := geometry(a, w)
	blocks := g.blocks
	ob := g.ob
	if !w.Kind.SumsDepth() {
		blocks.D = 1
		ob.D = w.IFM.D
	}
	repeats := ceilDiv(max(w.KW, 1), 8) * ceilDiv(max(w.KH, 1), 8)
	e.ifm = g.ib.H * g.ib.W * depth(w.IFMFormat, w.IFM.D) * repeats * blocks.Elements()
	if w.Kind.MAC() {
		perOutput := w.KH * w.KW
		if w.Kind != block.Depthwise {
			perOutput *= w.IFM.D
		}
		e.weights = perOutput * ob.D * blocks.Elements()
	}
	return e
}

// Access is what an operation moves through one memory.
type Access struct {
	Place
	Read, Write float64 // bytes, lengthened by short bursts
	Cycles      float64
	weights     float64 // bytes of weights and scales among Read
}

// accesses returns the memory traffic of an operation, one entry per memory.
func accesses(a *ethosu.Accelerator, w *Work) []Access {
	var out []Access
	at := func(p Place) *Access {
		for i := range out {
			if out[i].Name == p.Name {
				return &out[i]
			}
		}
		out = append(out, Access{Place: p})
		return &out[len(out)-1]
	}
	e := traffic(a, w)
	ib := block.IFMBlock(a, w.Op, w.Block)
	size := float64(w.IFMBits / 8)
	// The conversions keep compilers from fusing products with sums: what is compared is
	// the same on every machine.
	at(w.OFMAt).Write += float64(float64(e.ofm) * float64(w.OFMBits/8) * efficiency(a, false, w.OFMFormat, w.OFMBits, w.Block, w.OFM, w.OFMAt.Memory))
	at(w.IFMAt).Read += float64(float64(e.ifm) * size * efficiency(a, true, w.IFMFormat, w.IFMBits, ib, w.IFM, w.IFMAt.Memory))
	if e.ifm2 > 0 {
		at(w.IFM2At).Read += float64(float64(e.ifm2) * size * efficiency(a, true, w.IFM2Format, w.IFMBits, ib, w.IFM2, w.IFM2At.Memory))
	}
	if w.Kind.MAC() {
		g := geometry(a, w)
		m := at(w.WeightsAt)
		// The whole stream is read for every spatial block, the records once.
		bytes := float64(w.WeightBytes*g.blocks.H*g.blocks.W + w.ScaleBytes)
		m.Read += bytes
		m.weights += bytes
	}
	for i := range out {
		out[i].Cycles = (out[i].Read + out[i].Write) / out[i].Bandwidth(a)
	}
	return out
}
