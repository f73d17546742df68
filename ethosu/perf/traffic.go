// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/block/u85"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// moved is what an operation moves, and how many of them lie together in memory.
type moved struct {
	ifm, ifm2, ofm  int
	in, in2, out    int // runs
	weights, scales int
}

// depth returns the channels that are moved for d of them.
func depth(f isa.Format, d int) int {
	if f == isa.NHCWB16 {
		return roundUp(d, 16)
	}
	return d
}

// run returns the bytes of a block of a feature map that lie together: a row of bricks,
// or the channels of a pixel, and whole rows when the block has all channels.
func run(f isa.Format, bits int, b, fm block.Shape) int {
	b = b.Min(fm)
	switch {
	case f == isa.NHCWB16 && b.W == fm.W:
		return bits / 8 * roundUp(b.D, 16) * b.W
	case f == isa.NHCWB16:
		return bits / 8 * 16 * b.W
	case b.D == fm.D:
		return bits / 8 * b.D * b.W
	}
	return bits / 8 * b.D
}

// extent returns the sum over the blocks of one dimension of the input elements that
// they need: n outputs in blocks of b, each of whose windows covers a kernel and moves by
// a stride, of an input of so many elements.
func extent(n, b, stride, kernel, input, up int) int {
	need := func(n int) int { return min(((n-1)*max(stride, 1)+kernel+up-1)/up, input) }
	sum := n / b * need(b)
	if rest := n % b; rest > 0 {
		sum += need(rest)
	}
	return sum
}

func traffic(a *ethosu.Accelerator, w *Work) moved {
	t := moved{ofm: w.OFM.H * w.OFM.W * depth(w.OFMFormat, w.OFM.D) * w.OFMBits / 8}
	size := w.IFMBits / 8
	t.out = run(w.OFMFormat, w.OFMBits, w.Block, w.OFM)
	if w.Kind == block.Elementwise {
		t.ifm = w.IFM.H * w.IFM.W * depth(w.IFMFormat, w.IFM.D) * size
		t.in = run(w.IFMFormat, w.IFMBits, w.Block, w.IFM)
		if w.hasIFM2() && !w.Scalar {
			t.ifm2 = w.IFM2.H * w.IFM2.W * depth(w.IFM2Format, w.IFM2.D) * size
			t.in2 = run(w.IFM2Format, w.IFMBits, w.Block, w.IFM2)
		}
		return t
	}
	g := geometry(a, w)
	up := 1
	if w.Upscale != block.UpscaleNone {
		up = 2
	}
	kh, kw := dilated(w.KH, w.DilationH), dilated(w.KW, w.DilationW)
	t.ifm = extent(w.OFM.H, g.ob.H, w.StrideH, kh, w.IFM.H, up) * extent(w.OFM.W, g.ob.W, w.StrideW, kw, w.IFM.W, up) * depth(w.IFMFormat, w.IFM.D) * size
	if w.Kind.SumsDepth() {
		t.ifm *= g.blocks.D
	}
	t.in = run(w.IFMFormat, w.IFMBits, g.ib, w.IFM)
	if w.Kind.MAC() {
		// The whole stream is read for every spatial block, the records once.
		t.weights = w.WeightBytes * g.blocks.H * g.blocks.W
		t.scales = w.ScaleBytes
	}
	return t
}

func dilated(k, dilation int) int { return (max(k, 1)-1)*max(dilation, 1) + 1 }

// Access is what an operation moves through one memory.
type Access struct {
	Place
	Read, Write float64 // bytes
	Cycles      float64 // that the memory takes for them
	weights     float64 // bytes of weights and scales among Read

	read, write float64          // cycles of each direction
	pace        [readers]float64 // cycles of each reader that has a buffer of its own
}

// slowest returns the cycles of the slowest reader.
func (m *Access) slowest() float64 {
	t := 0.0
	for _, p := range m.pace {
		t += p
	}
	return t
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
	t := traffic(a, w)
	maps := byInputs
	if w.Kind == block.Elementwise {
		maps = byElementwise
	}
	if !w.ChainOut {
		at(w.OFMAt).addWrite(a, t.ofm, mapTransaction(a, w.OFMAt.Memory, t.out))
	}
	if !w.ChainIn && !w.ScalarIn {
		at(w.IFMAt).addRead(a, t.ifm, mapTransaction(a, w.IFMAt.Memory, t.in), maps)
	}
	if t.ifm2 > 0 && !w.ChainIn2 {
		at(w.IFM2At).addRead(a, t.ifm2, mapTransaction(a, w.IFM2At.Memory, t.in2), maps)
	}
	if w.Kind.MAC() {
		by := byWeights
		if w.Fast {
			by = byFastWeights
		}
		at(w.WeightsAt).addConstants(a, t.weights, by)
		at(w.ScalesAt).addConstants(a, t.scales, byRecords)
	}
	for i := range out {
		out[i].finish(a)
	}
	return out
}

func (m *Access) addRead(a *ethosu.Accelerator, n, each int, by reader) {
	m.Read += float64(n)
	m.read += float64(n) / m.readRate(a, each)
	if a.OwnMemories {
		m.pace[by] += float64(n) / m.paceOf(a, each, by)
	}
}

func (m *Access) addWrite(a *ethosu.Accelerator, n, each int) {
	m.Write += float64(n)
	m.write += float64(n) / m.writeRate(a, each)
}

func (m *Access) addConstants(a *ethosu.Accelerator, n int, by reader) {
	m.addRead(a, n, transactionOf(a), by)
	m.weights += float64(n)
}

// finish adds up the directions: a port has a channel for each, but the bandwidth of a
// memory that is slower than its port is for both.
func (m *Access) finish(a *ethosu.Accelerator) {
	m.Cycles = max(m.read, m.write)
	if m.ClockScale < 1 {
		m.Cycles = max(m.Cycles, (m.Read+m.Write)/sustained(a, m.Memory))
	}
}

// blockMemory returns the cycles to read the input of one block and to write its output.
func blockMemory(a *ethosu.Accelerator, w *Work) (in, out float64) {
	ib, ob := w.IFM.Min(inputBlock(a, w)), w.OFM.Min(w.Block)
	maps := byInputs
	if w.Kind == block.Elementwise {
		maps = byElementwise
	}
	if !w.ChainIn && !w.ScalarIn {
		in = float64(w.IFMAt.ReadLatency) + float64(ib.Elements()*w.IFMBits/8)/w.IFMAt.alone(a, mapTransaction(a, w.IFMAt.Memory, run(w.IFMFormat, w.IFMBits, ib, w.IFM)), maps)
	}
	if !w.ChainOut {
		out = float64(w.OFMAt.WriteLatency) + float64(ob.Elements()*w.OFMBits/8)/w.OFMAt.writeRate(a, mapTransaction(a, w.OFMAt.Memory, run(w.OFMFormat, w.OFMBits, ob, w.OFM)))
	}
	return in, out
}

// inputBlock returns the input that a block of an operation needs.
func inputBlock(a *ethosu.Accelerator, w *Work) block.Shape {
	switch {
	case !a.OwnMemories:
		return block.IFMBlock(a, w.Op, w.Block)
	case w.Kind == block.Elementwise:
		return w.Block
	}
	return u85.IFMBlock(a, w.Op, w.Block)
}
