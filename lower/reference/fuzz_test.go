package reference

import (
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/reference/vectors"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

// FuzzInvoke executes whatever model can be read and is small. It has to be
// refused or executed, twice with the same result.
func FuzzInvoke(f *testing.F) {
	f.Add(testdata.ReadShared(f, "data/models/hello_world_int8.tflite"))
	for _, file := range []string{"ops-int8.json", "softmax-int8.json", "lstm-int8.json"} {
		seen := map[string]bool{}
		for _, c := range vectors.Load(f, file) {
			if seen[c.Op] {
				continue
			}
			seen[c.Op] = true
			b, err := tflite.Write(c.Graph)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := tflite.Read("fuzz", data)
		if err != nil || !quick(g) {
			return
		}
		it, err := New(g)
		if err != nil {
			return
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
	})
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
