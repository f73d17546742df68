// SPDX-License-Identifier: Apache-2.0

package reference

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
)

type recorded struct {
	Name   string
	Tensor int
	Bytes  int
	Offset int
}

type recording struct {
	Model           string
	Bin             string
	Count           int
	Inputs, Outputs []recorded
	State           []struct{ Input, Output int }
	SequenceLength  int `json:"sequence_length"`
	Tensors         []recorded
	bin             []byte
}

// ioFiles are the recordings of whole models.
var ioFiles = []string{"gru16_t4", "gru256_mnist", "gru256_mnist_state", "gru32x40_stream", "hello_world_int8", "lstm64_mnist_state",
	"rnn64_mnist", "rnnoise_int8_published", "tflm_mnist_lstm20_int8"}

func load(t testing.TB, file string) (*recording, *graph.Graph) {
	t.Helper()
	var r recording
	if err := json.Unmarshal(testdata.ReadShared(t, "data/models/"+file), &r); err != nil {
		t.Fatal(err)
	}
	r.bin = testdata.ReadShared(t, "data/models/"+r.Bin)
	g, err := tflite.Read(r.Model, testdata.ReadShared(t, "data/models/"+r.Model))
	if err != nil {
		t.Fatal(err)
	}
	return &r, g
}

// value is what tensor x held in inference i.
func (r *recording) value(x recorded, i int) []byte {
	return r.bin[x.Offset+i*x.Bytes : x.Offset+(i+1)*x.Bytes]
}

// TestRecordedInferences feeds everything as recorded, states included, without
// a reset: variable tensors live on from one recorded inference to the next.
func TestRecordedInferences(t *testing.T) {
	for _, name := range ioFiles {
		t.Run(name, func(t *testing.T) {
			r, g := load(t, name+".io.json")
			it, err := New(g)
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.Count {
				for k, in := range r.Inputs {
					if err := it.Feed(k, r.value(in, i)); err != nil {
						t.Fatal(err)
					}
				}
				if err := it.Invoke(); err != nil {
					t.Fatal(err)
				}
				compareOutputs(t, r, it, i)
			}
		})
	}
}

func compareOutputs(t *testing.T, r *recording, it *Interpreter, i int) {
	t.Helper()
	for k, out := range r.Outputs {
		if at := firstDifference(it.Output(k), r.value(out, i)); at >= 0 {
			t.Errorf("inference %d: output %q differs first at byte %d", i, out.Name, at)
		}
	}
}

// TestCarriedStates feeds the inputs that are not states and carries the
// states itself. The reader has to have found the same pairs as recorded.
func TestCarriedStates(t *testing.T) {
	for _, name := range ioFiles {
		t.Run(name, func(t *testing.T) {
			r, g := load(t, name+".io.json")
			if len(r.State) == 0 {
				return
			}
			want := map[graph.State]bool{}
			isState := map[int]bool{}
			for _, s := range r.State {
				want[graph.State{In: g.Inputs[s.Input], Out: g.Outputs[s.Output]}] = true
				isState[s.Input] = true
			}
			for _, s := range g.States {
				if !want[s] {
					t.Errorf("pair %v is not recorded", s)
				}
				delete(want, s)
			}
			for s := range want {
				t.Errorf("pair %v was not found", s)
			}
			it, err := New(g)
			if err != nil {
				t.Fatal(err)
			}
			for i := range r.Count {
				if i%r.SequenceLength == 0 {
					it.Reset()
				} else {
					it.Carry()
				}
				for k, in := range r.Inputs {
					if !isState[k] {
						copy(it.Input(k), r.value(in, i))
					}
				}
				if err := it.Invoke(); err != nil {
					t.Fatal(err)
				}
				compareOutputs(t, r, it, i)
			}
		})
	}
}

// TestTraces compares every tensor of one inference and names the first that differs.
func TestTraces(t *testing.T) {
	for _, name := range []string{"gru16_t4", "gru256_mnist", "gru32x40_stream", "lstm64_mnist_state", "rnn64_mnist"} {
		t.Run(name, func(t *testing.T) {
			io, g := load(t, name+".io.json")
			trace, _ := load(t, name+".trace.json")
			it, err := New(g)
			if err != nil {
				t.Fatal(err)
			}
			for k, in := range io.Inputs {
				copy(it.Input(k), io.value(in, 0))
			}
			if err := it.Invoke(); err != nil {
				t.Fatal(err)
			}
			if len(trace.Tensors) == 0 {
				t.Fatal("the trace is empty")
			}
			for _, x := range trace.Tensors {
				if at := firstDifference(it.Tensor(graph.TensorID(x.Tensor)), trace.value(x, 0)); at >= 0 {
					t.Fatalf("tensor %d %q differs first at byte %d", x.Tensor, x.Name, at)
				}
			}
		})
	}
}

// TestBatchEqualsSingle runs recorded inferences in parallel and one by one.
func TestBatchEqualsSingle(t *testing.T) {
	r, g := load(t, "gru32x40_stream.io.json")
	it, err := New(g)
	if err != nil {
		t.Fatal(err)
	}
	var inputs [][][]byte
	for i := range 200 {
		var call [][]byte
		for _, in := range r.Inputs {
			call = append(call, r.value(in, i%r.Count))
		}
		inputs = append(inputs, call)
	}
	outputs, err := it.RunBatch(inputs)
	if err != nil {
		t.Fatal(err)
	}
	for i, out := range outputs {
		for k := range out {
			if at := firstDifference(out[k], r.value(r.Outputs[k], i%r.Count)); at >= 0 {
				t.Errorf("call %d: output %d differs first at byte %d", i, k, at)
			}
		}
	}
	inputs[77][0] = inputs[77][0][:3]
	if _, err := it.RunBatch(inputs); err == nil || !strings.Contains(err.Error(), "call 77") {
		t.Errorf("a short input gave the error %v", err)
	}
}

// BenchmarkGRU256 measures inferences of the stateless MNIST GRU on all processors.
func BenchmarkGRU256(b *testing.B) {
	r, g := load(b, "gru256_mnist.io.json")
	it, err := New(g)
	if err != nil {
		b.Fatal(err)
	}
	x := r.value(r.Inputs[0], 0)
	b.Run("one", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			copy(it.Input(0), x)
			if err := it.Invoke(); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "inferences/s")
	})
	b.Run("parallel", func(b *testing.B) {
		b.ResetTimer()
		if err := it.Parallel(b.N, func(w *Interpreter, i int) error {
			copy(w.Input(0), x)
			return w.Invoke()
		}); err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "inferences/s")
	})
}

// TestInvokeAllocatesNothing guards the promise of the package.
func TestInvokeAllocatesNothing(t *testing.T) {
	_, g := load(t, "gru16_t4.io.json")
	it, err := New(g)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(20, func() { _ = it.Invoke() }); n != 0 {
		t.Errorf("Invoke allocates %v times", n)
	}
}
