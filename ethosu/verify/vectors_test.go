// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/testdata"
)

// The small streams that came with the arithmetic vectors are clean, too. What of
// the arena the inputs define is not said there, so all of it is.
func TestVectorStreams(t *testing.T) {
	a, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range []string{"ops-int8.json", "softmax-int8.json", "lstm-int8.json"} {
		type holder struct {
			Stream *struct {
				Commands      []uint32
				FlashHex      string `json:"flash_hex"`
				FlashRegion   int    `json:"flash_region"`
				ScratchRegion int    `json:"scratch_region"`
				ScratchSize   int64  `json:"scratch_size"`
			} `json:"npu_stream"`
		}
		var f struct{ Cases, Models []holder }
		if err := json.Unmarshal(testdata.ReadShared(t, "data", "vectors", file), &f); err != nil {
			t.Fatal(err)
		}
		for i, c := range append(f.Cases, f.Models...) {
			s := c.Stream
			if s == nil {
				continue
			}
			n++
			flash, err := hex.DecodeString(s.FlashHex)
			if err != nil {
				t.Fatal(err)
			}
			var r Regions
			r[s.FlashRegion] = Region{Size: int64(len(flash)), Constant: true, Content: flash}
			r[s.ScratchRegion] = Region{Size: s.ScratchSize, Defined: []Range{{0, s.ScratchSize}}}
			for _, finding := range Stream(a, s.Commands, r).All() {
				t.Errorf("%s %d: %v", file, i, finding)
			}
		}
	}
	if n != 48 {
		t.Errorf("%d streams, want 48", n)
	}
}
