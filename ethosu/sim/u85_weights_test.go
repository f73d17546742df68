// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/testdata"
)

// weightVectors are weights with the bytes and the order that Vela 5.1 gives them.
type weightVectors struct {
	FWD []struct {
		Name    string
		Weights []int16
		Encoded string
	}
	Order []struct {
		Name, Traversal string
		MACs            int
		UBlock          int    `json:"ofm_ublock_depth"`
		Block           int    `json:"ofm_block_depth"`
		Bits            int    `json:"ifm_bits"`
		Stride          [2]int `json:"stride_yx"`
		Dilation        [2]int `json:"dilation_yx"`
		Sparse          bool
		OHWI            [4]int
		Weights         []int16
		Expected        [][]int16
		ExpectedFWD     []int16 `json:"expected_fwd"`
	}
}

func readWeightVectors(t *testing.T) *weightVectors {
	t.Helper()
	var v weightVectors
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "u85", "weight-stream-u85.json"), &v); err != nil {
		t.Fatal(err)
	}
	return &v
}

// TestFastDecoderU85 reads what Vela's encoder for the fast decoder writes.
func TestFastDecoderU85(t *testing.T) {
	vectors := readWeightVectors(t).FWD
	if len(vectors) != 40 {
		t.Fatalf("%d streams, expected 40", len(vectors))
	}
	for _, v := range vectors {
		stream, err := hex.DecodeString(v.Encoded)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeFast(stream, len(v.Weights))
		if err != nil || !slices.Equal(got, v.Weights) {
			t.Errorf("%s: %d weights, %v; expected those of the file", v.Name, len(got), err)
		}
		if _, err := decodeFast(stream, len(v.Weights)+128); err == nil {
			t.Errorf("%s: 128 weights more are not noticed", v.Name)
		}
		for _, n := range []int{0, 16, len(stream) - 32} {
			if _, err := decodeFast(stream[:n], len(v.Weights)); err == nil {
				t.Errorf("%s: %d of %d bytes are not noticed", v.Name, n, len(stream))
			}
		}
		if stream[5] = 1; err == nil {
			if _, err := decodeFast(stream, len(v.Weights)); err == nil {
				t.Errorf("%s: a reserved bit is not noticed", v.Name)
			}
		}
	}
}

// TestWeightOrderU85 puts the lists of Vela's encoder back into their places.
func TestWeightOrderU85(t *testing.T) {
	vectors := readWeightVectors(t).Order
	if len(vectors) != 70 {
		t.Fatalf("%d orders, expected 70", len(vectors))
	}
	fast := 0
	for _, v := range vectors {
		accel := accelerator(t, fmt.Sprintf("ethos-u85-%d", v.MACs))
		k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpConv, D: v.Block, Sparse: v.Sparse}}
		k.OFM.C, k.IFM.C, k.IFM.Type = v.OHWI[0], v.OHWI[3], isa.DType{Signed: true, Bits: v.Bits}
		k.Window = isa.Kernel{H: v.OHWI[1], W: v.OHWI[2], StrideY: v.Stride[0], StrideX: v.Stride[1], DilationY: v.Dilation[0], DilationX: v.Dilation[1], PartKernelFirst: v.Traversal == "pk"}
		if v.Traversal == "dw" {
			k.Op, k.IFM.C = isa.OpDepthwise, k.OFM.C
		}
		s := &streamsU85{order: newOrderU85(accel, k, &ethosu.MicroBlock{D: v.UBlock}), sparse: v.Sparse}
		check := func(how string, lists [][]int16) {
			m, err := s.matrix(lists)
			if err != nil {
				t.Errorf("%s %s: %v", v.Name, how, err)
				return
			}
			for o := range m.rows {
				if !slices.Equal(m.w[o*m.stride:][:m.n], v.Weights[o*m.n:][:m.n]) {
					t.Errorf("%s %s: weights of output channel %d differ", v.Name, how, o)
					return
				}
			}
		}
		for core, list := range v.Expected {
			if len(list) != s.order.volume() {
				t.Errorf("%s: %d weights of core %d, expected %d", v.Name, s.order.volume(), core, len(list))
			}
		}
		check("standard", v.Expected)
		if v.ExpectedFWD != nil {
			fast++
			check("fast", s.deal(v.ExpectedFWD))
		}
	}
	if fast == 0 {
		t.Error("no order of the fast decoder")
	}
}

// TestSparsityU85: a stream that says it is sparse must be so, and what pads must be 0.
func TestSparsityU85(t *testing.T) {
	accel := accelerator(t, "ethos-u85-256")
	k := &kernelU85{KernelU85: &isa.KernelU85{Op: isa.OpConv, D: 16, Sparse: true, Window: pointWindow}}
	k.OFM.C, k.IFM.C, k.IFM.Type = 8, 20, s8
	s := &streamsU85{order: newOrderU85(accel, k, &ethosu.MicroBlock{D: 8}), sparse: true}
	list := make([]int16, s.order.volume())
	for i := 0; i < 16; i += 4 {
		list[i], list[i+3] = 5, -5
	}
	if _, err := s.matrix([][]int16{list}); err != nil {
		t.Error(err)
	}
	list[1] = 1
	if _, err := s.matrix([][]int16{list}); err == nil {
		t.Error("three of four weights are not zero, which is not noticed")
	}
	list[1], list[len(list)-1] = 0, 1
	if _, err := s.matrix([][]int16{list}); err == nil {
		t.Error("a weight of padding is not zero, which is not noticed")
	}
}
