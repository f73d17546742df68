// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// compiled is a model compiled by Vela: one ethos-u operator whose inputs are the
// stream, the constants, the arena and the fast scratch.
type compiled struct {
	accel   *ethosu.Accelerator
	words   []uint32
	regions Regions
	in, out []int // offsets of the graph's inputs and outputs in the arena

	variables []variable
}

func readCompiled(t testing.TB, name string) *compiled {
	t.Helper()
	accel, err := ethosu.ParseAccelerator("ethos-" + strings.TrimSuffix(name[strings.LastIndex(name, "-u")+1:], ".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	return compiledFrom(t, accel, name, testdata.ReadShared(t, "data", "models", name))
}

// compiledFrom reads a file with one ethos-u operator for an accelerator.
func compiledFrom(t testing.TB, accel *ethosu.Accelerator, name string, data []byte) *compiled {
	t.Helper()
	m, err := tflite.ReadModel(name, data)
	if err != nil {
		t.Fatal(err)
	}
	g := m.Graph
	op := g.Ops[0]
	if len(g.Ops) != 1 || op.Kind != graph.Custom {
		t.Fatalf("%s has %d operators, expected one CUSTOM", name, len(g.Ops))
	}
	p, err := isa.ParsePayload(g.Tensors[op.Inputs[0]].Data)
	if err != nil {
		t.Fatal(err)
	}
	c := &compiled{words: p.Words, accel: accel}
	if accel.ConfigWord != p.Config {
		t.Errorf("CONFIG word 0x%08X, expected 0x%08X", accel.ConfigWord, p.Config)
	}
	elems := func(i int) int64 { return int64(graph.Elems(g.Tensors[op.Inputs[i]].Shape)) }
	c.regions[0].Content = g.Tensors[op.Inputs[1]].Data
	c.regions[1].Size = elems(2)
	c.regions[2].Size = elems(3)
	offsets := m.Find("OfflineMemoryAllocation")[12:]
	at := func(id int) int { return int(int32(binary.LittleEndian.Uint32(offsets[4*id:]))) }
	for _, id := range g.Inputs {
		c.in = append(c.in, at(int(id)))
	}
	for _, id := range g.Outputs {
		c.out = append(c.out, at(int(id)))
	}
	for _, id := range op.Inputs[4:] {
		if v := g.Tensors[id]; v.Variable {
			c.variables = append(c.variables, variable{at(int(id)), v.Bytes(), zeroPointOf(v)})
		}
	}
	return c
}

// variable is a tensor that keeps its value from call to call and starts at its zero
// point.
type variable struct{ at, size, zero int }

func zeroPointOf(t *graph.Tensor) int {
	if t.Type != graph.Int8 || t.Quant == nil {
		return 0
	}
	return int(t.Quant.ZeroPoints[0])
}

// golden is an io.json file with its data.
type golden struct {
	Count           int
	Inputs, Outputs []struct {
		Name          string
		Index         int
		Bytes, Offset int
	}
	bin []byte
}

func readGolden(t testing.TB, name string) *golden {
	t.Helper()
	return readGoldenIn(t, "models", name)
}

func readGoldenIn(t testing.TB, folder, name string) *golden {
	t.Helper()
	var g golden
	if err := json.Unmarshal(testdata.ReadShared(t, "data", folder, name+".io.json"), &g); err != nil {
		t.Fatal(err)
	}
	g.bin = testdata.ReadShared(t, "data", folder, name+".io.bin")
	return &g
}

func compiledNames(t testing.TB) []string {
	t.Helper()
	files := testdata.Glob(t, "data", "models", "*.vela*.tflite")
	for i, f := range files {
		files[i] = path.Base(f)
	}
	return files
}

// TestCompiledModels runs every stream that Vela compiled, fed as recorded.
func TestCompiledModels(t *testing.T) {
	for _, name := range compiledNames(t) {
		t.Run(name, func(t *testing.T) {
			c := readCompiled(t, name)
			base, _, _ := strings.Cut(name, ".")
			g := readGolden(t, base)
			s, err := Prepare(c.accel, c.words, c.regions)
			if err != nil {
				t.Fatal(err)
			}
			m := s.NewMemory()
			bad, first := map[string]int{}, map[string]string{}
			for n := range g.Count {
				for i, in := range g.Inputs {
					copy(m[1][c.in[i]:], g.bin[in.Offset+n*in.Bytes:][:in.Bytes])
				}
				if err := s.Run(m); err != nil {
					t.Fatal(err)
				}
				for i, out := range g.Outputs {
					want := g.bin[out.Offset+n*out.Bytes:][:out.Bytes]
					if got := m[1][c.out[i]:][:out.Bytes]; !bytes.Equal(got, want) {
						if bad[out.Name]++; bad[out.Name] == 1 {
							first[out.Name] = fmt.Sprintf("inference %d: %s", n, difference(got, want))
						}
					}
				}
			}
			for name, n := range bad {
				t.Errorf("output %q differs in %d of %d inferences from what TFLite computed, at first in %s; TestTraces names the tensor in which it begins, where one was recorded", name, n, g.Count, first[name])
			}
		})
	}
}

// difference says how two values differ: by one is a rounding, by more something else.
func difference(got, want []byte) string {
	n, at, most := 0, -1, 0
	for i := range want {
		d := int(int8(got[i] - want[i]))
		if d == 0 {
			continue
		}
		if n++; at < 0 {
			at = i
		}
		most = max(most, d, -d)
	}
	if at < 0 {
		return "no difference"
	}
	hint := "more than a rounding: a scale, a zero point, an address"
	if most == 1 {
		hint = "no byte by more than one: a rounding (round.go, stage.go; docs/numerics.md)"
	}
	return fmt.Sprintf("%d of %d bytes, the first is byte %d, %d instead of %d; %s", n, len(want), at, int8(got[at]), int8(want[at]), hint)
}
