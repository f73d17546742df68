// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"bytes"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/train/nn"
)

// bare returns net with what only our own files carry removed.
func bare(net *nn.Network) *nn.Network {
	n := *net
	n.Name, n.Steps, n.Classes, n.Seed, n.Mean, n.Std, n.PerStep = net.Layers[0].Cell.String(), 0, nil, 0, nil, nil, false
	return &n
}

func TestKerasRoundTrip(t *testing.T) {
	classic := sample(nn.GRU, 2)
	for i := range classic.Layers {
		classic.Layers[i].ResetAfter = false
		classic.Layers[i].Bias = classic.Layers[i].Bias[:12]
	}
	for name, net := range map[string]*nn.Network{"gru": sample(nn.GRU, 2), "classic": classic, "lstm": sample(nn.LSTM, 3), "rnn": sample(nn.SimpleRNN, 1)} {
		var b bytes.Buffer
		if err := WriteNPZ(&b, net); err != nil {
			t.Fatal(err)
		}
		back, err := ReadNPZ("net", bytes.NewReader(b.Bytes()), int64(b.Len()))
		if err != nil {
			t.Fatal(err)
		}
		if back.Facts == nil || len(back.Facts.Assumed) == 0 {
			t.Errorf("%s: nothing was assumed of a file that does not say the activation", name)
		}
		back.Facts = nil
		if d := cmp.Diff(bare(net), back); d != "" {
			t.Errorf("%s: network changed on the way through Keras' layout (-before +after):\n%s", name, d)
		}
	}
}

func TestKerasNames(t *testing.T) {
	f := func(shape ...int) *npy.Array {
		n := 1
		for _, d := range shape {
			n *= d
		}
		return npy.FromFloats(shape, make([]float32, n))
	}
	read := func(arrays map[string]*npy.Array) (*nn.Network, error) {
		var b bytes.Buffer
		if err := npy.WriteArchive(&b, arrays); err != nil {
			t.Fatal(err)
		}
		return ReadNPZ("k.npz", bytes.NewReader(b.Bytes()), int64(b.Len()))
	}
	base := map[string]*npy.Array{"gru/gru_cell/kernel:0": f(3, 12), "gru/gru_cell/recurrent_kernel:0": f(4, 12), "gru/gru_cell/bias:0": f(2, 12),
		"dense/kernel:0": f(4, 2), "dense/bias:0": f(2)}
	net, err := read(base)
	if err != nil || !net.Layers[0].ResetAfter || net.Outputs != 2 || net.Features != 3 {
		t.Errorf("names of Keras 2: %+v, %v", net, err)
	}
	plain := map[string]*npy.Array{"kernel": f(3, 16), "recurrent_kernel": f(4, 16), "bias": f(16), "dense/kernel": f(4, 2)}
	if net, err = read(plain); err != nil || net.Layers[0].Cell != nn.LSTM || len(net.HeadBias) != 2 {
		t.Errorf("plain names: %+v, %v", net, err)
	}
	for _, c := range []struct {
		name string
		with map[string]*npy.Array
		want string
	}{
		{"wrong kernel", map[string]*npy.Array{"gru/gru_cell/kernel:0": f(3, 11)}, `array "gru/gru_cell/kernel" has shape [3 11], expected [[3 12]]`},
		{"wrong bias", map[string]*npy.Array{"gru/gru_cell/bias:0": f(3, 12)}, `array "gru/gru_cell/bias" has shape [3 12], expected [[2 12] [12] [24]]`},
		{"wrong recurrent kernel", map[string]*npy.Array{"gru/gru_cell/recurrent_kernel:0": f(4, 9)}, "expected 3 (GRU), 4 (LSTM) or 1 (RNN) times 4"},
		{"wrong head", map[string]*npy.Array{"dense/kernel:0": f(5, 2)}, `array "dense/kernel" has shape [5 2], expected [[4 2]]`},
		{"two heads", map[string]*npy.Array{"more/kernel:0": f(4, 2)}, `Dense layers ["dense" "more"]`},
		{"foreign array", map[string]*npy.Array{"norm/gamma": f(4)}, `array "norm/gamma"`},
		{"integers", map[string]*npy.Array{"dense/bias:0": {Type: "|u1", Shape: []int{2}, Data: []byte{1, 2}}}, `array "dense/bias" has element type`},
	} {
		arrays := maps.Clone(base)
		maps.Copy(arrays, c.with)
		if _, err := read(arrays); err == nil || !strings.Contains(err.Error(), c.want) || !strings.HasPrefix(err.Error(), "k.npz: ") {
			t.Errorf("%s: error %v, want one of k.npz with %q", c.name, err, c.want)
		}
	}
}

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	net := sample(nn.GRU, 1)
	var npz bytes.Buffer
	if err := WriteNPZ(&npz, net); err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{"a.safetensors": written(t, net), "a.npz": npz.Bytes(), "a.txt": []byte("hello, world")} {
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, b, 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Open(file)
		if name == "a.txt" {
			if err == nil {
				t.Error("a text was read as a network")
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if d := cmp.Diff(bare(net).Layers, got.Layers); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	if _, err := Open(dir); err == nil {
		t.Error("a folder was read as a network")
	}
}
