// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"flag"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/vectors"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// seeds returns small models: one for each operator of the golden vectors, and CAST.
func seeds(t testing.TB) [][]byte {
	models := [][]byte{testdata.ReadShared(t, "data/models/gru16_t4.tflite")}
	for _, file := range []string{"ops-int8.json", "softmax-int8.json", "lstm-int8.json"} {
		seen := map[string]bool{}
		for _, c := range vectors.Load(t, file) {
			if seen[c.Op] {
				continue
			}
			seen[c.Op] = true
			b, err := tflite.Write(c.Graph)
			if err != nil {
				t.Fatal(err)
			}
			models = append(models, b)
		}
	}
	b, err := tflite.Write(castGraph())
	if err != nil {
		t.Fatal(err)
	}
	return append(models, b)
}

// FuzzInvoke executes whatever model can be read and is small.
func FuzzInvoke(f *testing.F) {
	for _, b := range seeds(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, data []byte) { execute(t, data) })
}

// TestDamagedModels does the same with damage from a fixed seed.
func TestDamagedModels(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	executed := 0
	for _, model := range seeds(t) {
		for range *damages {
			b := append([]byte(nil), model...)
			for range 1 + rng.IntN(3) {
				at := rng.IntN(len(b))
				switch rng.IntN(3) {
				case 0:
					b[at] = byte(rng.Uint32())
				case 1:
					b[at] ^= 1 << rng.IntN(8)
				default:
					b[at] += byte(rng.IntN(5)) - 2
				}
			}
			if execute(t, b) {
				executed++
			}
		}
	}
	if executed == 0 {
		t.Error("no damaged model could be executed, so the test shows little")
	}
}

var damages = flag.Int("damages", 60, "damaged versions of every model")

// execute requires a model to be refused, or to give the same result twice.
func execute(t *testing.T, data []byte) bool {
	g, err := tflite.Read("fuzz", data)
	if err != nil || !quick(g) {
		return false
	}
	it, err := New(g)
	if err != nil {
		return false
	}
	if err := it.Invoke(); err != nil {
		t.Fatal(err)
	}
	var first [][]byte
	for k := range g.Outputs {
		first = append(first, append([]byte(nil), it.Output(k)...))
	}
	it.Reset()
	if err := it.Invoke(); err != nil {
		t.Fatal(err)
	}
	for k := range first {
		if at := firstDifference(first[k], it.Output(k)); at >= 0 {
			t.Errorf("output %d differs at byte %d in the second call", k, at)
		}
	}
	return true
}

// quick reports whether the graph takes little time: few elements, no large windows.
func quick(g *graph.Graph) bool {
	n := 0
	for _, t := range g.Tensors {
		n += t.Elems()
	}
	for _, op := range g.Ops {
		switch a := op.Attr.(type) {
		case graph.Pool2DAttr:
			n += a.FilterH * a.FilterW
		case graph.CustomAttr:
			return false
		}
	}
	return n < 1<<14
}
