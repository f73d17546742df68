// SPDX-License-Identifier: Apache-2.0

package compile_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
)

// saturating is a LOGISTIC over so wide a range that most of its table is flat.
func saturating() *graph.Graph {
	g := &graph.Graph{Name: "saturating"}
	in := g.Add(&graph.Tensor{Name: "in", Type: graph.Int8, Shape: []int{1, 256}, Quant: graph.PerTensor(0.5, 0)})
	out := g.Add(&graph.Tensor{Name: "out", Type: graph.Int8, Shape: []int{1, 256}, Quant: graph.PerTensor(1.0/256, -128)})
	g.Ops = []*graph.Op{{Kind: graph.Logistic, Inputs: []graph.TensorID{in}, Outputs: []graph.TensorID{out}}}
	g.Inputs, g.Outputs = []graph.TensorID{in}, []graph.TensorID{out}
	return g
}

// TestTrimmedTable loads the middle of a table, and lets verifier and simulator find
// a clamp that lets values reach the part that is not there.
func TestTrimmedTable(t *testing.T) {
	g := saturating()
	for _, c := range configs {
		if err := agree(t, g, c.options(t), 1); err != nil {
			t.Errorf("%s %s: %v", c.accel, c.mode, err)
		}
	}
	p, err := compile.Compile(g, configs[0].options(t))
	if err != nil {
		t.Fatal(err)
	}
	list, err := isa.Decode(p.Stages[0].Commands, p.Accel.Product)
	if err != nil {
		t.Fatal(err)
	}
	loaded, widened := 0, 0
	for _, in := range list {
		delta := 0
		switch in.Code {
		case isa.SetDMA0Len:
			loaded = int(in.Payload)
		case isa.SetActivationMin:
			delta = -1
		case isa.SetActivationMax:
			delta = 1
		}
		if delta == 0 {
			continue
		}
		q, s := *p, p.Stages[0]
		s.Commands = slices.Clone(s.Commands)
		q.Stages = []ethosu.Stage{s}
		wider := int(int16(in.Param)) + 16*delta // more than what rounding to 16 bytes loads
		s.Commands[in.Word] = s.Commands[in.Word]&0xffff | uint32(uint16(wider))<<16
		found := verify.Program(&q).All()
		if len(found) != 1 || found[0].Rule != verify.RuleTable {
			t.Errorf("%v %d: findings %v, expected one of %s", in.Code, wider, found, verify.RuleTable)
		}
		var fault *sim.Fault
		if _, err := sim.PrepareStage(&q, &s); !errors.As(err, &fault) || fault.Cause != sim.TableMissing {
			t.Errorf("%v %d: the simulator says %v, expected a missing table", in.Code, wider, err)
		}
		widened++
	}
	if loaded == 0 || loaded > 80 || widened != 2 {
		t.Errorf("%d of 256 bytes are loaded and %d clamps set, expected at most 80 and 2", loaded, widened)
	}
}

// TestSoftmaxOfLongTails takes rows of one large value and many whose exp lies around
// what the compiler takes for zero.
func TestSoftmaxOfLongTails(t *testing.T) {
	const rows, depth = 32, 700
	for i, scale := range []float32{0.06, 0.08, 0.11, 0.2} {
		for _, dt := range []graph.DType{graph.Int8, graph.Int16} {
			g := &graph.Graph{Name: fmt.Sprint(scale, dt)}
			// The largest value is 127; the others reach up to where exp is 2^14 * 2^-31.
			high := int(math.Round(127 - 17*math.Ln2/float64(scale)))
			int8s := func(name string, shape ...int) graph.TensorID {
				return g.Add(&graph.Tensor{Name: name, Type: graph.Int8, Shape: shape, Quant: graph.PerTensor(scale, 0)})
			}
			x, top, peak := int8s("x", rows, depth), int8s("top", 1), int8s("peak", rows, depth)
			low, tail := int8s("low", rows, depth), int8s("tail", rows, depth)
			g.Tensors[top].Data = []byte{byte(int8(high))}
			for k := range rows * depth {
				v := int8(-128)
				if k%depth == k/depth {
					v = 127
				}
				g.Tensors[peak].Data = append(g.Tensors[peak].Data, byte(v))
			}
			q := graph.PerTensor(1.0/256, -128)
			if dt == graph.Int16 {
				q = graph.PerTensor(1.0/65536, -32768)
			}
			out := g.Add(&graph.Tensor{Name: "out", Type: dt, Shape: []int{rows, depth}, Quant: q})
			g.Ops = []*graph.Op{
				{Kind: graph.Minimum, Inputs: []graph.TensorID{x, top}, Outputs: []graph.TensorID{low}},
				{Kind: graph.Maximum, Inputs: []graph.TensorID{low, peak}, Outputs: []graph.TensorID{tail}},
				{Kind: graph.Softmax, Attr: graph.SoftmaxAttr{Beta: 1}, Inputs: []graph.TensorID{tail}, Outputs: []graph.TensorID{out}},
			}
			g.Inputs, g.Outputs = []graph.TensorID{x}, []graph.TensorID{out}
			if err := agree(t, g, configs[i%2].options(t), uint64(i)); err != nil {
				t.Errorf("%s: %v", g.Name, err)
			}
		}
	}
}
