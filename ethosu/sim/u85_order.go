// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// orderU85 is the order of the weights of an operation in the streams of the U85. Source:
// the Vela compiler's encoder. This is not the code that the compiler here encodes with, so
// that one checks the other.
type orderU85 struct {
	outputs, inputs  int // inputs 1 for DEPTHWISE
	kh, kw           int // taps
	dh, dw, sh, sw   int // dilation; strides, 1 depth first
	block, micro     int // depths of the OFM block and of the microblock
	inBlock, inMicro int // depths of the IFM block and of what is taken of it at a time
	step             int // consecutive inputs
	group            int // taps are padded to a multiple of it
	extra            int // zeros behind a group, for each output channel of a microblock
	streams          int
	depthwise        bool
}

// newOrderU85 takes the order from the registers.
func newOrderU85(a *ethosu.Accelerator, k *kernelU85, micro *ethosu.MicroBlock) orderU85 {
	w, bits := &k.Window, k.IFM.Type.Bits
	l := orderU85{outputs: k.OFM.C, inputs: k.IFM.C, kh: w.H, kw: w.W, dh: w.DilationY, dw: w.DilationX, sh: w.StrideY, sw: w.StrideX,
		block: k.D, micro: micro.D, step: 8, streams: a.Cores, depthwise: k.Op == isa.OpDepthwise}
	if k.Sparse {
		l.step = 16
	}
	switch {
	case l.depthwise:
		l.inputs, l.inBlock, l.inMicro, l.step, l.group = 1, 1, 1, 1, 10
		switch {
		case a.MACs > 512:
			l.extra = 6
		case a.MACs == 512 || bits == 16:
			l.extra = 2
		}
	case w.PartKernelFirst:
		l.inBlock, l.inMicro, l.group = 16, 16, 5
		if bits == 16 && !k.Sparse {
			l.inMicro = 8
		}
		if bits == 16 || k.Sparse {
			l.group = 10
		}
	default:
		l.inBlock = 64
		switch {
		case k.Sparse && bits == 8:
			l.inBlock = 128
		case a.MACs <= 256 && micro.D == 16 && !k.Sparse:
			l.inBlock = 32
		}
		l.inMicro, l.group, l.sh, l.sw = l.inBlock, 1, 1, 1
	}
	return l
}

// part is a stretch of a length within a whole.
type part struct{ at, n int }

// parts cuts n into stretches of at most size.
func parts(n, size int) (list []part) {
	for at := 0; at < n; at += size {
		list = append(list, part{at, min(size, n-at)})
	}
	return list
}

func up(n, to int) int { return (n + to - 1) / to * to }

// visit calls place for every weight of a stream in order: the output channel, the tap and
// the input channel, or output -1 for a zero that only pads.
func (l *orderU85) visit(stream int, place func(o, y, x, i int)) {
	pad := func(n int) {
		for range n {
			place(-1, 0, 0, 0)
		}
	}
	ins := parts(l.inputs, l.inBlock)
	for n, out := range parts(l.outputs, l.block) {
		for k := range ins {
			in := ins[k]
			if n%2 == 1 { // every other OFM block from the last IFM block back
				in = ins[len(ins)-1-k]
			}
			for _, sx := range parts(l.kw, 8/l.dw) {
				for _, sy := range parts(l.kh, 8/l.dh) {
					for io := 0; io < in.n; io += l.inMicro {
						for ou := 0; ou < out.n; ou += l.micro {
							l.taps(stream, sy, sx, out.at+ou, in.at+io, place, pad)
						}
					}
				}
			}
		}
	}
}

// taps visits a part of the kernel for a microblock: the strides' phases, in each the rows,
// every other one from right to left.
func (l *orderU85) taps(stream int, sy, sx part, o, i int, place func(o, y, x, i int), pad func(int)) {
	left := up(sy.n*sx.n, l.group)
	perChannel := l.micro / l.streams
	for py := range l.sh {
		for px := range l.sw {
			rows, cols := (sy.n-py+l.sh-1)/l.sh, (sx.n-px+l.sw-1)/l.sw
			for ky := range max(rows, 0) {
				for kx := range max(cols, 0) {
					x := kx
					if ky%2 == 1 {
						x = cols - 1 - kx
					}
					l.channels(stream, o, sy.at+py+ky*l.sh, sx.at+px+x*l.sw, i, place)
					if left--; l.depthwise && left%l.group == 0 {
						pad(l.extra * perChannel)
					}
				}
			}
		}
	}
	if left > 0 {
		if l.depthwise {
			left += l.extra
		}
		pad(left * l.inMicro * perChannel)
	}
}

// channels visits a tap: groups of four output channels are dealt to the streams in turn.
func (l *orderU85) channels(stream, o, y, x, i int, place func(o, y, x, i int)) {
	for ii := 0; ii < l.inMicro; ii += l.step {
		for oz := 4 * stream; oz < l.micro; oz += 4 * l.streams {
			for o4 := range 4 {
				for iz := range l.step {
					if out, in := o+oz+o4, i+ii+iz; out < l.outputs && in < l.inputs {
						place(out, y, x, in)
					} else {
						place(-1, 0, 0, 0)
					}
				}
			}
		}
	}
}

// volume is the number of weights of a stream; all streams have as many.
func (l *orderU85) volume() int {
	taps := 0 // of a microblock, padded
	for _, sx := range parts(l.kw, 8/l.dw) {
		for _, sy := range parts(l.kh, 8/l.dh) {
			n := up(sy.n*sx.n, l.group)
			taps += n + n/l.group*l.extra
		}
	}
	outs := 0
	for _, p := range parts(l.outputs, l.block) {
		outs += up(p.n, l.micro)
	}
	ins := 0
	for _, p := range parts(l.inputs, l.inBlock) {
		ins += up(p.n, l.inMicro)
	}
	return outs / l.streams * ins * taps
}
