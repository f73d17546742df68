// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/train/nn"
)

// torchArchive writes tensors as torch.save does: a pickle of protocol 2 and a record
// for each storage.
func torchArchive(t testing.TB, entries []entry, before, after string) []byte {
	t.Helper()
	var p bytes.Buffer
	text := func(s string) {
		p.WriteByte('X')
		binary.Write(&p, binary.LittleEndian, uint32(len(s)))
		p.WriteString(s)
	}
	number := func(n int) {
		p.WriteByte('J')
		binary.Write(&p, binary.LittleEndian, int32(n))
	}
	tuple := func(v []int) {
		p.WriteByte('(')
		for _, x := range v {
			number(x)
		}
		p.WriteByte('t')
	}
	p.WriteString("\x80\x02" + before + "ccollections\nOrderedDict\nq\x00)Rq\x01(")
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	for i, e := range entries {
		text(e.name)
		p.WriteString("ctorch._utils\n_rebuild_tensor_v2\n((")
		text("storage")
		p.WriteString("ctorch\nFloatStorage\n")
		text(fmt.Sprint(i))
		text("cpu")
		number(len(e.data))
		p.WriteString("tQ")
		number(0)
		stride, n := make([]int, len(e.shape)), 1
		for d := len(e.shape) - 1; d >= 0; d-- {
			stride[d] = n
			n *= e.shape[d]
		}
		tuple(e.shape)
		tuple(stride)
		p.WriteString("\x89ccollections\nOrderedDict\n)RtR")
		w, err := z.Create(fmt.Sprintf("archive/data/%d", i))
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range e.data {
			binary.Write(w, binary.LittleEndian, math.Float32bits(v))
		}
	}
	p.WriteString("u}(")
	text("_metadata")
	p.WriteString("}ub" + after + ".")
	w, err := z.Create("archive/data.pkl")
	if err != nil {
		t.Fatal(err)
	}
	w.Write(p.Bytes())
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// torchEntries are the tensors of a network by PyTorch's names.
func torchEntries(t testing.TB, net *nn.Network) []entry {
	t.Helper()
	var b bytes.Buffer
	if err := WriteTorch(&b, net); err != nil {
		t.Fatal(err)
	}
	c, err := open("x", bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	var all []entry
	for _, x := range c.tensors {
		v, err := c.floats(x)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, entry{x.name, x.shape, v})
	}
	return all
}

func TestTorchFile(t *testing.T) {
	for _, cell := range []nn.Cell{nn.GRU, nn.LSTM, nn.SimpleRNN} {
		net := sample(cell, 2)
		file := filepath.Join(t.TempDir(), "w.pt")
		if err := os.WriteFile(file, torchArchive(t, torchEntries(t, net), "", ""), 0o666); err != nil {
			t.Fatal(err)
		}
		got, err := Open(file)
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(net.Layers, got.Layers); d != "" {
			t.Errorf("%v:\n%s", cell, d)
		}
		if d := cmp.Diff(net.HeadKernel, got.HeadKernel); d != "" {
			t.Errorf("%v: head:\n%s", cell, d)
		}
	}
}

func TestTorchFileRefusals(t *testing.T) {
	good := torchEntries(t, sample(nn.GRU, 1))
	read := func(b []byte) error {
		_, err := ReadTorch("w.pt", bytes.NewReader(b), int64(len(b)), Stated{})
		return err
	}
	if err := read(torchArchive(t, good, "}(X\x05\x00\x00\x00epochK\x07X\x0a\x00\x00\x00state_dict", "u")); err != nil {
		t.Errorf("a checkpoint with a state dict in it: %v", err)
	}
	if err := read(torchArchive(t, good, "}(X\x05\x00\x00\x00epochK\x07X\x03\x00\x00\x00net", "u")); err != nil {
		t.Errorf("a checkpoint with the weights under a name of its own: %v", err)
	}
	square := sample(nn.GRU, 1)
	square.Outputs = square.Features
	square.HeadKernel = make([]float32, square.Layers[0].Units*square.Outputs)
	square.HeadBias = make([]float32, square.Outputs)
	inner := torchEntries(t, square)
	if err := read(torchArchive(t, inner, "", "")); err != nil {
		t.Errorf("a linear layer behind a GRU, of the size of its input: %v", err)
	}
	front := append(append([]entry(nil), inner[len(inner)-2:]...), inner[:len(inner)-2]...)
	two := "}(X\x05\x00\x00\x00model}X\x0e\x00\x00\x00a.weight_hh_l0K\x01sX\x03\x00\x00\x00ema"
	long := append([]entry(nil), good...)
	long[0].shape = []int{1 << 20, 4}
	packed := append([]entry(nil), good...)
	packed[len(packed)-2].name = "fc._packed_params._packed_params"
	for name, c := range map[string]struct {
		b    []byte
		want string
	}{
		"quantized":        {torchArchive(t, packed, "", ""), "belongs to a quantized model"},
		"two dictionaries": {torchArchive(t, good, two, "u"), `weights under "model" and "ema"`},
		"a list":           {torchArchive(t, good, "](", "e"), "it holds a list, expected"},
		"a layer in front": {torchArchive(t, front, "", ""), "fits in front of them as well as behind"},
		"a whole model":    {torchArchive(t, good, "cmynet\nModel\n(", "tR"), "an object of class mynet.Model, which only its own code can make sense of: save the weights alone"},
		"code":             {torchArchive(t, good, "", "0cos\nsystem\n(X\x02\x00\x00\x00lstR"), "an object of class os.system"},
		"pairs":            {torchArchive(t, good, "", "0ccollections\nOrderedDict\n]\x85R"), "an object of class collections.OrderedDict"},
		"a cut pickle":     {torchArchive(t, good, "\x93", ""), "data.pkl"},
		"a view beyond":    {torchArchive(t, long, "", ""), "reaches beyond its storage"},
		"no zip":           {[]byte("PK\x03\x04 and nothing"), "not a PyTorch archive"},
	} {
		if err := read(c.b); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, c.want)
		}
	}
}

// TestTorchEmbedding tells a matrix without a bias: refused by its name, or where the file says
// that it comes first, and else said.
func TestTorchEmbedding(t *testing.T) {
	net := sample(nn.GRU, 1)
	for i := range net.Layers {
		net.Layers[i].Features, net.Layers[i].Kernel = net.Layers[i].Units, make([]float32, net.Layers[i].Units*3*net.Layers[i].Units)
	}
	net.Features, net.Outputs = net.Layers[0].Units, net.Layers[0].Units+1
	net.HeadKernel, net.HeadBias = make([]float32, net.Features*net.Outputs), make([]float32, net.Outputs)
	all := torchEntries(t, net)
	rnn, fc := all[:4], all[4]
	read := func(entries ...entry) ([]string, error) {
		b := torchArchive(t, entries, "", "")
		n, err := ReadTorch("w.pt", bytes.NewReader(b), int64(len(b)), Stated{})
		if err != nil {
			return nil, err
		}
		return n.Facts.Assumed, nil
	}
	if fc.name != "fc.weight" {
		t.Fatalf("the fifth tensor is %q", fc.name)
	}
	if said, err := read(append(append([]entry(nil), rnn...), fc)...); err != nil || !strings.Contains(strings.Join(said, "\n"), `"fc.weight", which has no bias, is the linear layer`) {
		t.Errorf("behind the GRU: %q, %v", said, err)
	}
	if said, err := read(all...); err != nil || strings.Contains(strings.Join(said, "\n"), "embeddings") {
		t.Errorf("with a bias: %q, %v", said, err)
	}
	if _, err := read(append([]entry{fc}, rnn...)...); err == nil || !strings.Contains(err.Error(), "may be a table of embeddings") {
		t.Errorf("in front of the GRU: %v", err)
	}
	fc.name = "token_Embedding.weight"
	if _, err := read(append(append([]entry(nil), rnn...), fc)...); err == nil || !strings.Contains(err.Error(), "may be a table of embeddings") {
		t.Errorf("by its name: %v", err)
	}
}

func FuzzPickle(f *testing.F) {
	b := torchArchive(f, torchEntries(f, sample(nn.GRU, 1)), "", "")
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		f.Fatal(err)
	}
	rc, err := z.Open("archive/data.pkl")
	if err != nil {
		f.Fatal(err)
	}
	var p bytes.Buffer
	p.ReadFrom(rc)
	f.Add(p.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		root, err := unpickle(raw)
		if err != nil {
			return
		}
		x := &torchFile{file: "fuzz", records: recordsOf(z), folder: "archive/", storages: map[string][]byte{}}
		if c, err := x.container(root); err == nil && c.isTorch() {
			_, _ = c.readTorch(Stated{})
		}
	})
}

func recordsOf(z *zip.Reader) map[string]*zip.File {
	m := map[string]*zip.File{}
	for _, f := range z.File {
		m[f.Name] = f
	}
	return m
}
