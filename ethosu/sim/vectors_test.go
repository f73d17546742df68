// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/testdata"
)

// vectorTensor is a value in the vector files.
type vectorTensor struct {
	Name  string
	Dtype string
	Data  []float64
}

func (v *vectorTensor) bytes(t *testing.T) []byte {
	t.Helper()
	var b []byte
	for _, x := range v.Data {
		switch v.Dtype {
		case "int8", "uint8":
			b = append(b, byte(int64(x)))
		case "int16":
			b = binary.LittleEndian.AppendUint16(b, uint16(int16(x)))
		case "int32":
			b = binary.LittleEndian.AppendUint32(b, uint32(int32(x)))
		default:
			t.Fatalf("dtype %q", v.Dtype)
		}
	}
	return b
}

// vectorStream is a stream compiled by Vela 3.10 with the place of its tensors.
type vectorStream struct {
	Commands      []uint32
	FlashHex      string `json:"flash_hex"`
	FlashRegion   int    `json:"flash_region"`
	ScratchRegion int    `json:"scratch_region"`
	ScratchSize   int64  `json:"scratch_size"`
	Inputs        []struct {
		Name    string
		Address int
	}
	Outputs []struct {
		Name    string
		Address int
	}
	State []struct { // hidden state, then cell state
		Name    string
		Address int
	}
}

func (s *vectorStream) prepare(t *testing.T) (*Sim, Memory) {
	t.Helper()
	flash, err := hex.DecodeString(s.FlashHex)
	if err != nil {
		t.Fatal(err)
	}
	var r Regions
	r[s.FlashRegion].Content = flash
	r[s.ScratchRegion].Size = s.ScratchSize
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	sim, err := Prepare(accel, s.Commands, r)
	if err != nil {
		t.Fatal(err)
	}
	m := sim.NewMemory()
	for i := range m[s.ScratchRegion] {
		m[s.ScratchRegion][i] = 0xA5 // whatever was there before
	}
	return sim, m
}

func TestVectorStreams(t *testing.T) {
	streams := 0
	for _, file := range []string{"ops-int8.json", "softmax-int8.json", "lstm-int8.json"} {
		var f struct {
			Cases []struct {
				Op              string
				Inputs, Outputs []vectorTensor
				Stream          *vectorStream `json:"npu_stream"`
				Params          struct {
					Hidden   int
					HiddenZP int8 `json:"hidden_zp"`
				}
			}
		}
		if err := json.Unmarshal(testdata.ReadShared(t, "data", "vectors", file), &f); err != nil {
			t.Fatal(err)
		}
		for i, c := range f.Cases {
			if c.Stream == nil {
				continue
			}
			streams++
			t.Run(fmt.Sprintf("%s/%d_%s", file, i, c.Op), func(t *testing.T) {
				sim, m := c.Stream.prepare(t)
				arena := m[c.Stream.ScratchRegion]
				for _, st := range c.Stream.State {
					n, v := 2*c.Params.Hidden, int8(0)
					if strings.HasPrefix(st.Name, "hidden") {
						n, v = c.Params.Hidden, c.Params.HiddenZP
					}
					for i := range n {
						arena[st.Address+i] = byte(v)
					}
				}
				for _, in := range c.Stream.Inputs {
					copy(arena[in.Address:], c.Inputs[map[string]int{"x": 0, "a": 0, "b": 1}[in.Name]].bytes(t))
				}
				if err := sim.Run(m); err != nil {
					t.Fatal(err)
				}
				for i := range c.Outputs {
					want := c.Outputs[i].bytes(t)
					got := arena[c.Stream.Outputs[i].Address:][:len(want)]
					if !bytes.Equal(got, want) {
						t.Errorf("%s: output %d differs from the recorded one in %s", c.Op, i, difference(got, want))
					}
				}
			})
		}
	}
	if streams != 46 {
		t.Errorf("%d streams of single operators, expected 46", streams)
	}
}

// TestVectorModels runs the two unrolled GRUs with softmax.
func TestVectorModels(t *testing.T) {
	var f struct {
		Models []struct {
			Mode   string
			Stream vectorStream `json:"npu_stream"`
			Runs   []struct{ Inputs, Outputs map[string][]float64 }
		}
	}
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "vectors", "ops-int8.json"), &f); err != nil {
		t.Fatal(err)
	}
	if len(f.Models) != 2 {
		t.Fatalf("%d models, expected 2", len(f.Models))
	}
	for _, model := range f.Models {
		sim, m := model.Stream.prepare(t)
		arena := m[model.Stream.ScratchRegion]
		for i, run := range model.Runs {
			for _, in := range model.Stream.Inputs {
				v := vectorTensor{Dtype: "int8", Data: run.Inputs[in.Name]}
				copy(arena[in.Address:], v.bytes(t))
			}
			if err := sim.Run(m); err != nil {
				t.Fatal(err)
			}
			for _, out := range model.Stream.Outputs {
				v := vectorTensor{Dtype: "int8", Data: run.Outputs[out.Name]}
				want := v.bytes(t)
				if got := arena[out.Address:][:len(want)]; !bytes.Equal(got, want) {
					t.Errorf("%s run %d: %s differs from the recorded one in %s", model.Mode, i, out.Name, difference(got, want))
				}
			}
		}
	}
}
