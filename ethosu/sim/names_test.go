// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TestNamesOfPlaces: the tensor that lives at a place while an operation runs, or the first
// that ever does; the output of an operation by its word.
func TestNamesOfPlaces(t *testing.T) {
	s := &ethosu.Stage{
		Ops: []ethosu.OpInfo{{Word: 10, OFM: "a"}, {Word: 20, OFM: "b"}, {Word: 30, OFM: "c"}},
		Map: []ethosu.Placement{
			{Name: "early", Region: 1, Offset: 0, Size: 16, First: 0, Last: 0},
			{Name: "late", Region: 1, Offset: 0, Size: 32, First: 1, Last: 2},
			{Name: "constant", Region: 0, Offset: 0, Size: 64, First: 0, Last: 2},
			{Name: "last", Region: 1, Offset: 32, Size: 16, First: 2, Last: 2},
			{Name: "other", Region: 1, Offset: 32, Size: 16, First: 1, Last: 1},
		},
	}
	name := TensorNames(s)
	for _, c := range []struct {
		word, region int
		at           int64
		want         string
	}{
		{10, 1, 0, "early"}, {10, 1, 15, "early"}, {10, 1, 16, "late"}, {9, 1, 15, "early"},
		{11, 1, 0, "late"}, {20, 1, 0, "late"}, {30, 1, 31, "late"},
		{20, 1, 32, "other"}, {30, 1, 32, "last"}, {10, 1, 32, "last"}, {10, 1, 47, "last"}, {10, 1, 48, ""},
		{10, 0, 0, "constant"}, {30, 0, 63, "constant"}, {30, 0, 64, ""}, {30, 0, -1, ""}, {10, 2, 0, ""}, {31, 1, 0, "early"},
	} {
		if got := name(c.word, isa.Span{Region: c.region, Start: c.at, End: c.at + 100}); got != c.want {
			t.Errorf("byte %d of region %d at word %d is of %q, expected %q", c.at, c.region, c.word, got, c.want)
		}
	}
	output := OutputNames(s)
	for word, want := range map[int]string{9: "", 10: "a", 11: "", 20: "b", 29: "", 30: "c", 31: ""} {
		if got := output(word); got != want {
			t.Errorf("the output at word %d is %q, expected %q", word, got, want)
		}
	}
}

// TestNamesOfCauses: every cause has its own name, and what is none has its number.
func TestNamesOfCauses(t *testing.T) {
	want := map[Cause]string{BadCommand: "bad command", UnsetRegister: "unset register", OutsideRegion: "outside region", Misaligned: "misaligned", ReadOnly: "read-only region",
		IllegalBlock: "illegal block", SHRAMOverlap: "SHRAM overlap", TableMissing: "table missing", CorruptWeights: "corrupt weights", WeightCount: "weight count",
		Contradiction: "contradiction", Unknown: "unknown behaviour", Overflow: "overflow", TooMuchWork: "too much work", Race: "race", Race + 1: "Cause(15)"}
	for c, name := range want {
		if c.String() != name {
			t.Errorf("cause %d is %q, expected %q", c, c, name)
		}
	}
	if len(want) != len(causes)+1 {
		t.Errorf("%d names, expected %d", len(causes), len(want)-1)
	}
	f := &Fault{Cause: Race, Word: 7, Op: 0, Name: "NPU_OP_POOL", Tensor: "h", Detail: "text"}
	if got := f.Error(); got != `word 7, operation 0 NPU_OP_POOL, tensor "h": race: text` {
		t.Error(got)
	}
	f = &Fault{Word: 7, Op: -1, Detail: "text"}
	if got := f.Error(); got != "word 7: bad command: text" {
		t.Error(got)
	}
}
