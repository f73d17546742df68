// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/sim"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// model is a network with recorded inferences of the reference interpreter.
type model struct{ name, io string }

var models = []model{
	{"gru16_t4", "gru16_t4"}, {"gru32x40_stream", "gru32x40_stream"}, {"hello_world_int8", "hello_world_int8"},
	{"rnn64_mnist", "rnn64_mnist"}, {"lstm64_mnist_state", "lstm64_mnist_state"}, {"rnnoise_int8", "rnnoise_int8_published"},
	{"tflm_mnist_lstm20_int8", "tflm_mnist_lstm20_int8"}, {"gru256_mnist", "gru256_mnist"}, {"gru256_mnist_state", "gru256_mnist_state"},
}

type recorded struct {
	Count           int
	Inputs, Outputs []struct {
		Name          string
		Bytes, Offset int
	}
}

func readModel(t testing.TB, m model) (*graph.Graph, recorded, []byte) {
	t.Helper()
	g, err := tflite.Read(m.name, testdata.ReadShared(t, "data", "models", m.name+".tflite"))
	if err != nil {
		t.Fatal(err)
	}
	var r recorded
	if err := json.Unmarshal(testdata.ReadShared(t, "data", "models", m.io+".io.json"), &r); err != nil {
		t.Fatal(err)
	}
	return g, r, testdata.ReadShared(t, "data", "models", m.io+".io.bin")
}

// config is a compile target.
type config struct{ accel, system, mode string }

func (c config) options(t testing.TB) compile.Options {
	t.Helper()
	a, err := ethosu.ParseAccelerator(c.accel)
	if err != nil {
		t.Fatal(err)
	}
	o := compile.Options{Accel: a, System: ethosu.DefaultSystemConfig(a), Mode: ethosu.DefaultMemoryMode(), After: compile.State.Check}
	if c.system != "" {
		if o.System, err = ethosu.ParseSystemConfig(c.system); err != nil {
			t.Fatal(err)
		}
	}
	if c.mode != "" {
		if o.Mode, err = ethosu.ParseMemoryMode(c.mode); err != nil {
			t.Fatal(err)
		}
	}
	return o
}

var configs = []config{
	{"ethos-u55-128", "", ""},
	{"ethos-u55-32", "", ""},
	{"ethos-u55-64", "", "Sram_Only"},
	{"ethos-u55-256", "Ethos_U55_Deep_Embedded", ""},
	{"ethos-u65-256", "", "Dedicated_Sram"},
	{"ethos-u65-512", "", ""},
	{"ethos-u65-512", "", "Dedicated_Sram_512KB"},
	{"ethos-u55-128", "", "Sram_Only"},
}

var configsU85 = []config{
	{"ethos-u85-256", "", ""},
	{"ethos-u85-128", "", "Dedicated_Sram"},
	{"ethos-u85-512", "", "Sram_Only"},
	{"ethos-u85-1024", "Ethos_U85_SYS_DRAM_Mid", "Dedicated_Sram"},
	{"ethos-u85-2048", "Ethos_U85_SYS_DRAM_High", ""},
	{"ethos-u85-256", "Ethos_U85_SYS_Flash_High", ""},
	{"ethos-u85-128", "Ethos_U85_SYS_Flash_Low", "Sram_Only"},
	{"ethos-u85-1024", "", "Dedicated_Sram_512KB"},
}

// objections returns what the verifier has to say of a program, and what it leaves
// unproven.
func objections(p *ethosu.Program) []verify.Finding { return verify.Program(p).All() }

// TestModels runs every model that has recorded inferences on the simulator.
func TestModels(t *testing.T) { testModels(t, configs) }

var every = flag.Bool("every", false, "run TestModelsU85 on every accelerator in every memory mode")

// TestModelsU85 is TestModels for the Ethos-U85.
func TestModelsU85(t *testing.T) {
	list := configsU85
	if *every {
		list = nil
		for _, a := range ethosu.Of(ethosu.U85) {
			for _, mode := range []string{"Sram_Only", "Shared_Sram", "Dedicated_Sram"} {
				list = append(list, config{a.Name, "", mode})
			}
		}
	}
	testModels(t, list)
}

func testModels(t *testing.T, configs []config) {
	for _, m := range models {
		t.Run(m.name, func(t *testing.T) {
			g, rec, data := readModel(t, m)
			for i, c := range configs {
				if i > 0 && testing.Short() {
					break
				}
				t.Run(strings.TrimSuffix(c.accel+"/"+c.mode, "/"), func(t *testing.T) {
					p, err := compile.Compile(g, c.options(t))
					if err != nil {
						t.Fatal(err)
					}
					t.Logf("%d ops, stream %d B, constants %d B, arena %d B, fast %d B", len(p.Stages[0].Ops), len(p.Stages[0].Commands)*4, len(p.Constants), p.ArenaSize, p.FastSize)
					if f := objections(p); len(f) > 0 {
						t.Errorf("%d findings, the first: %v", len(f), f[0])
					}
					if err := replay(p, rec, data); err != nil {
						t.Error(err)
					}
				})
			}
		})
	}
}

// replay feeds every recorded inference from poisoned memory and compares the outputs.
func replay(p *ethosu.Program, rec recorded, data []byte) error {
	s, err := sim.PrepareStage(p, &p.Stages[0])
	if err != nil {
		return err
	}
	// The verifier and the simulator judge waits and BLOCKDEP by rules of their own.
	if r := s.Races(); len(r) > 0 {
		return fmt.Errorf("%d races, the first: %v", len(r), r[0])
	}
	mem := s.NewMemory()
	poison := func() {
		for r := range mem {
			if r == ethosu.RegionConstants {
				continue
			}
			for i := range mem[r] {
				mem[r][i] = 0xa5
			}
		}
	}
	variables := make([][]byte, len(p.Variables))
	for i, v := range p.Variables {
		variables[i] = make([]byte, v.Size)
		fill(variables[i], v)
	}
	for n := 0; n < rec.Count; n++ {
		poison()
		for i, v := range p.Variables {
			copy(mem[v.Region][v.Offset:], variables[i])
		}
		for i, b := range p.Inputs {
			x := rec.Inputs[i]
			copy(mem[b.Region][b.Offset:b.Offset+b.Size], data[x.Offset+n*x.Bytes:])
		}
		if err := s.Run(mem); err != nil {
			return err
		}
		for i, v := range p.Variables {
			copy(variables[i], mem[v.Region][v.Offset:])
		}
		for i, b := range p.Outputs {
			x := rec.Outputs[i]
			want := data[x.Offset+n*x.Bytes : x.Offset+(n+1)*x.Bytes]
			if got := mem[b.Region][b.Offset : b.Offset+b.Size]; !bytes.Equal(got, want) {
				return fmt.Errorf("inference %d, output %q:\n got %d\nwant %d", n, b.Name, int8s(got), int8s(want))
			}
		}
	}
	return nil
}

// fill sets a value to its zero point.
func fill(b []byte, v ethosu.Binding) {
	zp := uint32(v.Quant.ZeroPoints[0])
	for i := range b {
		b[i] = byte(zp >> (8 * (i % v.Type.Size())))
	}
}

func int8s(b []byte) []int8 {
	v := make([]int8, len(b))
	for i, x := range b {
		v[i] = int8(x)
	}
	return v
}
