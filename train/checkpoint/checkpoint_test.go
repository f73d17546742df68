// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/unroll-npu/unroll/train/nn"
)

// sample returns a network of one cell with every field in use and counted weights.
func sample(cell nn.Cell, layers int) *nn.Network {
	net := &nn.Network{Name: "a \"name\"", Steps: 7, Features: 3, Outputs: 2, Classes: []string{"no", "yes"}, Seed: math.MaxUint64,
		Mean: []float32{}, PerStep: true}
	features := 3
	for range layers {
		net.Layers = append(net.Layers, nn.Layer{Cell: cell, Features: features, Units: 4, ResetAfter: cell == nn.GRU})
		features = 4
	}
	v := float32(0)
	for _, s := range slots(net) {
		n := 1
		for _, d := range s.shape {
			n *= d
		}
		*s.data = make([]float32, n)
		for i := range *s.data {
			v++
			(*s.data)[i] = v / 7
		}
	}
	return net
}

func written(t testing.TB, net *nn.Network) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, net); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestRoundTrip(t *testing.T) {
	for _, cell := range []nn.Cell{nn.GRU, nn.LSTM, nn.SimpleRNN} {
		net := sample(cell, 2)
		net.Layers[0].Kernel[0] = float32(math.Copysign(0, -1))
		if cell == nn.SimpleRNN {
			net.Layers[1].Activation, net.Task, net.Classes, net.Mean, net.Std = nn.Relu, nn.Regression, nil, nil, nil
		}
		b := written(t, net)
		back, err := Read("net", bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(net, back); d != "" {
			t.Errorf("%v: network changed on the way through a file (-before +after):\n%s", cell, d)
		}
		if math.Float32bits(back.Layers[0].Kernel[0]) != 1<<31 {
			t.Errorf("%v: minus zero lost its sign", cell)
		}
		if !bytes.Equal(b, written(t, back)) {
			t.Errorf("%v: writing twice gives different bytes", cell)
		}
	}
}

func TestTorchRoundTrip(t *testing.T) {
	for _, cell := range []nn.Cell{nn.GRU, nn.LSTM, nn.SimpleRNN} {
		net := sample(cell, 2)
		var b bytes.Buffer
		if err := WriteTorch(&b, net); err != nil {
			t.Fatal(err)
		}
		back, err := Read("net", bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		want := *net
		want.Name, want.Steps, want.Classes, want.Seed, want.Mean, want.Std, want.PerStep = "rnn", 0, nil, 0, nil, nil, false
		back.Facts = nil
		if d := cmp.Diff(&want, back); d != "" {
			t.Errorf("%v: network changed on the way through PyTorch's layout (-before +after):\n%s", cell, d)
		}
	}
}

// PyTorch's gate order is r, z, n and its matrices are transposed.
func TestTorchLayout(t *testing.T) {
	net := sample(nn.GRU, 1)
	var b bytes.Buffer
	if err := WriteTorch(&b, net); err != nil {
		t.Fatal(err)
	}
	c, err := open("net", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	w, err := c.take("rnn.weight_ih_l0", []int{12, 3})
	if err != nil {
		t.Fatal(err)
	}
	l := net.Layers[0]
	// Row 0 is unit 0 of r, which is column 4 of Keras' kernel; row 4 is z.
	if w[1] != l.Kernel[1*12+4] || w[4*3+2] != l.Kernel[2*12+0] || w[8*3] != l.Kernel[8] {
		t.Error("gates are not in the order r, z, n")
	}
}

// file builds a safetensors file from a header and zero data.
func file(header string, data int) []byte {
	b := binary.LittleEndian.AppendUint64(nil, uint64(len(header)))
	return append(append(b, header...), make([]byte, data)...)
}

func TestBadFiles(t *testing.T) {
	good := written(t, sample(nn.GRU, 1))
	edit := func(old, new string) []byte {
		if len(old) != len(new) || !bytes.Contains(good, []byte(old)) {
			t.Fatalf("bad edit of %q", old)
		}
		return bytes.Replace(good, []byte(old), []byte(new), 1)
	}
	nan := bytes.Clone(good)
	binary.LittleEndian.PutUint32(nan[len(nan)-4*6-4:], math.Float32bits(float32(math.NaN())))
	zeroStd := bytes.Clone(good)
	binary.LittleEndian.PutUint32(zeroStd[len(zeroStd)-4:], 0)
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"empty", nil, "0 bytes"},
		{"header length past the end", file("{}", 0)[:9], "header length 2, but only 1 bytes follow"},
		{"absurd header length", []byte("\xff\xff\xff\xff\xff\xff\xff\xff{}"), "header length 18446744073709551615"},
		{"truncated data", good[:len(good)-1], `tensor "standardize.std" ends at byte`},
		{"data after the last tensor", append(bytes.Clone(good), 0), "1 bytes after the last tensor"},
		{"not JSON", file("hello, world", 0), `begins with "hello, world", expected a JSON object`},
		{"text after the object", file(`{} x`, 0), `"x" after the JSON object`},
		{"unfinished object", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}`, 4), "bad safetensors header"},
		{"twice", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), `tensor "a" is there twice`},
		{"overlap", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[1],"data_offsets":[4,8]}}`, 8), `tensor "b" begins at byte 4, inside "a"`},
		{"gap", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"b":{"dtype":"F32","shape":[1],"data_offsets":[8,12]}}`, 12), `tensor "b" begins at byte 8, but "a" ends at 4`},
		{"range and shape differ", file(`{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,4]}}`, 4), `tensor "a": data_offsets [0 4] hold 4 bytes, but F32 [2] takes 8`},
		{"negative range", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}}`, 4), `tensor "a"`},
		{"absurd shape", file(`{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}}`, 0), `tensor "a": shape [4294967296 4294967296] is out of range`},
		{"unknown dtype", edit(`"F32","shape":[3,12]`, `"F99","shape":[3,12]`), `tensor "layers.0.kernel": unknown dtype "F99"`},
		{"no float", edit(`"F32","shape":[3,12]`, `"I32","shape":[3,12]`), `tensor "layers.0.kernel": dtype I32, expected a float type`},
		{"wrong shape", edit(`[3,12]`, `[12,3]`), `tensor "layers.0.kernel" has shape [12 3], expected [3 12]`},
		{"missing tensor", edit(`layers.0.bias`, `layers.0.bios`), `tensor "layers.0.bias" is missing`},
		{"another version", edit(`"version":"1"`, `"version":"9"`), `format version "9"`},
		{"unknown cell", edit(`\"gru\"`, `\"grx\"`), `unknown cell "grx"`},
		{"out of range", edit(`\"units\":4`, `\"units\":0`), `layer 0: 0 units`},
		{"foreign", file(`{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}`, 4), "weight_hh_l0"},
		{"not finite", nan, `tensor "head.bias": value 1 is NaN`},
		{"zero deviation", zeroStd, `tensor "standardize.std": value 2 is 0`},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Read("bad.safetensors", bytes.NewReader(c.file), int64(len(c.file)))
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "bad.safetensors: ") {
				t.Errorf("error %v, want one of bad.safetensors with %q", err, c.want)
			}
		})
	}
}

func TestBadTorchFiles(t *testing.T) {
	entries := func(change func(e *entry)) []byte {
		var all []entry
		for _, e := range []entry{{name: "gru.weight_ih_l0", shape: []int{12, 3}}, {name: "gru.weight_hh_l0", shape: []int{12, 4}},
			{name: "gru.bias_ih_l0", shape: []int{12}}, {name: "gru.bias_hh_l0", shape: []int{12}},
			{name: "out.weight", shape: []int{2, 4}}, {name: "out.bias", shape: []int{2}}} {
			change(&e)
			n := 1
			for _, d := range e.shape {
				n *= d
			}
			e.data = make([]float32, n)
			all = append(all, e)
		}
		var b bytes.Buffer
		if err := write(&b, nil, all); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	at := func(name string, f func(e *entry)) func(*entry) {
		return func(e *entry) {
			if e.name == name {
				f(e)
			}
		}
	}
	for i, c := range []struct {
		change func(*entry)
		want   string
	}{
		{func(*entry) {}, ""},
		{at("gru.weight_hh_l0", func(e *entry) { e.shape = []int{8, 4} }), `tensor "gru.weight_hh_l0" has shape [8 4]: expected 3 (GRU), 4 (LSTM) or 1 (RNN) times 4 rows`},
		{at("gru.weight_ih_l0", func(e *entry) { e.shape = []int{9, 3} }), `tensor "gru.weight_ih_l0" has shape [9 3], expected [12 3]`},
		{at("gru.weight_ih_l0", func(e *entry) { e.name = "other" }), `tensor "gru.weight_ih_l0" is missing`},
		{at("gru.bias_ih_l0", func(e *entry) { e.shape = []int{11} }), `tensor "gru.bias_ih_l0" has shape [11], expected [12]`},
		{at("out.weight", func(e *entry) { e.shape = []int{2, 5} }), `NAME.weight with shape [outputs 4]; "out.weight" has shape [2 5]`},
		{at("out.bias", func(e *entry) { e.name = "norm.gamma" }), `tensor "norm.gamma" has no place in a recurrent network with one linear layer; export the whole model as a graph`},
		{at("out.weight", func(e *entry) { e.name = "out.weight_orig" }), `tensor "out.weight_orig" is one that others are computed of (weight_norm, spectral_norm, parametrizations)`},
		{at("out.weight", func(e *entry) { e.name = "out.parametrizations.weight.original1" }), `take that off first (torch.nn.utils.remove_weight_norm, remove_spectral_norm, parametrize.remove_parametrizations)`},
		{at("gru.weight_hh_l0", func(e *entry) { e.name = "gru.weight_hh_l0_orig" }), `tensor "gru.weight_hh_l0_orig" is one that others are computed of`},
		{at("out.bias", func(e *entry) { e.name = "gru.weight_ih_l0_reverse" }), `tensor "gru.weight_hh_l0_reverse" is missing`},
	} {
		b := entries(c.change)
		_, err := Read("t", bytes.NewReader(b), int64(len(b)))
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("case %d: error %v, want %q", i, err, c.want)
		}
	}
}

func TestHalf(t *testing.T) {
	for bits, want := range map[uint16]float32{0: 0, 1: 0x1p-24, 0x3ff: 1023 * 0x1p-24, 0x400: 0x1p-14, 0x3c00: 1, 0xc000: -2, 0x7bff: 65504, 0x7c00: float32(math.Inf(1))} {
		if got := half(bits); got != want {
			t.Errorf("half(%#04x) = %v, want %v", bits, got, want)
		}
	}
	if v := half(0x7e00); v == v {
		t.Errorf("half(0x7e00) = %v, want NaN", v)
	}
}

// Fuzz it with -fuzzminimizetime 10x: by default the fuzzer takes up to a minute to
// make each find smaller, without counting that as executions.
func FuzzRead(f *testing.F) {
	f.Add(written(f, sample(nn.GRU, 1)))
	f.Add(written(f, sample(nn.LSTM, 2)))
	var b bytes.Buffer
	if err := WriteTorch(&b, sample(nn.SimpleRNN, 1)); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add(file(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`, 0))
	f.Fuzz(func(t *testing.T, raw []byte) {
		net, err := Read("fuzz", bytes.NewReader(raw), int64(len(raw)))
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
		if err := Write(&bytes.Buffer{}, net); err != nil {
			t.Error(fmt.Errorf("what was read cannot be written: %w", err))
		}
	})
}

// A recurrent matrix of low rank keeps its two parts, in a version that earlier readers refuse by
// name; a rank that the cell cannot have is refused before tensors are read.
func TestLowRank(t *testing.T) {
	net := sample(nn.LSTM, 2)
	net.Layers[1].Rank = 2
	for _, s := range slots(net) {
		n := 1
		for _, d := range s.shape {
			n *= d
		}
		*s.data = make([]float32, n)
		for i := range *s.data {
			(*s.data)[i] = float32(i+1) / 3
		}
	}
	b := written(t, net)
	if !bytes.Contains(b, []byte(`"version":"3"`)) || !bytes.Contains(b, []byte("layers.1.recurrent_reduction")) {
		t.Errorf("the file does not say what it holds: %.200s", b)
	}
	back, err := Read("net", bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(net.Layers, back.Layers); d != "" {
		t.Error(d)
	}
	bad := bytes.Replace(b, []byte(`rank\":2`), []byte(`rank\":4`), 1)
	if _, err := Read("net", bytes.NewReader(bad), int64(len(bad))); err == nil || !strings.Contains(err.Error(), "layer 1: rank 4 of 4 units: expected 1 to 3") {
		t.Errorf("error is %v", err)
	}
	if err := WriteTorch(&bytes.Buffer{}, net); err == nil || !strings.Contains(err.Error(), "PyTorch has no recurrent matrix of rank 2") {
		t.Errorf("error is %v", err)
	}
	if err := WriteNPZ(&bytes.Buffer{}, net); err == nil || !strings.Contains(err.Error(), "Keras has no recurrent matrix of rank 2") {
		t.Errorf("error is %v", err)
	}
}
