// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"fmt"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/verify"
)

// TestCacheSize gives a scratch beside the arena less and less memory, by the memory
// mode, by a budget and by a mode that a budget exceeds. Weights and records that do not fit are read where they are.
func TestCacheSize(t *testing.T) {
	g, rec, data := readModel(t, model{"gru256_mnist_state", "gru256_mnist_state"})
	rec.Count = 1
	for _, accel := range []string{"ethos-u65-256", "ethos-u65-512"} {
		free := config{accel, "", "Dedicated_Sram"}.options(t)
		free.Mode.CacheSize, free.After = 0, nil // tens of variants each; other tests check them
		p, err := compile.Compile(g, free)
		if err != nil {
			t.Fatal(err)
		}
		for _, limit := range []int{p.FastSize, p.FastSize - 16, 150000, 40000, 4096} {
			for _, by := range []struct{ cache, budget int }{{limit, 0}, {0, limit}, {limit, 1 << 20}} {
				if limit != p.FastSize-16 && by.budget != limit {
					continue // every way is tried at one limit, every limit by one: each takes seconds to plan
				}
				t.Run(fmt.Sprint(accel, by), func(t *testing.T) {
					o := free
					o.Mode.CacheSize, o.SRAMBudget = by.cache, by.budget
					p, err := compile.Compile(g, o)
					if err != nil {
						t.Fatal(err)
					}
					if p.FastSize > limit {
						t.Errorf("the scratch takes %d bytes", p.FastSize)
					}
					if f := verify.Program(p).All(); len(f) > 0 {
						t.Fatalf("%d findings, the first: %v", len(f), f[0])
					}
					if err := replay(p, rec, data); err != nil {
						t.Error(err)
					}
				})
			}
		}
	}
}
