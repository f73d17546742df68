// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"context"
	"encoding/binary"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/quantize"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/lower/source"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/testdata"
)

// frames are feature vectors of a recording in 2 sequences.
type frames struct{ rows [][]float32 }

func (f frames) Len() int      { return 2 }
func (f frames) Calls(int) int { return len(f.rows) / 2 }
func (f frames) Feed(i, call, _ int, dst []float32) error {
	copy(dst, f.rows[i*(len(f.rows)/2)+call])
	return nil
}

// realTwin returns an integer graph as the float graph that it stands for: constants are
// real numbers, and what only changes scales is nothing.
func realTwin(t *testing.T, g *graph.Graph) *graph.Graph {
	f := &graph.Graph{Name: g.Name, Inputs: g.Inputs, Outputs: g.Outputs, States: g.States}
	same := map[graph.TensorID]graph.TensorID{}
	for _, op := range g.Ops {
		at := *op
		at.Inputs = nil
		for _, in := range op.Inputs {
			if to, ok := same[in]; ok {
				in = to
			}
			at.Inputs = append(at.Inputs, in)
		}
		at.Version = 0
		if op.Kind == graph.Quantize {
			same[op.Outputs[0]] = at.Inputs[0]
			continue
		}
		f.Ops = append(f.Ops, &at)
	}
	for _, x := range g.Tensors {
		y := *x
		if x.Quant != nil {
			y.Type, y.Quant = graph.Float32, nil
			if x.IsConst() {
				y.Data = nil
				for i := range x.Elems() {
					q := int64(0)
					switch x.Type {
					case graph.Int8:
						q = int64(int8(x.Data[i]))
					case graph.Int32:
						q = int64(int32(binary.LittleEndian.Uint32(x.Data[4*i:])))
					default:
						t.Fatalf("tensor %q: a constant of %v", x.Name, x.Type)
					}
					real := float32(float64(x.Scale()) * float64(q-int64(x.ZeroPoint())))
					y.Data = binary.LittleEndian.AppendUint32(y.Data, math.Float32bits(real))
				}
			}
		}
		f.Add(&y)
	}
	return f
}

// decibels is the ratio of a signal to the error of another.
func decibels(want, got []float32) float64 {
	signal, noise := 0.0, 0.0
	for i, v := range want {
		d := float64(got[i]) - float64(v)
		signal += float64(v) * float64(v)
		noise += d * d
	}
	return 10 * math.Log10(signal/noise)
}

// features makes what RNNoise takes of a recording: 22 cepstral coefficients, how the
// first six change and how that changes, and eight values of a pitch, which are noise here.
func features(t *testing.T, count int) [][]float32 {
	raw := testdata.ReadShared(t, "data", "silero", "speech_16k.wav")[44:]
	wish, err := audio.Parse("mfcc,frame=20ms,hop=10ms,bands=22,coefficients=22")
	if err != nil {
		t.Fatal(err)
	}
	p, err := wish.At(16000)
	if err != nil {
		t.Fatal(err)
	}
	samples := make([]float32, len(raw)/2)
	for i := range samples {
		samples[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
	}
	all := audio.NewExtractor(p).Features(samples)
	random := rand.New(rand.NewPCG(1, 2))
	var rows [][]float32
	for i := 2; i < count+2; i++ {
		now, before, first := all[22*i:22*i+22], all[22*i-22:22*i], all[22*i-44:22*i-22]
		row := append([]float32{}, now...)
		for k := range 6 {
			row = append(row, now[k]-first[k])
		}
		for k := range 6 {
			row = append(row, now[k]-2*before[k]+first[k])
		}
		for range 8 {
			row = append(row, random.Float32()-0.5)
		}
		rows = append(rows, row)
	}
	return rows
}

// RNNoise from float: the float network that the published 8-bit file stands for, written
// as a converter without quantization would. The widths chosen for it keep every output
// 30 dB above what they add, where the published file's are not.
func TestRNNoiseFloat(t *testing.T) {
	if testing.Short() {
		t.Skip("a search of widths")
	}
	ctx := context.Background()
	published, err := tflite.Read("rnnoise_int8.tflite", testdata.ReadShared(t, "data", "models", "rnnoise_int8.tflite"))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := tflite.Write(realTwin(t, published))
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "rnnoise.tflite")
	if err := os.WriteFile(file, raw, 0o666); err != nil {
		t.Fatal(err)
	}
	n, err := source.Open(file, source.Options{})
	if err != nil {
		t.Fatal(err)
	}
	rows := features(t, 1600)
	r, err := lower.LowerGraph(ctx, n.Graph, unroll.Roles{Role: n.Role, Sums: n.Sums, Carried: n.Carried, Bounds: n.Bounds}, frames{rows[:800]}, lower.Options{Activations: lower.Auto})
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.RunFloat(ctx, frames{rows[800:]})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Run(ctx, frames{rows[800:]})
	if err != nil {
		t.Fatal(err)
	}
	theirs := run(t, published, frames{rows[800:]})
	for o, out := range r.Outputs {
		chosen, given := decibels(want[o], got[o]), decibels(want[o], theirs[o])
		t.Logf("%s: %.1f dB with the chosen widths, %.1f dB in the published file", out.Name, chosen, given)
		if chosen < 30 {
			t.Errorf("%s: %.1f dB, expected 30 at least", out.Name, chosen)
		}
		if chosen < given {
			t.Errorf("%s: %.1f dB, and the published file has %.1f", out.Name, chosen, given)
		}
	}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	p, err := compile.Compile(r.Int8, compile.Options{Accel: accel})
	if err != nil {
		t.Fatal(err)
	}
	proof, err := runner.Prove(r.Int8, p, runner.RandomFeed(r.Int8, 1), runner.ProofOptions{Single: 1, Chain: 3})
	if err != nil || proof.Mismatches > 0 {
		t.Errorf("%v, %+v", err, proof)
	}
}

// run returns the real values of what an integer graph gives besides its states.
func run(t *testing.T, g *graph.Graph, calls frames) [][]float32 {
	it, err := reference.New(g)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]float32
	for i := range calls.Len() {
		it.Reset()
		for call := range calls.Calls(i) {
			if call > 0 {
				it.Carry()
			}
			in := g.Tensors[g.Inputs[0]]
			row := make([]float32, in.Elems())
			if err := calls.Feed(i, call, 0, row); err != nil {
				t.Fatal(err)
			}
			if err := quantize.Values(it.Input(0), in, row); err != nil {
				t.Fatal(err)
			}
			if err := it.Invoke(); err != nil {
				t.Fatal(err)
			}
			at := 0
			for o, id := range g.Outputs {
				if slices.ContainsFunc(g.States, func(s graph.State) bool { return s.Out == id }) {
					continue
				}
				values := make([]float32, g.Tensors[id].Elems())
				if err := quantize.Real(values, g.Tensors[id], it.Output(o)); err != nil {
					t.Fatal(err)
				}
				if at == len(out) {
					out = append(out, nil)
				}
				out[at] = append(out[at], values...)
				at++
			}
		}
	}
	return out
}
