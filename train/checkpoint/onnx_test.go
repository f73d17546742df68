package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/unroll-npu/unroll/train/nn"
	"google.golang.org/protobuf/encoding/protowire"
)

// onnxOptions vary the model that onnxModel writes.
type onnxOptions struct {
	matMul, perStep, floatData, batchFirst bool
	direction, extraOp                     string
	external                               bool
}

func bytesField(b []byte, n protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(b, n, protowire.BytesType), v)
}

func varintField(b []byte, n protowire.Number, v uint64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(b, n, protowire.VarintType), v)
}

func onnxTensorBytes(name string, o onnxOptions, v []float32, dims ...int) []byte {
	var b, packed []byte
	for _, d := range dims {
		packed = protowire.AppendVarint(packed, uint64(d))
	}
	b = bytesField(b, 1, packed)
	b = varintField(b, 2, 1)
	b = bytesField(b, 8, []byte(name))
	var data []byte
	for _, x := range v {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(x))
	}
	field := protowire.Number(9)
	if o.floatData {
		field = 4
	}
	b = bytesField(b, field, data)
	if o.external {
		b = varintField(b, 14, 1)
	}
	return b
}

func onnxNodeBytes(op string, inputs, outputs []string, attributes ...[]byte) []byte {
	var b []byte
	for _, s := range inputs {
		b = bytesField(b, 1, []byte(s))
	}
	for _, s := range outputs {
		b = bytesField(b, 2, []byte(s))
	}
	b = bytesField(b, 4, []byte(op))
	for _, a := range attributes {
		b = bytesField(b, 5, a)
	}
	return b
}

func intAttribute(name string, v uint64) []byte {
	return varintField(bytesField(nil, 1, []byte(name)), 3, v)
}

func textAttribute(name, v string, field protowire.Number) []byte {
	return bytesField(bytesField(nil, 1, []byte(name)), field, []byte(v))
}

// onnxModel writes a network as an exporter would: a chain of recurrent nodes with
// the moves around them and a Gemm, or MatMul and Add.
func onnxModel(net *nn.Network, o onnxOptions) []byte {
	var g []byte
	node := func(b []byte) { g = bytesField(g, 1, b) }
	tensor := func(b []byte) { g = bytesField(g, 5, b) }
	x := "x"
	if o.batchFirst {
		node(onnxNodeBytes("Transpose", []string{x}, []string{"xt"}))
		x = "xt"
	}
	for n, l := range net.Layers {
		gates := l.Cell.Gates()
		cols := gates * l.Units
		w, r, bias := make([]float32, len(l.Kernel)), make([]float32, len(l.Recurrent)), make([]float32, 2*cols)
		for gate, to := range onnxGates[l.Cell] {
			for j := range l.Units {
				row, col := to*l.Units+j, gate*l.Units+j
				for i := range l.Features {
					w[row*l.Features+i] = l.Kernel[i*cols+col]
				}
				for i := range l.Units {
					r[row*l.Units+i] = l.Recurrent[i*cols+col]
				}
				bias[row] = l.Bias[col]
				if l.ResetAfter {
					bias[cols+row] = l.Bias[cols+col]
				}
			}
		}
		name := func(s string) string { return fmt.Sprintf("%s%d", s, n) }
		tensor(onnxTensorBytes(name("W"), o, w, 1, cols, l.Features))
		tensor(onnxTensorBytes(name("R"), o, r, 1, cols, l.Units))
		tensor(onnxTensorBytes(name("B"), o, bias, 1, 2*cols))
		var attributes [][]byte
		attributes = append(attributes, intAttribute("hidden_size", uint64(l.Units)))
		if l.ResetAfter {
			attributes = append(attributes, intAttribute("linear_before_reset", 1))
		}
		if l.Activation == nn.Relu {
			attributes = append(attributes, textAttribute("activations", "Relu", 9))
		}
		if o.direction != "" {
			attributes = append(attributes, textAttribute("direction", o.direction, 4))
		}
		op := map[nn.Cell]string{nn.GRU: "GRU", nn.LSTM: "LSTM", nn.SimpleRNN: "RNN"}[l.Cell]
		node(onnxNodeBytes(op, []string{x, name("W"), name("R"), name("B")}, []string{name("Y"), name("Yh")}, attributes...))
		node(onnxNodeBytes("Squeeze", []string{name("Y")}, []string{name("out")}))
		x = name("out")
	}
	if o.extraOp != "" {
		node(onnxNodeBytes(o.extraOp, []string{x}, []string{"extra"}))
	}
	last := x
	if !o.perStep {
		last = "state"
		node(onnxNodeBytes("Squeeze", []string{fmt.Sprintf("Yh%d", len(net.Layers)-1)}, []string{"state"}))
	}
	units := net.Layers[len(net.Layers)-1].Units
	head := net.HeadKernel
	if o.matMul {
		tensor(onnxTensorBytes("V", o, head, units, net.Outputs))
		node(onnxNodeBytes("MatMul", []string{last, "V"}, []string{"product"}))
		node(onnxNodeBytes("Add", []string{"c", "product"}, []string{"logits"}))
	} else {
		transposed := make([]float32, len(head))
		for i := range units {
			for k := range net.Outputs {
				transposed[k*units+i] = head[i*net.Outputs+k]
			}
		}
		tensor(onnxTensorBytes("V", o, transposed, net.Outputs, units))
		node(onnxNodeBytes("Gemm", []string{last, "V", "c"}, []string{"logits"}, intAttribute("transB", 1)))
	}
	tensor(onnxTensorBytes("c", o, net.HeadBias, net.Outputs))
	var shape []byte
	dims := []uint64{uint64(net.Steps), 0, uint64(net.Features)}
	if o.batchFirst {
		dims[0], dims[1] = dims[1], dims[0]
	}
	for _, d := range dims {
		var dim []byte
		if d > 0 {
			dim = varintField(nil, 1, d)
		} else {
			dim = bytesField(nil, 2, []byte("batch"))
		}
		shape = bytesField(shape, 1, dim)
	}
	info := bytesField(bytesField(nil, 1, []byte("x")), 2, bytesField(nil, 1, bytesField(varintField(nil, 1, 1), 2, shape)))
	g = bytesField(g, 11, info)
	return bytesField(varintField(nil, 1, 8), 7, g)
}

func TestONNX(t *testing.T) {
	relu := sample(nn.SimpleRNN, 1)
	relu.Layers[0].Activation = nn.Relu
	classic := sample(nn.GRU, 1)
	classic.Layers[0].ResetAfter, classic.Layers[0].Bias = false, classic.Layers[0].Bias[:12]
	for name, c := range map[string]struct {
		net *nn.Network
		o   onnxOptions
	}{
		"gru":            {sample(nn.GRU, 1), onnxOptions{}},
		"gru, two":       {sample(nn.GRU, 2), onnxOptions{matMul: true, batchFirst: true}},
		"gru, per step":  {sample(nn.GRU, 1), onnxOptions{perStep: true}},
		"classic gru":    {classic, onnxOptions{floatData: true}},
		"lstm, per step": {sample(nn.LSTM, 3), onnxOptions{perStep: true, matMul: true}},
		"rnn relu":       {relu, onnxOptions{}},
	} {
		got, err := ReadONNX("m", onnxModel(c.net, c.o))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := bare(c.net)
		want.Steps, want.PerStep = c.net.Steps, c.o.perStep
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-written +read):\n%s", name, d)
		}
	}
}

func TestBadONNX(t *testing.T) {
	net := sample(nn.GRU, 1)
	good := onnxModel(net, onnxOptions{})
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "there is no graph"},
		{"cut", good[:len(good)-3], "broken protobuf data"},
		{"text", []byte("hello, world"), "not an ONNX model"},
		{"backward", onnxModel(net, onnxOptions{direction: "bidirectional"}), "direction is bidirectional"},
		{"foreign operator", onnxModel(net, onnxOptions{extraOp: "Conv"}), "operator Conv has no place"},
		{"external weights", onnxModel(net, onnxOptions{external: true}), "is kept in another file"},
	} {
		_, err := ReadONNX("m.onnx", c.file)
		if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "m.onnx: ") {
			t.Errorf("%s: error %v, want one of m.onnx with %q", c.name, err, c.want)
		}
	}
}

// Fuzz it with -fuzzminimizetime 10x, as FuzzRead.
func FuzzONNX(f *testing.F) {
	f.Add(onnxModel(sample(nn.GRU, 2), onnxOptions{}))
	f.Add(onnxModel(sample(nn.LSTM, 1), onnxOptions{perStep: true, matMul: true, floatData: true}))
	f.Fuzz(func(t *testing.T, raw []byte) {
		net, err := ReadONNX("fuzz", raw)
		if err != nil {
			if !strings.HasPrefix(err.Error(), "fuzz: ") {
				t.Errorf("error %q does not begin with the file's name", err)
			}
			return
		}
		for _, s := range slots(net) {
			n := 1
			for _, d := range s.shape {
				n *= d
			}
			if len(*s.data) != n {
				t.Errorf("%s: %d values for shape %v", s.name, len(*s.data), s.shape)
			}
		}
	})
}
