// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
)

// TestFetchedRecords has kernels that share weights and not records, behind a memory
// whose latency each of their blocks would wait for. In the second model the weights
// have to come along: with either of the two alone the other sets the pace.
func TestFetchedRecords(t *testing.T) {
	for _, c := range []struct {
		model string
		least int     // transfers of records
		most  float64 // share of the cycles without
	}{{"gru256_mnist_state", 28, 0.8}, {"lstm64_mnist_state", 56, 0.55}} {
		g, rec, data := readModel(t, model{c.model, c.model})
		rec.Count = min(rec.Count, 2)
		o := config{"ethos-u65-256", "", ""}.options(t)
		o.Skip = []string{"rescale", "repeat"} // or most of the kernels share their records, or make them of a part
		p, err := compile.Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		fetched := 0
		for _, op := range p.Stages[0].Ops {
			if op.Name == "DMA records" {
				fetched++
			}
		}
		if fetched < c.least {
			t.Errorf("%s: records are fetched %d times, expected %d", c.model, fetched, c.least)
		}
		with := figuresOf(t, g, o)
		o.Skip = append(o.Skip, "fetch")
		if without := figuresOf(t, g, o); float64(with.Cycles) > c.most*float64(without.Cycles) {
			t.Errorf("%s: %d cycles with records fetched ahead, %d without", c.model, with.Cycles, without.Cycles)
		}
		if err := replay(p, rec, data); err != nil {
			t.Errorf("%s: %v", c.model, err)
		}
	}
}

// TestRepeatedRecords has products without bias and with one scale, whose records are
// equal: one period of them is fetched, and the simulator finds all in the fast memory.
func TestRepeatedRecords(t *testing.T) {
	for _, accel := range []string{"ethos-u55-128", "ethos-u65-512"} {
		g, rec, data := readModel(t, model{"lstm64_mnist_state", "lstm64_mnist_state"})
		rec.Count = min(rec.Count, 2)
		o := config{accel, "", ""}.options(t)
		p, err := compile.Compile(g, o)
		if err != nil {
			t.Fatal(err)
		}
		fetched, made := 0, 0
		for _, op := range p.Stages[0].Ops {
			switch op.Name {
			case "DMA records":
				fetched++
			case "DMA equal records":
				made++
			}
		}
		if fetched == 0 || made < 2 {
			t.Errorf("%s: %d transfers of records, %d within the fast memory", accel, fetched, made)
		}
		with := figuresOf(t, g, o)
		o.Skip = append(o.Skip, "repeat")
		if without := figuresOf(t, g, o); with.Cycles >= without.Cycles {
			t.Errorf("%s: %d cycles with equal records made of one period, %d without", accel, with.Cycles, without.Cycles)
		}
		if err := replay(p, rec, data); err != nil {
			t.Errorf("%s: %v", accel, err)
		}
	}
}
