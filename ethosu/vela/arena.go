// SPDX-License-Identifier: Apache-2.0

package vela

import (
	"maps"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
)

// Arena is the tensor arena that TFLite Micro needs to run a program's file, in bytes.
type Arena struct {
	// Planned is what the file asks for: feature maps, states, copies of weights, and the
	// fast scratch, which the runtime takes from the arena, too.
	Planned int

	// Weights are the bytes of Planned that hold copies of constants. A program compiled
	// for less SRAM has fewer.
	Weights int

	// Runtime is what the runtime takes for itself, on a processor of 32 bits: no less
	// than was measured with commit 90b983c2 of August 2026, see docs/porting.md.
	Runtime int
}

// Total returns the bytes of the whole arena.
func (a Arena) Total() int { return align16(a.Planned) + a.Runtime }

// ArenaOf returns the arena for what Write makes of a program: of a call of several steps
// that is one step.
func ArenaOf(p *ethosu.Program) Arena {
	if p.Single != nil {
		p = p.Single
	}
	a := Arena{Planned: p.ArenaSize}
	if p.FastSize > 0 {
		a.Planned = align16(p.ArenaSize) + p.FastSize
	}
	values, tensors, addresses := len(p.Inputs)+len(p.Outputs), 0, 0
	for i := range p.Stages {
		s := &p.Stages[i]
		a.Weights = max(a.Weights, copies(s))
		if o := s.CPU; o != nil {
			tensors += len(o.Graph.Tensors)
			continue
		}
		n := len(s.Reads) + len(s.Writes)
		if len(p.Stages) == 1 {
			n = values + len(p.Variables)
		}
		tensors += 4 + n
		// The kernel keeps an address and a size for every tensor of the operator.
		addresses = max(addresses, align16(8*(4+n))+align16(4*(4+n)))
	}
	const fixed, operator, tensor, interfaceTensor = 176, 96, 12, 72
	a.Runtime = align16(fixed + operator*len(p.Stages) + tensor*tensors + interfaceTensor*values + addresses)
	return a
}

// resident ends the names of copies of constants.
const resident = "/resident"

// copies returns the most bytes outside of the constants that hold some of them at a time.
func copies(s *ethosu.Stage) int {
	change := map[int]int{} // at an operation
	for _, t := range s.Map {
		if t.Region != ethosu.RegionConstants && strings.HasSuffix(t.Name, resident) {
			change[t.First] += t.Size
			change[t.Last+1] -= t.Size
		}
	}
	most, now := 0, 0
	for _, op := range slices.Sorted(maps.Keys(change)) {
		now += change[op]
		most = max(most, now)
	}
	return most
}
