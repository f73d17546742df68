// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/graph"
)

// ProofOptions say how many calls two witnesses are compared on.
type ProofOptions struct {
	Single   int // calls that all start from reset
	Chain    int // further calls, with the state carried from each to the next
	Progress func(done int, carried bool)
}

// Proof is what two witnesses gave.
type Proof struct {
	Calls      int         // that were compared; those with the same inputs and states count once
	Carried    int         // of them, those with states that only the chain brought about
	Mismatches int         // calls with at least one different byte
	First      []*Mismatch // of the single calls and of the chain, where there is one
}

// Prove runs a program on the simulator and a graph of the same calls on the reference
// interpreter, and compares every byte of every output: calls from reset first, then
// a chain with the states carried on and on. The chain goes on where the single calls
// end, so that it brings inputs of its own as long as feed has some.
func Prove(g *graph.Graph, p *ethosu.Program, feed Feed, o ProofOptions) (Proof, error) {
	ref, err := NewReference(g)
	if err != nil {
		return Proof{}, err
	}
	dut, err := NewSimulator(p)
	if err != nil {
		return Proof{}, err
	}
	return prove(ref, dut, feed, o)
}

// callBytes is what it takes to know a call again.
const callBytes = 96

func prove(ref, dut Model, feed Feed, o ProofOptions) (Proof, error) {
	if err := budget.Ask(fmt.Sprintf("the record of %d and %d compared calls", o.Single, o.Chain), budget.Times(int64(o.Single)+int64(o.Chain), callBytes)); err != nil {
		return Proof{}, err
	}
	progress := func(from int, carried bool) func(int) {
		if o.Progress == nil {
			return nil
		}
		return func(done int) { o.Progress(from+done, carried) }
	}
	single, err := CompareIndependent(ref, dut, o.Single, feed, progress(0, false))
	if err != nil {
		return Proof{}, err
	}
	chained := func(call int, in [][]byte) bool {
		feed(o.Single+call, in)
		return call == 0
	}
	chain, err := Compare(ref, dut, o.Chain, chained, progress(o.Single, true))
	if err != nil {
		return Proof{}, err
	}
	alone := len(single.distinct)
	single.distinct.add(chain.distinct)
	r := Proof{Calls: len(single.distinct), Carried: len(single.distinct) - alone, Mismatches: single.Mismatches + chain.Mismatches}
	for _, m := range []*Mismatch{single.First, chain.First} {
		if m != nil {
			r.First = append(r.First, m)
		}
	}
	return r, nil
}
