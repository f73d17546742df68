// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// number is a JSON number, or a truth value as 0 or 1.
type number float64

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(b []byte) error {
	switch string(b) {
	case "true":
		*n = 1
		return nil
	case "false":
		*n = 0
		return nil
	}
	return json.Unmarshal(b, (*float64)(n))
}

// operatorCase is one operator with the values of some calls, which keep its variables.
type operatorCase struct {
	ID              string
	Inputs, Outputs []operatorValue
	Calls           []struct{ Inputs, Outputs []operatorValue }
	TFLite          string
}

type operatorValue struct{ Data []number }

// raw returns a value as the little-endian bytes of a type.
func (v *operatorValue) raw(t graph.DType) []byte {
	b := []byte{}
	for _, x := range v.Data {
		if t == graph.Float32 {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
		} else {
			b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(int64(x)))[:t.Size()]...)
		}
	}
	return b
}

func operatorCases(t testing.TB) []*operatorCase {
	var file struct{ Cases []*operatorCase }
	if err := json.Unmarshal(testdata.ReadShared(t, "data/operators/ops2.json"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 1000 {
		t.Fatalf("%d cases, expected more than 1000", len(file.Cases))
	}
	for _, c := range file.Cases {
		if len(c.Calls) == 0 {
			c.Calls = append(c.Calls, struct{ Inputs, Outputs []operatorValue }{c.Inputs, c.Outputs})
		}
	}
	return file.Cases
}

// TestOperators executes every operator that TensorFlow Lite Micro recorded, call by call,
// and compares all bytes. Whatever the reader takes is executed.
func TestOperators(t *testing.T) {
	executed := 0
	for _, c := range operatorCases(t) {
		data, err := base64.StdEncoding.DecodeString(c.TFLite)
		if err != nil {
			t.Fatal(err)
		}
		g, err := tflite.Read(c.ID, data)
		if err != nil {
			continue // the reader's own tests say which
		}
		it, err := New(g)
		if err != nil {
			t.Errorf("%s: %v", c.ID, err)
			continue
		}
		executed++
		for n, call := range c.Calls {
			for i := range call.Inputs {
				if err := it.Feed(i, call.Inputs[i].raw(g.Tensors[g.Inputs[i]].Type)); err != nil {
					t.Fatalf("%s: %v", c.ID, err)
				}
			}
			if err := it.Invoke(); err != nil {
				t.Fatalf("%s: %v", c.ID, err)
			}
			for i := range call.Outputs {
				want := call.Outputs[i].raw(g.Tensors[g.Outputs[i]].Type)
				if at := firstDifference(it.Output(i), want); at >= 0 {
					t.Errorf("%s: call %d: output %d differs first at byte %d of %d", c.ID, n, i, at, len(want))
				}
			}
		}
	}
	if executed < 800 {
		t.Errorf("%d cases were executed, expected at least 800", executed)
	}
}
