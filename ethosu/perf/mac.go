// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
)

// Reason is what bounds an operation.
type Reason uint8

// Reasons.
const (
	MAC         Reason = iota // the MAC array or its output stage
	Weights                   // the weight path of the NPU, or the memory that weights come from
	AXI                       // memory traffic of feature maps
	Elementwise               // the elementwise units
	LUT                       // table lookups
	DMA                       // waiting for a transfer
	Overhead                  // latency of short blocks, and starts of kernels
	CPU                       // between the streams of a call
	reasons
)

var reasonNames = [...]string{"mac", "weights", "axi", "elementwise", "lut", "dma", "overhead", "cpu"}

func (r Reason) String() string { return reasonNames[r] }

// Reasons lists all reasons in the order of reports.
func Reasons() []Reason { return []Reason{MAC, Weights, AXI, Elementwise, LUT, DMA, Overhead, CPU} }

func ceilDiv(a, b int) int { return (a + b - 1) / b }
func roundUp(a, b int) int { return ceilDiv(a, b) * b }

// MACCycles returns the NPU cycles of a convolution, fully connected, depthwise or
// pooling operation, memory bandwidth left aside, and what they are spent on. drain is the
// part of them in which the last block only leaves the output stage.
func MACCycles(a *ethosu.Accelerator, w *Work) (cycles, drain float64, reason Reason) {
	g := geometry(a, w)
	// Blocks at the edges are smaller: at most two sizes in each dimension.
	type part struct{ size, times int }
	parts := func(n, b int) []part {
		list := []part{{b, n / b}}
		if n%b > 0 {
			list = append(list, part{n % b, 1})
		}
		return list
	}
	var sum, first, dpuLast, outLast float64
	for _, d := range parts(w.OFM.D, g.ob.D) {
		for _, h := range parts(w.OFM.H, g.ob.H) {
			for _, v := range parts(w.OFM.W, g.ob.W) {
				b := g.of(block.Shape{H: h.size, W: v.size, D: d.size})
				dpu, out, r := blockCycles(a, w, &b)
				longer := max(dpu, out)
				if sum == 0 {
					first, reason = dpu, r
				}
				sum += float64(longer * float64(h.times*v.times*d.times)) // not fused: the same everywhere
				dpuLast, outLast = dpu, out
			}
		}
	}
	// One block is computed while the one before it leaves.
	if dpuLast > outLast {
		return math.Floor(sum + outLast), outLast, reason
	}
	return math.Floor(sum + first), 0, reason
}

// blockCycles returns the cycles of one block in the MAC array and in the output stage.
func blockCycles(a *ethosu.Accelerator, w *Work, g *counts) (dpu, out float64, reason Reason) {
	nxy := g.nx * g.ny
	feed := 4 * a.UBlockD // cycles to feed one ublock its weights and inputs
	wide := w.IFMBits == 16

	delay := a.Delay.Acc32
	if w.Acc40 {
		delay = a.Delay.Acc40
	}

	cycles := 0
	fed := true // the weight path sets the pace in every sub-kernel
	kh, kw := max(w.KH, 1), max(w.KW, 1)
	// Sub-kernels of 8x8 come in at most four sizes.
	for _, h := range [2][2]int{{8, kh / 8}, {kh % 8, 1}} {
		for _, v := range [2][2]int{{8, kw / 8}, {kw % 8, 1}} {
			elems, times := h[0]*v[0], h[1]*v[1]
			if elems*times == 0 {
				continue
			}
			steps, c := 1, 0
			pace := 4 * nxy
			switch {
			case w.Kind == block.MaxPool || w.Kind == block.AveragePool:
				c = max(4, elems) * nxy * g.nz
				if wide {
					c *= a.Pool16
				}
				fed = false
			case w.Kind == block.Depthwise:
				if wide {
					pace *= 2
				}
				steps = ceilDiv(elems, 4)
				c = max(feed, pace) * steps * g.nz
			case w.PartKernel && w.Kind == block.Conv:
				group := 4
				if wide {
					group = 2
				}
				steps = ceilDiv(elems, group)
				c = max(feed, pace) * steps * ceilDiv(g.ib.D, 8) * g.nz
			default:
				steps = elems
				c = max(feed, pace) * steps * g.nz
			}
			if pace > feed {
				fed = false
			}
			extra := 0
			if g.nx == 1 && g.ny == 1 {
				if g.nz == 1 {
					extra = delay * steps
				} else {
					extra = delay * (steps - 1) * g.nz
				}
			}
			if (g.nx == 1 || g.ny == 1) && g.nz > 1 && w.Acc40 {
				extra += a.Delay.Depth40 * g.nz
			}
			if w.PartKernel && w.Kind == block.Conv {
				extra *= ceilDiv(g.ib.D, 8)
			}
			cycles += (c + extra) * times
		}
	}
	if w.Kind.SumsDepth() {
		cycles *= ceilDiv(w.IFM.D, g.ib.D)
	}
	// The micro-blocks of a block in depth are shared out to the cores.
	dpu = float64(float64(cycles) / float64(g.nz) * float64(ceilDiv(g.nz, a.Cores)))

	output, activation := perElement(a, w)
	out = math.Ceil(float64(max(output, activation) * float64(g.ob.Elements())))
	if w.Kind.MAC() {
		// A block waits for its records, 10 bytes a channel, a latency for 256 of them.
		out = max(out, float64(10*g.ob.D*w.ScalesAt.ReadLatency)/256)
	}
	mi, mo := blockMemory(a, w)
	command := (mi + mo + out + dpu) / 4

	reason = MAC
	switch {
	case command > dpu && command > out:
		reason = Overhead
	case out > dpu:
		if activation > output && w.Activation == Table {
			reason = LUT
		}
	case fed && w.Kind.MAC():
		reason = Weights
	}
	return max(dpu, command), max(out, command), reason
}

// counts are the clipped blocks of an operation and the numbers that follow.
type counts struct {
	ib, ob     block.Shape // clipped to the feature maps
	full       block.Shape // input block, not clipped
	blocks     block.Shape // OFM blocks per dimension
	unit       block.Shape // micro-block
	nx, ny, nz int         // micro-blocks per OFM block
}

func geometry(a *ethosu.Accelerator, w *Work) counts {
	var g counts
	g.full = inputBlock(a, w)
	g.ib, g.ob = w.IFM.Min(g.full), w.OFM.Min(w.Block)
	uh, uw := a.UBlockH, a.UBlockW
	if uh == 2 && w.Kind.MAC() && w.OFM.H == 1 && w.OFM.W%2 == 0 && w.KH <= 1 {
		// A micro-block of 2x2 works as 1x4 on a single row.
		uh, uw = 1, 4
		g.ob.H = 1
	}
	g.unit = block.Shape{H: uh, W: uw, D: a.UBlockD}
	if a.OwnMemories {
		g.unit = w.UBlock
	}
	g = g.of(g.ob)
	g.blocks = block.Shape{H: ceilDiv(w.OFM.H, g.ob.H), W: ceilDiv(w.OFM.W, g.ob.W), D: ceilDiv(w.OFM.D, g.ob.D)}
	return g
}

// of returns the counts of a block of another size.
func (g *counts) of(ob block.Shape) counts {
	c := *g
	c.ob = ob
	c.nx, c.ny, c.nz = ceilDiv(ob.W, g.unit.W), ceilDiv(ob.H, g.unit.H), ceilDiv(ob.D, g.unit.D)
	return c
}
