// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/binary"
	"path"
	"testing"

	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/testdata"
)

// Streams whose weight ranges take in bytes that were copied by another transfer, or
// by none, or hold a feature map.
func TestWeightRanges(t *testing.T) {
	read := func(name string) []byte { return testdata.ReadShared(t, "data", "cases", "verify", name) }
	for _, file := range testdata.Glob(t, "data", "cases", "verify", "*.words") {
		p, err := vela.Read("ours55", read("ours55.npu.tflite"))
		if err != nil {
			t.Fatal(err)
		}
		if f := Program(p).All(); len(f) > 0 {
			t.Fatalf("before the damage: %v", f)
		}
		b := read(path.Base(file))
		words := make([]uint32, len(b)/4)
		for i := range words {
			words[i] = binary.LittleEndian.Uint32(b[4*i:])
		}
		p.Stages[0].Commands = words
		p.Stages[0].Ops, p.Stages[0].Map = nil, nil // which tell it, too
		if r := Program(p); len(r.Findings) == 0 || r.Findings[0].Rule != RuleWeights {
			t.Errorf("%s: %v, expected a finding on weights", path.Base(file), r)
		}
	}
	p, err := vela.Read("longer", read("weight_length_plus16_0.npu.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	p.Stages[0].Ops, p.Stages[0].Map = nil, nil
	if r := Program(p); len(r.Findings) == 0 || r.Findings[0].Rule != RuleWeights {
		t.Errorf("a weight stream with 16 bytes more: %v, expected a finding on weights", r)
	}
}
