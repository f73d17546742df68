// SPDX-License-Identifier: Apache-2.0

package perf_test

import (
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

func printed(b *strings.Builder, title string, p *ethosu.Program, every int) error {
	f, err := perf.FiguresOf(p)
	if err != nil {
		return err
	}
	r, err := perf.Estimate(p)
	if err != nil {
		return err
	}
	fmt.Fprintf(b, "%s: %+v\nNPU %d, MACs %d, by %v\n", title, f, r.NPU, r.MACs, r.By)
	for _, m := range r.Memory {
		fmt.Fprintf(b, "  %s: %.9g read, %.9g written, %.9g cycles\n", m.Name, m.Read, m.Write, m.Cycles)
	}
	for i, o := range r.Ops {
		if i%every == 0 {
			fmt.Fprintf(b, "  %d %d %s/%s %v %d bytes: %.9g to %.9g, npu %.9g drain %.9g start %.9g %v %q\n", o.Word, o.Index, o.Stage, o.Name, o.DMA, o.Bytes, o.Begins, o.End, o.NPU, o.Drain, o.Start, o.Reason, o.Where)
		}
	}
	return nil
}

// TestRecordedStreams: what recorded streams take, and where.
func TestRecordedStreams(t *testing.T) {
	var b strings.Builder
	for _, name := range []string{"gru16_t4.vela-u55-128", "gru16_t4.vela51he-u65-256", "gru32x40_stream.vela51-u55-256", "lstm64_mnist_state.vela51-u65-256", "rnn64_mnist.vela-u55-128"} {
		p, err := vela.Read(name, testdata.ReadShared(t, path.Join("data", "models", name+".tflite")))
		if err != nil {
			t.Fatal(err)
		}
		for _, mode := range []string{"Shared_Sram", "Dedicated_Sram", "Sram_Only"} {
			if p.Mode, err = ethosu.ParseMemoryMode(mode); err != nil {
				t.Fatal(err)
			}
			if ethosu.CheckMemory(p.Accel, p.System, p.Mode) != nil {
				continue
			}
			if err := printed(&b, name+" "+mode, p, 5); err != nil {
				t.Fatal(err)
			}
		}
	}
	testdata.Recorded(t, "streams.txt", b.String(), *perf.Update)
}

const called = `
NPU_SET_IFM_REGION region=%d
NPU_SET_OFM_REGION region=1
NPU_SET_WEIGHT_REGION region=0
NPU_SET_SCALE_REGION region=0
NPU_SET_WEIGHT_BASE addr=%d
NPU_SET_WEIGHT_LENGTH length=64
NPU_SET_SCALE_BASE addr=%d
NPU_SET_SCALE_LENGTH length=80
NPU_SET_IFM_DEPTH_M1 depth_m1=15
NPU_SET_OFM_DEPTH_M1 depth_m1=7
NPU_SET_OFM_BLK_DEPTH_M1 depth_m1=7
NPU_SET_OFM_BASE0 addr=512
NPU_SET_ACTIVATION_MIN clip=0
NPU_SET_ACTIVATION_MAX clip=255
`

// A call of several stages: each counts as often as it runs, the CPU's wake-ups lie
// between them, weights that two streams share are stored once, and one that lies behind
// an offset of its window is another.
func TestStages(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	assemble := func(text string) []uint32 {
		words, err := isa.Assemble(text + "NPU_OP_STOP mask=0xFFFF")
		if err != nil {
			t.Fatal(err)
		}
		return words
	}
	first := assemble(fmt.Sprintf(called, 1, 0, 64) + "NPU_OP_CONV\n")
	step := assemble(fmt.Sprintf(called, 2, 32, 96) + "NPU_OP_CONV\nNPU_OP_KERNEL_WAIT\nNPU_OP_POOL pooling_mode=0\n")
	windows := func(offset int) []ethosu.Window {
		return []ethosu.Window{{Region: 0, In: 0, Offset: offset, Size: 512}, {Region: 1, In: 1, Size: 1024}, {Region: 2, In: 1, Offset: 1024, Size: 512}}
	}
	p := &ethosu.Program{Accel: a, System: ethosu.DefaultSystemConfig(a), Mode: ethosu.DefaultMemoryMode(), Constants: make([]byte, 1024), ArenaSize: 2048, Steps: 3,
		Stages: []ethosu.Stage{
			{Name: "input", Times: 1, Commands: first, Windows: windows(0), Ops: []ethosu.OpInfo{{Word: 0, Name: "none"}}},
			{Name: "step", Times: 3, Commands: step, Windows: windows(256), Ops: []ethosu.OpInfo{{Word: len(step) - 4, Name: "FULLY_CONNECTED"}}},
			{Name: "cpu1", Times: 1, CPU: &ethosu.CPUOp{}},
		}}
	one, err := perf.StageOf(p, &p.Stages[0])
	if err != nil {
		t.Fatal(err)
	}
	two, err := perf.StageOf(p, &p.Stages[1])
	if err != nil {
		t.Fatal(err)
	}
	sum, err := perf.Estimate(p)
	if err != nil {
		t.Fatal(err)
	}
	if want := one.Total + 3*two.Total + 3*1000; sum.Total != want || sum.By[perf.CPU] != 3000 {
		t.Errorf("%d cycles, %d of them of the CPU, want %d and 3000", sum.Total, sum.By[perf.CPU], want)
	}
	if sum.NPU != one.NPU+3*two.NPU || sum.MACs != one.MACs+3*two.MACs || one.MACs != 16*8 || two.MACs != 16*8+8 {
		t.Errorf("NPU %d of %d and %d, MACs %d of %d and %d", sum.NPU, one.NPU, two.NPU, sum.MACs, one.MACs, two.MACs)
	}
	for k := range sum.By {
		if perf.Reason(k) != perf.CPU && sum.By[k] != one.By[k]+3*two.By[k] {
			t.Errorf("%v: %d, want %d and 3 times %d", perf.Reason(k), sum.By[k], one.By[k], two.By[k])
		}
	}
	for _, m := range sum.Memory {
		var read, write, cycles float64
		for n, r := range map[float64]perf.Report{1: one, 3: two} {
			for _, u := range r.Memory {
				if u.Name == m.Name {
					read, write, cycles = read+n*u.Read, write+n*u.Write, cycles+n*u.Cycles
				}
			}
		}
		if m.Read != read || m.Write != write || m.Cycles != cycles || read == 0 {
			t.Errorf("%s: %+v, want %g, %g and %g", m.Name, m, read, write, cycles)
		}
	}
	if len(sum.Ops) != 3 || sum.Ops[0].Stage != "input" || sum.Ops[1].Name != "FULLY_CONNECTED" || sum.Ops[2].Stage != "step" || sum.Ops[0].Name != "conv" {
		t.Errorf("operations %+v", sum.Ops)
	}
	if r, err := perf.StageOf(p, &p.Stages[2]); err != nil || r.Total != 0 {
		t.Errorf("the CPU's operator takes %d cycles, %v", r.Total, err)
	}
	f, err := perf.FiguresOf(p)
	if err != nil {
		t.Fatal(err)
	}
	// Constants 0 to 144 of the first stream, 256+32 to 256+176 of the second.
	if f.WeightBytes != 144+144 || f.NPUOps != 1+3*2 || f.CPUOps != 1 || f.WakeUps != 4 || f.StreamBytes != 4*(len(first)+len(step)) || f.FlashBytes != 1024+f.StreamBytes || f.Cycles != sum.Total || f.SRAMBytes != 2048 {
		t.Errorf("%+v", f)
	}
	p.Stages[1].Windows = windows(0)
	if f, err = perf.FiguresOf(p); err != nil || f.WeightBytes != 176 { // 32 to 176 overlap 0 to 144
		t.Errorf("%+v, %v", f, err)
	}
	p.Stages[1].Commands = step[:len(step)-1]
	if _, err := perf.Estimate(p); err == nil {
		t.Error("a stream without an end is estimated")
	}
	if _, err := perf.FiguresOf(p); err == nil {
		t.Error("a stream without an end is measured")
	}
}

// Constants that a transfer copies are weights, whatever their size; tables are not, nor
// what a stream copies that has no kernel.
func TestCopiedWeights(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u65-256")
	if err != nil {
		t.Fatal(err)
	}
	pool := "NPU_SET_IFM_REGION region=1\nNPU_SET_OFM_REGION region=1\nNPU_OP_POOL pooling_mode=0\n"
	for _, c := range []struct {
		text string
		want int
	}{
		{"NPU_SET_DMA0_LEN length=100\nNPU_SET_DMA0_DST_REGION region=1\nNPU_OP_DMA_START\n" + pool, 100},
		{"NPU_SET_DMA0_LEN length=100\nNPU_SET_DMA0_SIZE0 size=3\nNPU_SET_DMA0_DST_REGION region=1\nNPU_OP_DMA_START\n" + pool, 100},
		{"NPU_SET_DMA0_LEN length=100\nNPU_SET_DMA0_SIZE0 size=3\nNPU_SET_DMA0_DST_REGION region=1 stride_mode=1\nNPU_OP_DMA_START\n" + pool, 300},
		{"NPU_SET_DMA0_LEN length=100\nNPU_SET_DMA0_SIZE0 size=3\nNPU_SET_DMA0_SRC_REGION stride_mode=1\nNPU_SET_DMA0_DST_REGION region=1\nNPU_OP_DMA_START\n" + pool, 300},
		{"NPU_SET_DMA0_LEN length=100\nNPU_SET_DMA0_DST_REGION region=3 region_mode=1\nNPU_OP_DMA_START\n" + pool, 0},
		{"NPU_SET_DMA0_LEN length=100\nNPU_SET_DMA0_SRC_REGION region=3 region_mode=1\nNPU_SET_DMA0_DST_REGION region=1\nNPU_OP_DMA_START\n" + pool, 0},
		{"NPU_SET_DMA0_LEN length=100\nNPU_SET_DMA0_SRC_REGION region=1\nNPU_SET_DMA0_DST_REGION region=1\nNPU_OP_DMA_START\n" + pool, 0},
		{"NPU_SET_DMA0_LEN length=100\nNPU_SET_DMA0_DST_REGION region=1\nNPU_OP_DMA_START\n", 0},
	} {
		words, err := isa.Assemble(c.text + "NPU_OP_STOP mask=0xFFFF")
		if err != nil {
			t.Fatal(err)
		}
		p := &ethosu.Program{Accel: a, System: ethosu.DefaultSystemConfig(a), Mode: ethosu.DefaultMemoryMode(), Constants: make([]byte, 512), ArenaSize: 512}
		p.Stages = []ethosu.Stage{p.Whole(words, nil, nil)}
		f, err := perf.FiguresOf(p)
		if err != nil || f.WeightBytes != c.want {
			t.Errorf("%s: %d bytes of weights, %v, want %d", c.text, f.WeightBytes, err, c.want)
		}
	}
}

// Figures of the programs of a file add up; what they share counts once.
func TestAdd(t *testing.T) {
	f := func(n int) perf.Figures {
		return perf.Figures{Accelerator: "a", NPUOps: n, CPUOps: 100, StreamBytes: 10 * n, WeightBytes: 20 * n, SRAMBytes: 30 * n, FlashBytes: 40 * n, Cycles: int64(50 * n), WakeUps: 60 * n,
			CyclesBy: map[string]int64{"mac": int64(70 * n)}, CyclesWithin: perf.Accuracy}
	}
	one, two := f(3), f(2)
	two.CyclesBy["dma"] = 5
	got := perf.Add([]perf.Figures{one, two}, 7)
	want := perf.Figures{Accelerator: "a", NPUOps: 5, CPUOps: 7, StreamBytes: 50, WeightBytes: 100, SRAMBytes: 90, FlashBytes: 200, Cycles: 250, WakeUps: 300,
		CyclesBy: map[string]int64{"mac": 350, "dma": 5}, CyclesWithin: perf.Accuracy}
	if fmt.Sprintf("%+v", got) != fmt.Sprintf("%+v", want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	if one.CyclesBy["mac"] != 210 {
		t.Error("adding changes what is added")
	}
}
