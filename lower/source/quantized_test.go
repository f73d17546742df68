// SPDX-License-Identifier: Apache-2.0

package source

import (
	"context"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
	"github.com/unroll-npu/unroll/lower/internal/onnx/eval"
)

// steps are the models of quantized.zip whose outputs ONNX Runtime computes in another
// way than the operators' words say, and the difference that is theirs: kernels with
// tables, half precision, values on the border between two integers.
var steps = map[string]float64{
	"contrib":      2.5 / 256, // a chain of tables of 8 bits
	"contrib_lstm": 2e-2,      // its inputs are in 8 bits there
	"half_inside":  2e-3,
}

// TestQuantized runs models in the ways that ONNX Runtime quantizes them (QDQ, operators on
// integers, dynamic, its own domain) or stores them (float16), with outputs of ONNX
// Runtime 1.30. The evaluator gives these, roundings included; and the import is the
// network of real numbers that is left without them, which Open proves.
func TestQuantized(t *testing.T) {
	names, models := readRecorded(t, "testdata/quantized.zip")
	if len(names) < 21 {
		t.Fatalf("%d models, expected more", len(names))
	}
	for _, name := range names {
		m := models[name]
		file := filepath.Join(t.TempDir(), name+".onnx")
		if err := os.WriteFile(file, m.file, 0o666); err != nil {
			t.Fatal(err)
		}
		model, err := onnx.ReadFile(file)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		in := map[string]*eval.Array{}
		for input, a := range m.in {
			x := &eval.Array{Type: onnx.Float, Shape: a.Shape}
			for _, v := range a.Floats() {
				x.Data = append(x.Data, float64(v))
			}
			in[input] = x
		}
		outs, err := eval.New(model).Run(in)
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		for i, o := range model.Graph.Outputs {
			want := m.out[o.Name].Floats()
			top, most := 1e-2, 0.0
			for _, v := range want {
				top = math.Max(top, math.Abs(float64(v)))
			}
			for k, v := range want {
				most = math.Max(most, math.Abs(outs[i].Data[k]-float64(v)))
			}
			if most > math.Max(2e-5*top, steps[name]) {
				t.Errorf("%s: output %q differs from ONNX Runtime's by %g of %g", name, o.Name, most, top)
			}
		}
		n, err := Open(file, Options{})
		if err != nil {
			t.Errorf("%v", err)
			continue
		}
		t.Logf("%s: %s, %d operators", name, n.Proof(), len(n.Graph.Ops))
	}
}

// calls are seeded calls of a network of one input.
type calls struct{ rows [][]float32 }

func (c calls) Len() int      { return len(c.rows) }
func (c calls) Calls(int) int { return 1 }
func (c calls) Feed(i, _, _ int, dst []float32) error {
	copy(dst, c.rows[i])
	return nil
}

// TestQuantizedRanges lowers a model that was quantized before: its values have its scales
// and zero points again, also those that no calibration would find, and nothing cuts
// them but their types.
func TestQuantizedRanges(t *testing.T) {
	names, models := readRecorded(t, "testdata/quantized.zip")
	if !slices.Contains(names, "qdq_int8") {
		t.Fatal("no model")
	}
	file := filepath.Join(t.TempDir(), "qdq_int8.onnx")
	if err := os.WriteFile(file, models["qdq_int8"].file, 0o666); err != nil {
		t.Fatal(err)
	}
	n, err := Open(file, Options{})
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(3, 4))
	c := calls{}
	for range 8 {
		x := make([]float32, n.Graph.Tensors[n.Graph.Inputs[0]].Elems())
		for i := range x {
			x[i] = float32(random.NormFloat64()) / 4 // a part of the model's range
		}
		c.rows = append(c.rows, x)
	}
	r, err := lower.LowerGraph(context.Background(), n.Graph, n.Roles(), c, lower.Options{})
	if err != nil {
		t.Fatal(err)
	}
	scales := map[float32]bool{}
	for _, op := range r.Int8.Ops {
		if op.Kind == graph.Minimum || op.Kind == graph.Maximum {
			t.Errorf("%v is left: %s", op.Kind, r.Int8.Tensors[op.Outputs[0]].Name)
		}
		for _, id := range op.Outputs {
			scales[r.Int8.Tensors[id].Scale()] = true
		}
	}
	near := func(want float32) bool {
		for s := range scales {
			if math.Abs(float64(s/want-1)) < 1e-5 {
				return true
			}
		}
		return false
	}
	for _, want := range []float32{0.02, 0.025, 0.03, 0.015, 0.04} {
		if !near(want) {
			t.Errorf("no value has the model's scale %v; there are %v", want, scales)
		}
	}
	in := r.Int8.Tensors[r.Int8.Inputs[0]]
	if math.Abs(float64(in.Scale()/0.03-1)) > 1e-5 || in.ZeroPoint() != 0 {
		t.Errorf("the input has scale %v and zero point %d, expected 0.03 and 0", in.Scale(), in.ZeroPoint())
	}
}

// TestQuantizedRefusals names what integers of quantized models cannot become.
func TestQuantizedRefusals(t *testing.T) {
	for want, write := range map[string]func(b *modelBuilder){
		"put DequantizeLinear behind": func(b *modelBuilder) { b.node("QuantizeLinear", "y", "x", "scale", "zero") },
		"computes with the integers": func(b *modelBuilder) {
			b.node("QuantizeLinear", "q", "x", "scale", "zero")
			b.node("Add", "y", "q", "q")
		},
		"different scales": func(b *modelBuilder) {
			b.node("QuantizeLinear", "q", "x", "scale", "zero")
			b.node("QuantizeLinear", "r", "x", "other", "zero")
			b.node("Concat", "c", "q", "r").Attrs["axis"] = &onnx.Attr{Int: 0}
			b.node("DequantizeLinear", "y", "c", "scale", "zero")
		},
		"is not the one that DynamicQuantizeLinear gave": func(b *modelBuilder) {
			b.node("DynamicQuantizeLinear", "q s z", "x")
			b.node("MatMulInteger", "m", "q", "w", "zero")
			b.node("Cast", "f", "m").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Float)}
			b.node("Mul", "y", "f", "s")
		},
		"output \"y\" is integers": func(b *modelBuilder) { // a scale is missing
			b.node("DynamicQuantizeLinear", "q s z", "x")
			b.node("MatMulInteger", "m", "q", "w", "z")
			b.node("Cast", "y", "m").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Float)}
		},
		"its scale is computed at run time": func(b *modelBuilder) { // a zero point is no scale
			b.node("DynamicQuantizeLinear", "q s z", "x")
			b.node("DequantizeLinear", "y", "q", "z", "z")
		},
		"a scale that is known at run time alone": func(b *modelBuilder) {
			b.node("DynamicQuantizeLinear", "q s z", "x")
			b.node("QuantizeLinear", "y", "other", "s", "z")
		},
		"multiplies by a zero point": func(b *modelBuilder) {
			b.node("DynamicQuantizeLinear", "q s z", "x")
			b.node("Mul", "y", "z", "z")
		},
		"stays float; multiply it with its scale first": func(b *modelBuilder) {
			b.node("DynamicQuantizeLinear", "q s z", "x")
			b.node("MatMulInteger", "m", "q", "w", "z")
			b.node("Cast", "f", "m").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Float)}
			b.node("Cast", "y", "f").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Int32)}
		},
		"the integers of a quantized model, \"z\"": func(b *modelBuilder) { // no bias
			b.node("DynamicQuantizeLinear", "q s z", "x")
			n := b.node("MatMulIntegerToFloat", "y", "q", "w", "s", "scale", "z", "", "z")
			n.Domain = "com.microsoft"
		},
		"block_size is -1": func(b *modelBuilder) {
			b.node("QuantizeLinear", "q", "x", "scale", "zero").Attrs["block_size"] = &onnx.Attr{Int: -1}
		},
		"output_datatype is": func(b *modelBuilder) {
			b.m.Graph.Weights["n"] = &onnx.Tensor{Name: "n", Type: onnx.Int64, Shape: []int{}, Data: []byte{8, 0, 0, 0, 0, 0, 0, 0}}
			b.node("HannWindow", "y", "n").Attrs["output_datatype"] = &onnx.Attr{Int: int64(onnx.Int32)}
		},
		"its scale has no elements": func(b *modelBuilder) {
			b.weights("none", 0)
			b.node("DequantizeLinear", "y", "w", "none", "zero")
		},
		"scale for every channel": func(b *modelBuilder) {
			b.weights("scales", 3)
			for i := range 3 {
				copy(b.m.Graph.Weights["scales"].Data[4*i:], floatBytes(0.1))
			}
			b.node("QuantizeLinear", "q", "x", "scales").Attrs["axis"] = &onnx.Attr{Int: 1}
			b.node("DequantizeLinear", "y", "q", "scales").Attrs["axis"] = &onnx.Attr{Int: 1}
		},
		"expected a positive number": func(b *modelBuilder) {
			b.number("nothing", 0)
			b.node("QuantizeLinear", "q", "x", "nothing", "zero")
			b.node("DequantizeLinear", "y", "q", "nothing", "zero")
		},
	} {
		b := empty(4, 2, 3)
		b.number("scale", 0.1)
		b.number("other", 0.2)
		b.m.Graph.Weights["zero"] = &onnx.Tensor{Name: "zero", Type: onnx.Uint8, Shape: []int{}, Data: []byte{7}}
		b.m.Graph.Weights["w"] = &onnx.Tensor{Name: "w", Type: onnx.Int8, Shape: []int{3, 1}, Data: []byte{1, 2, 3}}
		write(b)
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		if _, err := onnx.Convert(b.m, onnx.Options{}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v; expected %q", err, want)
		}
	}
}

// TestQuantizedStill: what a model rounds of an input that never changes is rounded, as of
// its constants.
func TestQuantizedStill(t *testing.T) {
	for _, op := range []string{"QuantizeLinear", "Cast"} {
		b := empty(5, 2, 3)
		b.input("g", 1)
		if op == "Cast" {
			b.node("Cast", "q", "g").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Float16)}
			b.node("Cast", "d", "q").Attrs["to"] = &onnx.Attr{Int: int64(onnx.Float)}
		} else {
			b.number("scale", 0.1)
			b.m.Graph.Weights["zero"] = &onnx.Tensor{Name: "zero", Type: onnx.Uint8, Shape: []int{}, Data: []byte{7}}
			b.node("QuantizeLinear", "q", "g", "scale", "zero")
			b.node("DequantizeLinear", "d", "q", "scale", "zero")
		}
		b.node("Mul", "y", "x", "d")
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		file := filepath.Join(t.TempDir(), "still.onnx")
		if err := os.WriteFile(file, encodeONNX(b.m), 0o666); err != nil {
			t.Fatal(err)
		}
		n, err := OpenONNX(file, Options{Set: map[string][]float64{"g": {0.7771234}}})
		if err != nil {
			t.Errorf("%s: %v", op, err)
		} else if n.Difference > 1e-6 {
			t.Errorf("%s: differs by %v", op, n.Difference)
		}
	}
}

// TestFewBits reads weights of 4 and 2 bits, several in a byte and the first of them in its
// lowest bits, as the integers that they are.
func TestFewBits(t *testing.T) {
	for _, c := range []struct {
		typ, opset int
		packed     []byte
		want       []float32
	}{
		{int(onnx.Int4), 21, []byte{0x8f, 0x17, 0x0e}, []float32{-1, -8, 7, 1, -2}},
		{int(onnx.Uint4), 21, []byte{0x8f, 0x17, 0x0e}, []float32{15, 8, 7, 1, 14}},
		{int(onnx.Int2), 25, []byte{0b01_10_11_00, 0b11}, []float32{0, -1, -2, 1, -1}},
		{int(onnx.Uint2), 25, []byte{0b01_10_11_00, 0b11}, []float32{0, 3, 2, 1, 3}},
	} {
		b := empty(3, 1, 5)
		b.m.Opset = int64(c.opset)
		b.m.Graph.Weights["w"] = &onnx.Tensor{Name: "w", Type: onnx.DataType(c.typ), Shape: []int{5}, Data: c.packed}
		b.number("s", 0.5)
		b.node("DequantizeLinear", "d", "w", "s")
		b.node("Mul", "y", "x", "d")
		b.m.Graph.Outputs = []*onnx.Declared{{Name: "y", Kind: "tensor"}}
		file := filepath.Join(t.TempDir(), "few.onnx")
		if err := os.WriteFile(file, encodeONNX(b.m), 0o666); err != nil {
			t.Fatal(err)
		}
		n, err := OpenONNX(file, Options{})
		if err != nil {
			t.Errorf("%v: %v", onnx.DataType(c.typ), err)
			continue
		}
		exec, err := floatexec.New(n.Graph)
		if err != nil {
			t.Fatal(err)
		}
		views, err := exec.Runner().Run(1, [][]float32{{1, 1, 1, 1, 1}})
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range views[0].Row(0) {
			if v != c.want[i]/2 {
				t.Errorf("%v: element %d is %v, expected %v", onnx.DataType(c.typ), i, v, c.want[i]/2)
			}
		}
		b.m.Graph.Weights["w"].Data = c.packed[1:]
		if err := os.WriteFile(file, encodeONNX(b.m), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := OpenONNX(file, Options{}); err == nil || !strings.Contains(err.Error(), "bytes of data") {
			t.Errorf("%v, a byte less: error %v", onnx.DataType(c.typ), err)
		}
	}
}
