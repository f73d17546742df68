// SPDX-License-Identifier: Apache-2.0

// Package u85 knows the OFM blocks and micro-blocks of the Ethos-U85, of which hardware
// lays out the buffers: an operation's inputs and accumulators have memories of their own.
//
// In comes an operation's shape (block.Op); out come the micro-blocks that it may be
// computed in and the blocks that fit. machine.go has what differs between configurations,
// micro.go the choice of the micro-block, fit.go the rules, elementwise.go the blocks of
// operations without accumulators.
package u85

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
)

// Max is the largest block.
var Max = block.Shape{H: 128, W: 128, D: 1024}

// units are those in which inputs are laid out, by the depth of a block: up to 128 bits, up
// to 256, and more; the depth of a unit in 16 bytes. Long is for micro-blocks of 1x4.
// Source: Vela 5.1's tables.
type units struct{ square, long [3]block.Shape }

var layouts = map[int]*units{
	128: {[3]block.Shape{{H: 1, W: 2, D: 1}, {H: 1, W: 1, D: 2}, {H: 1, W: 1, D: 2}},
		[3]block.Shape{}},
	256: {[3]block.Shape{{H: 2, W: 2, D: 1}, {H: 1, W: 2, D: 2}, {H: 1, W: 1, D: 4}},
		[3]block.Shape{{H: 1, W: 4, D: 1}, {H: 1, W: 2, D: 2}, {H: 1, W: 1, D: 4}}},
	512: {[3]block.Shape{{H: 2, W: 2, D: 1}, {H: 1, W: 2, D: 2}, {H: 1, W: 1, D: 4}},
		[3]block.Shape{{H: 1, W: 4, D: 1}, {H: 1, W: 2, D: 2}, {H: 1, W: 1, D: 4}}},
	1024: {[3]block.Shape{{H: 2, W: 4, D: 1}, {H: 2, W: 2, D: 2}, {H: 1, W: 2, D: 4}},
		[3]block.Shape{{H: 2, W: 4, D: 1}, {H: 1, W: 4, D: 2}, {H: 1, W: 2, D: 4}}},
	2048: {[3]block.Shape{{H: 4, W: 4, D: 1}, {H: 2, W: 4, D: 2}, {H: 2, W: 2, D: 4}},
		[3]block.Shape{{H: 4, W: 4, D: 1}, {H: 2, W: 4, D: 2}, {H: 1, W: 4, D: 4}}},
}

// unit returns the unit in which inputs of so many bits in depth lie, in elements of the
// given bits.
func unit(a *ethosu.Accelerator, micro block.Shape, depth, bits int) block.Shape {
	l := layouts[a.MACs]
	if l == nil {
		panic(fmt.Sprintf("BUG: %s has %d MACs, which no Ethos-U85 has", a.Name, a.MACs))
	}
	list := &l.square
	if micro.H == 1 && micro.W == 4 && a.MACs > 128 {
		list = &l.long
	}
	u := list[2]
	switch {
	case depth*bits <= 128:
		u = list[0]
	case depth*bits <= 256:
		u = list[1]
	}
	u.D *= 128 / bits
	return u
}

func ceilDiv(a, b int) int { return (a + b - 1) / b }
func roundUp(a, b int) int { return ceilDiv(a, b) * b }
