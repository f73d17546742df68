// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/block/u85"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// rates85 are what a configuration of the Ethos-U85 computes. Source: the tables of
// Vela 5.1's estimator.
type rates85 struct {
	out    [4]float64 // cycles of the output stage for an element of 8, 16, 32, 64 bits
	to32   float64    // two operands of 32 bits to less than that, and chained results of 32 bits
	both32 float64    // two operands of 32 bits to 32 bits
}

var table85 = map[int]*rates85{
	128:  {[4]float64{0.5, 0.5, 0.5, 1}, 1, 1},
	256:  {[4]float64{0.25, 0.25, 0.25, 0.5}, 0.5, 0.5},
	512:  {[4]float64{0.125, 0.125, 0.25, 0.5}, 0.25, 0.25},
	1024: {[4]float64{0.0625, 0.125, 0.25, 0.5}, 0.125, 0.25},
	2048: {[4]float64{0.03125, 0.0625, 0.125, 0.25}, 0.0625, 0.125},
}

func ratesOf85(a *ethosu.Accelerator) *rates85 {
	r := table85[a.MACs]
	if r == nil {
		panic(fmt.Sprintf("BUG: %s has %d MACs, which no Ethos-U85 has", a.Name, a.MACs))
	}
	return r
}

// perElement85 returns the cycles of the output stage and of the activation.
func perElement85(a *ethosu.Accelerator, w *Work) (output, activation float64) {
	r := ratesOf85(a)
	output = r.out[bits85(w.OFMBits)]
	if w.IFMBits == 32 && (w.hasIFM2() || w.Chained()) {
		output = r.to32
		if w.OFMBits == 32 {
			output = r.both32
		}
	}
	if w.Kind == block.Elementwise && w.Mode == isa.ElemDiv {
		output = 33
	}
	if w.Activation != NoActivation {
		activation = r.out[0]
	}
	return output, activation
}

func bits85(n int) int {
	switch n {
	case 8:
		return 0
	case 16:
		return 1
	case 32:
		return 2
	}
	return 3
}

// elementwise85 is ElementwiseCycles of the Ethos-U85.
func elementwise85(a *ethosu.Accelerator, w *Work) (float64, Reason) {
	output, activation := perElement85(a, w)
	each := max(output, activation)
	n := float64(w.Block.Min(w.OFM).Elements())
	mi, mo := blockMemory(a, w)
	latency := (max(mi, mo)/n + each) / 4
	reason := Elementwise
	switch {
	case latency > each:
		reason = Overhead
	case activation > output && w.Activation == Table:
		reason = LUT
	}
	depth := w.OFM.D
	if w.OFMFormat == isa.NHCWB16 {
		depth = roundUp(depth, 16)
	}
	return math.Ceil(max(each, latency) * float64(w.OFM.H*w.OFM.W*depth)), reason
}

// mac85 is MACCycles of the Ethos-U85. Unlike Vela's estimator it lets the weights set the
// pace where they are decoded more slowly than the array takes them.
func mac85(a *ethosu.Accelerator, w *Work) (cycles, drain float64, reason Reason) {
	u := w.UBlock
	blk := w.Block.Min(w.OFM)
	ib := u85.IFMBlock(a, w.Op, w.Block)
	n := block.Shape{H: ceilDiv(blk.H, u.H), W: ceilDiv(blk.W, u.W), D: ceilDiv(blk.D, u.D)}
	all := block.Shape{H: ceilDiv(w.OFM.H, u.H), W: ceilDiv(w.OFM.W, u.W), D: ceilDiv(w.OFM.D, u.D)}
	blocks := float64(all.Elements()) / float64(n.Elements())

	mac := macBlock85(a, w, n, min(ib.D, w.IFM.D))
	output, activation := perElement85(a, w)
	out := math.Ceil(max(output, activation) * float64(blk.Elements()))
	if w.Kind.MAC() {
		out = max(out, float64(10*blk.D*w.ScalesAt.ReadLatency)/recordsAhead85)
	}
	mem := 0.0
	if blocks > 1 {
		mi, mo := blockMemory(a, w)
		mem = math.Abs(mo - mi)
	}
	command := (mem + mac + out) / 4
	m, o := max(mac, command), max(out, command)

	reason = MAC
	switch {
	case command > mac && command > out:
		reason = Overhead
	case out > mac && activation > output && w.Activation == Table:
		reason = LUT
	}
	if m > o {
		cycles, drain = float64(m*blocks)+o, o
	} else {
		cycles = float64(o*blocks) + m
	}
	if w.Kind.MAC() {
		if t := decode85(a, w); t > cycles-drain {
			cycles, reason = t+drain, Weights
		}
	}
	return math.Floor(cycles), drain, reason
}

// macBlock85 returns the cycles of one block of n micro-blocks in the MAC array.
func macBlock85(a *ethosu.Accelerator, w *Work, n block.Shape, depth int) float64 {
	bytes := w.IFMBits / 8
	feed := 32 * w.UBlock.D / (8 * a.Cores) // cycles that the weights of a step need at least
	flat := n.H * n.W
	delay := 2
	if w.Acc40 && a.MACs == 128 {
		delay = 3
	}
	sum := 0
	kh, kw := max(w.KH, 1), max(w.KW, 1)
	limH, limW := 8/max(w.DilationH, 1), 8/max(w.DilationW, 1)
	for _, h := range [2][2]int{{limH, kh / limH}, {kh % limH, 1}} {
		for _, v := range [2][2]int{{limW, kw / limW}, {kw % limW, 1}} {
			elems, times := h[0]*v[0], h[1]*v[1]
			if elems*times == 0 {
				continue
			}
			steps, c := elems, 0
			switch {
			case w.Kind == block.MaxPool || w.Kind == block.AveragePool:
				steps, c = 1, max(4, elems)*n.Elements()*bytes
			case w.Kind == block.Depthwise:
				steps = ceilDiv(elems, 4)
				c = max(feed, 4*flat*bytes) * steps * n.D
			case w.Kind == block.Conv && w.PartKernel:
				steps = ceilDiv(elems, max(4/bytes, 1))
				c = max(feed, 4*flat) * steps * n.D * ceilDiv(depth, 8)
			default:
				c = max(feed, ceilDiv(depth, 8)*flat) * steps * n.D * bytes
			}
			extra := 0
			if flat == 1 {
				if n.D == 1 {
					extra = delay * steps
				} else {
					extra = delay * (steps - 1) * n.D
				}
				if w.Kind == block.Conv && w.PartKernel {
					extra *= ceilDiv(depth, 8)
				}
			}
			sum += (c + extra) * times
		}
	}
	if w.Kind.SumsDepth() {
		sum *= ceilDiv(w.IFM.D, depth)
	}
	return float64(sum)
}
