// SPDX-License-Identifier: Apache-2.0

package vela_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// copying is a file whose operator copies 16 bytes of x to y by way of a region, with a
// fast scratch of the arena's size and offset, as Vela 5.1 and 3.10 write it, and an input
// that passes it by.
func copying(t *testing.T, a *ethosu.Accelerator, by int, again bool) []byte {
	t.Helper()
	var list []isa.Command
	if a.ParallelMode {
		list = append(list, isa.PutParallelMode(a.Cores-1))
	}
	step := func(from, to int, src, dst int64) {
		list = append(list, isa.PutDMA0SrcRegion(isa.DMA0SrcRegionFields{Region: from}), isa.PutDMA0Src(src),
			isa.PutDMA0DstRegion(isa.DMA0DstRegionFields{Region: to}), isa.PutDMA0Dst(dst), isa.PutDMA0Len(16), isa.Command{Code: isa.OpDMAStart}, isa.PutDMAWait(0))
	}
	step(1, by, 0, 32)
	step(by, 1, 32, 16)
	payload := (&isa.Payload{Config: a.ConfigWord, Words: isa.Encode(append(list, isa.PutStop(0xFFFF)))}).Append(nil)
	g := &graph.Graph{Name: "copy"}
	raw := func(name string, size int, data []byte) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Uint8, Shape: []int{size}, Data: data})
	}
	value := func(name string) graph.TensorID {
		return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: []int{16}, Quant: graph.PerTensor(1, 0)})
	}
	stream, constants, scratch, fast := raw("stream", len(payload), payload), raw("read_only", 16, make([]byte, 16)), raw("scratch", 64, nil), raw("scratch_fast", 64, nil)
	if again {
		fast = scratch
	}
	x, y, beside := value("x"), value("y"), value("beside")
	g.Ops = []*graph.Op{{Kind: graph.Custom, Version: 1, Attr: graph.CustomAttr{Code: "ethos-u"}, Inputs: []graph.TensorID{stream, constants, scratch, fast, x}, Outputs: []graph.TensorID{y}}}
	g.Inputs, g.Outputs = []graph.TensorID{beside, x}, []graph.TensorID{y, beside}
	plan := []int32{0, 0, 7, -1, -1, 0, 0, 0, 16, -1}
	var b []byte
	for _, v := range plan {
		b = binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	out, err := tflite.WriteModel(&tflite.Model{Graph: g, Metadata: []tflite.Metadata{{Name: "OfflineMemoryAllocation", Data: b}}})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestPlaced: a fast scratch that has the arena's size and offset is told by its use, and
// an input that the operator does not touch goes out as it came in, wherever it lies.
func TestPlaced(t *testing.T) {
	for _, c := range []struct {
		accel string
		by    int
		again bool
		fast  int
	}{
		{"ethos-u65-256", 1, false, 0}, {"ethos-u65-256", 1, true, 0}, {"ethos-u65-256", 2, false, 64}, {"ethos-u55-128", 1, false, 0}, {"ethos-u65-512", 2, false, 64},
	} {
		a, err := ethosu.ParseAccelerator(c.accel)
		if err != nil {
			t.Fatal(err)
		}
		p, err := vela.Read("copy", copying(t, a, c.by, c.again))
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		if p.FastSize != c.fast || p.ArenaSize != 80 || p.Inputs[0].Offset != 64 || p.Outputs[1].Offset != 64 {
			t.Errorf("%+v: %d bytes of fast scratch and %d of arena, the input beside at %d and out at %d", c, p.FastSize, p.ArenaSize, p.Inputs[0].Offset, p.Outputs[1].Offset)
		}
		m, err := runner.NewSimulator(p)
		if err != nil {
			t.Fatalf("%+v: %v", c, err)
		}
		in, out := runner.Buffers(m.Inputs()), runner.Buffers(m.Outputs())
		for i := range in {
			for k := range in[i] {
				in[i][k] = byte(100*i + k)
			}
		}
		if err := m.Invoke(in, out); err != nil || !bytes.Equal(out[0], in[1]) || !bytes.Equal(out[1], in[0]) {
			t.Errorf("%+v: %v, %v, expected %v and %v", c, err, out, in[1], in[0])
		}
	}
}
