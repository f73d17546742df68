// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestProveCountsDistinctCalls feeds four different inputs only: single calls repeat
// after the fourth, while in the chain another state makes another call of the same input.
func TestProveCountsDistinctCalls(t *testing.T) {
	feed := func(call int, in [][]byte) bool {
		copy(in[0], int8s(int8(1+call%4), 1))
		return true
	}
	for _, c := range []struct {
		single, chain, want, carried int
	}{{3, 0, 3, 0}, {10, 0, 4, 0}, {4, 6, 9, 5}, {0, 6, 6, 6}} {
		var told []int
		r, err := prove(&accumulator{}, &accumulator{}, feed, ProofOptions{Single: c.single, Chain: c.chain,
			Progress: func(done int, carried bool) {
				if carried {
					told = append(told, done)
				}
			}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(Proof{Calls: c.want, Carried: c.carried}, r); diff != "" {
			t.Errorf("%d single calls and a chain of %d: %s", c.single, c.chain, diff)
		}
		if len(told) != c.chain || c.chain > 0 && told[len(told)-1] != c.single+c.chain {
			t.Errorf("%d single calls and a chain of %d: progress %v", c.single, c.chain, told)
		}
	}
}

// TestProveFindsTheChain breaks a call that only the chain makes.
func TestProveFindsTheChain(t *testing.T) {
	feed := func(call int, in [][]byte) bool {
		copy(in[0], int8s(int8(call), 1))
		return true
	}
	r, err := prove(&accumulator{}, &accumulator{broken: 5}, feed, ProofOptions{Chain: 8})
	if err != nil {
		t.Fatal(err)
	}
	if r.Calls != 8 || r.Mismatches != 1 || len(r.First) != 1 || r.First[0].Call != 4 || r.First[0].Index != 1 {
		t.Errorf("found %+v", r)
	}
}
