package compile

import (
	"fmt"
	"os"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/tflite"
)

func TestDbg(t *testing.T) {
	name := os.Getenv("DBG")
	if name == "" {
		t.Skip()
	}
	data, _ := os.ReadFile(name)
	g, err := tflite.Read(name, data)
	if err != nil {
		t.Fatal(err)
	}
	a, _ := ethosu.ParseAccelerator("ethos-u55-128")
	debugTimeline = func(m *module, tl *timeline) {
		tl.run()
		j := 0
		for i := range tl.kernels {
			for ; j < len(tl.transfers) && tl.transfers[j].pos <= i; j++ {
				x := tl.transfers[j]
				n := "table"
				if x.w != nil {
					n = x.w.name
				}
				fmt.Printf("  DMA %-40s use %d t %.0f end %.0f\n", n[max(0, len(n)-40):], x.use, x.t, tl.done[j])
			}
			k := tl.kernels[i]
			o := m.ops[i]
			fmt.Printf("%d %-30s ifm %dx%dx%d ofm %dx%dx%d blk %v t %.0f load %.0f end %.0f\n", i, o.name, o.ifm.h, o.ifm.w, o.ifm.c, o.ofm.h, o.ofm.w, o.ofm.c, o.block, k.t, k.load, tl.end[i])
		}
	}
	defer func() { debugTimeline = nil }()
	if _, err := Compile(g, Options{Accel: a}); err != nil {
		t.Fatal(err)
	}
}
