// SPDX-License-Identifier: Apache-2.0

package vectors

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/testdata"
)

// Case is one operator with recorded inputs and outputs. The graph's inputs
// and outputs are in the order of Inputs and Outputs.
type Case struct {
	Index           int // in the file
	Op              string
	Graph           *graph.Graph
	Inputs, Outputs [][]byte

	// FinalCell is the int16 cell state after an LSTM, else nil.
	FinalCell []int16

	// NPUStream is the recorded stream of Vela for the case, or nil.
	NPUStream json.RawMessage
}

func (c *Case) String() string { return fmt.Sprintf("case %d %s", c.Index, c.Op) }

// Load reads a file of ../shared/data/vectors or skips the test.
func Load(t testing.TB, file string) []*Case {
	t.Helper()
	var content struct{ Cases []rawCase }
	if err := json.Unmarshal(testdata.ReadShared(t, "data/vectors/"+file), &content); err != nil {
		t.Fatal(err)
	}
	if len(content.Cases) == 0 {
		t.Fatalf("%s holds no cases", file)
	}
	var cases []*Case
	for i, r := range content.Cases {
		c, err := r.build()
		if err != nil {
			t.Fatalf("%s: case %d %s: %v", file, i, r.Op, err)
		}
		c.Index = i
		cases = append(cases, c)
	}
	return cases
}

type rawTensor struct {
	Shape []int
	DType string
	Data  []float64
}

type rawCase struct {
	Op              string
	Params          params
	Inputs, Outputs []rawTensor
	NPUStream       json.RawMessage `json:"npu_stream"`
}

var dtypes = map[string]graph.DType{
	"int8": graph.Int8, "int16": graph.Int16, "int32": graph.Int32, "int64": graph.Int64, "float32": graph.Float32,
}

// Encode writes numbers as little-endian elements of a type.
func Encode(d graph.DType, values []float64) []byte {
	b := []byte{}
	for _, v := range values {
		switch d {
		case graph.Int8:
			b = append(b, byte(int8(v)))
		case graph.Int16:
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(v)))
		case graph.Int32:
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(v)))
		case graph.Int64:
			b = binary.LittleEndian.AppendUint64(b, uint64(int64(v)))
		case graph.Float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(v)))
		}
	}
	return b
}
