// SPDX-License-Identifier: Apache-2.0

package operators_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"math"
	"regexp"
	"slices"
	"sort"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/cpu"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// vector is one recorded operator: a model with the values of some calls.
type vector struct {
	Op, ID          string
	Params          map[string]json.RawMessage
	Inputs, Outputs []value
	Calls           []struct{ Inputs, Outputs []value }
	TFLite          string
}

type value struct {
	Role, DType string
	Data        []number
}

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

var types = map[string]graph.DType{"int8": graph.Int8, "int16": graph.Int16, "int32": graph.Int32, "int64": graph.Int64,
	"uint8": graph.Uint8, "float32": graph.Float32, "bool": graph.Bool}

// raw returns a value as little-endian bytes.
func (v *value) raw() []byte {
	b := []byte{}
	for _, x := range v.Data {
		switch d := types[v.DType]; {
		case d == graph.Float32:
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(float32(x)))
		default:
			b = append(b, binary.LittleEndian.AppendUint64(nil, uint64(int64(x)))[:d.Size()]...)
		}
	}
	return b
}

// TestVectors runs every recorded operator through the interpreter and, where the
// compiler takes it, through the simulator. What is refused is a golden list.
func TestVectors(t *testing.T) {
	var file struct{ Cases []*vector }
	if err := json.Unmarshal(testdata.ReadShared(t, "data/operators/ops2.json"), &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Cases) < 1000 {
		t.Fatalf("%d cases, expected more than 1000", len(file.Cases))
	}
	rows := map[string]*tally{}
	for _, c := range file.Cases {
		var dtype string
		if err := json.Unmarshal(c.Params["dtype"], &dtype); err != nil {
			t.Fatal(err)
		}
		name := c.Op + " " + dtype
		if rows[name] == nil {
			rows[name] = &tally{reasons: map[string]int{}}
		}
		c.run(t, rows[name])
	}
	var names []string
	for n := range rows {
		names = append(names, n)
	}
	sort.Strings(names)
	var text strings.Builder
	fmt.Fprintln(&text, "Recorded operators of TFLite Micro: cases, equal in the interpreter, equal on the NPU, equal on the CPU,\nand why the others are refused, by the CPU where the NPU refuses them, too.")
	for _, n := range names {
		fmt.Fprintf(&text, "\n%-28s %3d %3d %3d %3d\n", n, rows[n].cases, rows[n].reference, rows[n].npu, rows[n].cpu)
		var reasons []string
		for r := range rows[n].reasons {
			reasons = append(reasons, r)
		}
		sort.Strings(reasons)
		for _, r := range reasons {
			fmt.Fprintf(&text, "%10d: %s\n", rows[n].reasons[r], r)
		}
	}
	testdata.Recorded(t, "vectors.txt", text.String(), *update)
}

type tally struct {
	cases, reference, npu, cpu int
	reasons                    map[string]int
}

// particulars are what differs between two cases that are refused for one reason.
var particulars = regexp.MustCompile(`"[^"]*"|[-+]?\d+(\.\d+)?(e[-+]\d+)?`)

func (y *tally) refuse(where string, err error) {
	first, _, _ := strings.Cut(err.Error(), "\n")
	y.reasons[where+": "+particulars.ReplaceAllStringFunc(first, func(s string) string {
		if s[0] == '"' {
			return `"…"`
		}
		return "#"
	})]++
}

func (c *vector) run(t *testing.T, y *tally) {
	y.cases++
	file, err := base64.StdEncoding.DecodeString(c.TFLite)
	if err != nil {
		t.Fatal(err)
	}
	g, err := tflite.Read(c.ID, file)
	if err != nil {
		y.refuse("file", err)
		return
	}
	if len(c.Calls) == 0 {
		c.Calls = append(c.Calls, struct{ Inputs, Outputs []value }{c.Inputs, c.Outputs})
	}
	if m, err := runner.NewReference(g); err != nil {
		y.refuse("interpreter", err)
	} else if c.equal(t, "interpreter", g, m) {
		y.reference++
	}
	m, kernelErr := newKernel(g)
	if kernelErr == nil && c.equal(t, "CPU", g, m) {
		y.cpu++
	}
	for i, name := range accelerators {
		refusalsOnly := i > 0 && testing.Short() // vectors.txt has those of the U85
		if refusalsOnly && !strings.HasPrefix(name, "ethos-u85") {
			continue
		}
		accel, err := ethosu.ParseAccelerator(name)
		if err != nil {
			t.Fatal(err)
		}
		p, err := compile.Compile(g, compile.Options{Accel: accel, NPUOnly: true})
		if err != nil {
			if i == 0 {
				y.refuse("NPU", err)
				if kernelErr != nil {
					y.refuse("CPU", kernelErr)
				}
				return
			}
			if strings.HasPrefix(name, "ethos-u85") && strings.Contains(err.Error(), "which the Ethos-U85 cannot have") {
				y.refuse("Ethos-U85", err)
				continue
			}
			t.Errorf("%s: %s refuses what %s takes: %v", c.ID, name, accelerators[0], err)
			continue
		}
		if refusalsOnly {
			continue
		}
		m, err := runner.NewSimulator(p)
		if err != nil {
			t.Errorf("%s: %s: %v", c.ID, name, err)
		} else if c.equal(t, name, g, m) && i == 0 {
			y.npu++
		}
		if y.cases%4 != 1 {
			break // the others run every fourth case
		}
	}
}

// kernel is a graph of one operator on the CPU.
type kernel struct {
	runner.Model // of the interpreter, which says what goes in and out
	k            *cpu.Kernel
}

func newKernel(g *graph.Graph) (*kernel, error) {
	if len(g.Ops) != 1 {
		return nil, fmt.Errorf("%d operators, expected one", len(g.Ops))
	}
	alone, _ := g.Alone(0)
	k, err := cpu.New(alone)
	if err != nil {
		return nil, err
	}
	m, err := runner.NewReference(g)
	return &kernel{m, k}, err
}

// Invoke implements runner.Model.
func (k *kernel) Invoke(in, out [][]byte) error {
	k.k.Run(in, out)
	return nil
}

// accelerators differ in what they keep: the first has banks for tables, the second
// loses tables to accumulators, the third has another memory behind.
var accelerators = []string{"ethos-u55-128", "ethos-u55-32", "ethos-u65-512", "ethos-u85-256"}

// equal runs the calls of a case on a model and compares all outputs.
func (c *vector) equal(t *testing.T, where string, g *graph.Graph, m runner.Model) bool {
	in, out := runner.Buffers(m.Inputs()), runner.Buffers(m.Outputs())
	m.Reset()
	for k, call := range c.Calls {
		for i, x := range m.Inputs() {
			at := slices.IndexFunc(call.Inputs, func(v value) bool { return v.Role == x.Name })
			if at < 0 {
				t.Errorf("%s: no values for input %q", c.ID, x.Name)
				return false
			}
			in[i] = call.Inputs[at].raw()
		}
		if err := m.Invoke(in, out); err != nil {
			t.Errorf("%s: %s: %v", c.ID, where, err)
			return false
		}
		for i, x := range m.Outputs() {
			at := slices.IndexFunc(call.Outputs, func(v value) bool { return v.Role == x.Name })
			if at < 0 {
				t.Errorf("%s: no values for output %q", c.ID, x.Name)
				return false
			}
			if want := call.Outputs[at].raw(); !bytes.Equal(out[i], want) {
				n := 0
				for n < min(len(out[i]), len(want)) && out[i][n] == want[n] {
					n++
				}
				t.Errorf("%s: %s: call %d: output %q differs first at byte %d of %d: %d, expected %d", c.ID, where, k, x.Name, n, len(want), out[i][n:min(n+4, len(out[i]))], want[n:min(n+4, len(want))])
				return false
			}
		}
	}
	return true
}
