// SPDX-License-Identifier: Apache-2.0

package weights_test

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/ethosu/weights"
	"github.com/unroll-npu/unroll/testdata"
)

// Real weights: no stream of a model that Vela 3.10 or 5.1 compiled may be shorter
// than ours for the same weights.
func TestEncodeModels(t *testing.T) {
	seen := map[string]bool{}
	for _, f := range testdata.Glob(t, "data", "models", "*.vela*-u55-128.tflite") {
		p, err := vela.Read(f, testdata.ReadShared(t, f))
		if err != nil {
			t.Fatal(err)
		}
		err = isa.Walk(p.Stages[0].Commands, func(o *isa.Operation) error {
			if !o.HasWeights() {
				return nil
			}
			s := o.Weights(0)
			theirs := p.Constants[s.Start:s.End]
			if seen[string(theirs)] {
				return nil
			}
			seen[string(theirs)] = true
			list, err := weights.Decode(theirs)
			if err != nil {
				return err
			}
			ours, err := weights.Encode(list)
			if err != nil {
				return err
			}
			if len(ours) > len(theirs) {
				t.Errorf("%s, stream at %d: %d weights in %d bytes, Vela needs %d", p.Name, s.Start, len(list), len(ours), len(theirs))
			}
			return nil
		})
		if err != nil {
			t.Fatalf("%s: %v", f, err)
		}
	}
	if len(seen) < 18 { // what the project has itself
		t.Errorf("%d different streams, want at least 18", len(seen))
	}
}
