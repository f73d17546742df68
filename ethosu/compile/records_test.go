package compile_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/compile"
)

// TestFetchedRecords has kernels that share weights and not records, behind a memory
// whose latency each of their blocks would wait for.
func TestFetchedRecords(t *testing.T) {
	g, rec, data := readModel(t, model{"gru256_mnist_state", "gru256_mnist_state"})
	rec.Count = min(rec.Count, 2)
	o := config{"ethos-u65-256", "", ""}.options(t)
	p, err := compile.Compile(g, o)
	if err != nil {
		t.Fatal(err)
	}
	fetched := 0
	for _, op := range p.Ops {
		if op.Name == "DMA records" {
			fetched++
		}
	}
	if fetched < 28 {
		t.Errorf("records are fetched %d times, expected once a step", fetched)
	}
	with := figuresOf(t, g, o)
	o.Skip = []string{"fetch"}
	if without := figuresOf(t, g, o); with.Cycles > without.Cycles*8/10 {
		t.Errorf("%d cycles with records fetched ahead, %d without", with.Cycles, without.Cycles)
	}
	if err := replay(p, rec, data); err != nil {
		t.Error(err)
	}
}
