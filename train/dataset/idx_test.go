// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

func TestOpenMNIST(t *testing.T) {
	train, test, err := OpenMNIST(testdata.Shared(t, "data/mnist"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		set    *Set
		counts []int
		first  []int
		mean   float64
	}{
		{train, []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, []int{5, 0, 4, 1, 9, 2, 1, 3, 1, 4}, 0.130660},
		{test, []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, []int{7, 2, 1, 0, 4, 1, 4, 9, 5, 9}, 0.132515},
	} {
		if got := c.set.Counts(); !slices.Equal(got, c.counts) {
			t.Errorf("%s: class counts %v, want %v", c.set.Name, got, c.counts)
		}
		for i, l := range c.first {
			if c.set.Label(i) != l {
				t.Errorf("%s: label %d is %d, want %d", c.set.Name, i, c.set.Label(i), l)
			}
		}
		var sum float64
		x := make([]float32, c.set.Steps*c.set.Features)
		for i := range c.set.Len() {
			c.set.Sample(i, x)
			for _, v := range x {
				sum += float64(v)
			}
		}
		if mean := sum / float64(c.set.Len()*len(x)); math.Abs(mean-c.mean) > 1e-6 {
			t.Errorf("%s: mean pixel %.6f, want %.6f", c.set.Name, mean, c.mean)
		}
	}
}

// idx builds an IDX file of n zero bytes with the given header.
func idx(magic uint32, data int, dims ...uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return append(b, make([]byte, data)...)
}

func zip(b []byte) []byte {
	var buf bytes.Buffer
	w := gzip.NewWriter(&buf)
	w.Write(b)
	w.Close()
	return buf.Bytes()
}

func TestBadIDX(t *testing.T) {
	good := idx(0x803, 4*2*3, 4, 2, 3)
	labels := idx(0x801, 4, 4)
	nines := bytes.Clone(labels)
	nines[9] = 10
	for _, c := range []struct {
		name           string
		images, labels []byte
		want           string
	}{
		{"truncated header", good[:9], labels, "train-images-idx3-ubyte: 9 bytes, but the IDX header alone takes 16"},
		{"wrong magic", idx(0x801, 24, 4, 2, 3), labels, "magic number 0x00000801, expected 0x00000803"},
		{"truncated data", good[:30], labels, "14 bytes of data after the header, expected 24"},
		{"data too long", append(bytes.Clone(good), 0), labels, "25 bytes of data after the header, expected 24"},
		{"zero dimension", idx(0x803, 0, 0, 2, 3), labels, "dimension 0 is 0"},
		{"absurd dimension", idx(0x803, 0, 0xffffffff, 0xffffffff, 3), labels, "the header is wrong"},
		{"counts differ", good, idx(0x801, 5, 5), "train-labels-idx1-ubyte: 5 labels, but "},
		{"label too large", good, nines, "label 1 is 10, expected 0..9"},
		{"broken gzip", zip(good)[:20], labels, "broken gzip data"},
		{"missing labels", good, nil, "neither train-labels-idx1-ubyte nor train-labels-idx1-ubyte.gz is there"},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			for name, b := range map[string][]byte{"train-images-idx3-ubyte": c.images, "train-labels-idx1-ubyte": c.labels} {
				if b != nil {
					if err := os.WriteFile(filepath.Join(dir, name), b, 0o666); err != nil {
						t.Fatal(err)
					}
				}
			}
			_, _, err := OpenMNIST(dir)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func FuzzIDX(f *testing.F) {
	f.Add(idx(0x803, 24, 4, 2, 3))
	f.Add(zip(idx(0x803, 24, 4, 2, 3)))
	f.Add(idx(0x803, 0, 0xffffffff, 0xffffffff, 0xffffffff))
	f.Fuzz(func(t *testing.T, raw []byte) {
		dims, data, err := readIDX("fuzz", raw, 3)
		if err == nil && dims[0]*dims[1]*dims[2] != len(data) {
			t.Errorf("dims %v with %d bytes", dims, len(data))
		}
	})
}
