// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/weights"
)

// TestRepeats makes records of what of them is fetched, as the transfers do: of equal ones
// between others, wherever they begin and end.
func TestRepeats(t *testing.T) {
	found := 0
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 13))
		random := func(n int) []byte {
			b := make([]byte, n)
			for i := range b {
				b[i] = byte(1 + rng.IntN(255))
			}
			return b
		}
		equal := 8 + rng.IntN(150)
		data := random(weights.RecordBytes * rng.IntN(30))
		data = append(data, bytes.Repeat(random(weights.RecordBytes), equal)...)
		data = append(data, random(weights.RecordBytes*rng.IntN(30))...)
		data = append(data, make([]byte, -len(data)&15)...)
		r := &repeats{}
		if r.from, r.to = repeated(data); r.to == 0 {
			if equal >= 3*period/weights.RecordBytes {
				t.Fatalf("seed %d: %d equal records were not seen", seed, equal)
			}
			continue
		}
		found++
		if least := equal*weights.RecordBytes - 2*16; r.to-r.from < least {
			t.Fatalf("seed %d: bytes %d to %d repeat, fewer than %d", seed, r.from, r.to, least)
		}
		for r.first = period; r.first < r.to-r.from; r.first *= 2 {
			source, made, known := r.fetched(data), make([]byte, len(data)), 0
			for _, p := range r.pieces(len(data)) {
				from := source
				if p.made {
					from = bytes.Clone(made)
				}
				if p.size <= 0 || p.from%16 != 0 || p.to%16 != 0 || p.size%16 != 0 {
					t.Fatalf("seed %d, %d bytes fetched: piece %+v is no whole units of memory", seed, r.first, p)
				}
				known += copy(made[p.to:], from[p.from:p.from+p.size])
			}
			if known != len(data) || !bytes.Equal(made, data) {
				t.Fatalf("seed %d, %d bytes fetched: %d bytes are made of %d, or others than there were", seed, r.first, known, len(data))
			}
		}
	}
	if found < 200 {
		t.Errorf("%d lists with equal records: the test says little", found)
	}
}
