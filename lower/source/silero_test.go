// SPDX-License-Identifier: Apache-2.0

package source_test

import (
	"context"
	"encoding/binary"
	"math"
	"slices"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/source"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/testdata"
)

// speech is calls of Silero VAD: 64 samples of the call before and 512 new ones.
type speech struct {
	samples     []float32
	first, last int // calls
}

func (s speech) Len() int      { return 1 }
func (s speech) Calls(int) int { return s.last - s.first }
func (s speech) Feed(_, call, _ int, dst []float32) error {
	at := (s.first + call) * 512
	for i := range dst {
		if dst[i] = 0; at-64+i >= 0 {
			dst[i] = s.samples[at-64+i]
		}
	}
	return nil
}

// A product of other people: a voice detector with a Fourier transform, magnitudes,
// convolutions and an LSTM. Calibrated on the first half of a recording, with the widths
// that the default bound chooses, it keeps its decisions on the second, whole on the NPU,
// and both witnesses give the same bytes. With the weights in SRAM, where they do not set
// the pace, it takes an eighth fewer cycles than with 16 bits everywhere: the product of the
// state reads 8 bits of what is kept in 16.
func TestSilero(t *testing.T) {
	if testing.Short() {
		t.Skip("a minute of speech")
	}
	ctx := context.Background()
	n, err := source.OpenONNX(testdata.Shared(t, "data", "silero", "silero_vad_16k_op15.onnx"), source.Options{
		Shapes: map[string][]int{"input": {1, 576}}, Set: map[string][]float64{"sr": {16000}}, States: []string{"state=stateN"}})
	if err != nil {
		t.Fatal(err)
	}
	raw := testdata.ReadShared(t, "data", "silero", "speech_16k.wav")[44:]
	samples := make([]float32, len(raw)/2)
	for i := range samples {
		samples[i] = float32(int16(binary.LittleEndian.Uint16(raw[2*i:]))) / 32768
	}
	const calibrated, all, window = 938, 1875, 79
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	roles := unroll.Roles{Role: n.Role, Sums: n.Sums, Carried: n.Carried, Bounds: n.Bounds}
	o := compile.Options{Accel: accel, WeightsInSRAM: true}
	cycles := compile.Cycles(o)
	r, err := lower.LowerGraph(ctx, n.Graph, roles, speech{samples, 0, calibrated}, lower.Options{Activations: lower.Auto, Cost: cycles})
	if err != nil {
		t.Fatal(err)
	}
	want, err := r.RunFloat(ctx, speech{samples, 0, all})
	if err != nil {
		t.Fatal(err)
	}
	got, err := r.Run(ctx, speech{samples, 0, all})
	if err != nil {
		t.Fatal(err)
	}
	mean, other := 0.0, 0
	var worst []float64
	for i := calibrated; i < all; i++ {
		d := math.Abs(float64(got[0][i] - want[0][i]))
		mean += d / (all - calibrated)
		if (got[0][i] > 0.5) != (want[0][i] > 0.5) {
			other++
		}
		if (i-calibrated)%window == 0 {
			worst = append(worst, 0)
		}
		worst[len(worst)-1] = max(worst[len(worst)-1], d)
	}
	slices.Sort(worst)
	median := worst[len(worst)/2]
	t.Logf("mean error %.4f, %d decisions differ, median of the largest in %d calls %.3f", mean, other, window, median)
	if mean > 0.004 || other > 1 || median > 0.05 {
		t.Errorf("mean error %v, %d decisions differ, median of the largest in %d calls %v; expected at most 0.004, 1 and 0.05", mean, other, window, median)
	}
	if c := r.Widths.Choice; c.Cost > 0.87*c.All16.Cost || !r.Widths.Expected || r.Widths.Loss > r.Widths.Aim {
		t.Errorf("%v cycles, with 16 bits everywhere %v; expected loss %v, aimed at %v", c.Cost, c.All16.Cost, r.Widths.Loss, r.Widths.Aim)
	}
	if d := r.Outputs[0].Decided; d == nil || d.Decisions != calibrated || d.Changed > 1 {
		t.Errorf("the output decided %+v on the calibration calls, expected %d decisions of which at most one changed", d, calibrated)
	}
	p, err := compile.Compile(r.Int8, o)
	if err != nil {
		t.Fatal(err)
	}
	proof, err := runner.Prove(r.Int8, p, runner.RandomFeed(r.Int8, 1), runner.ProofOptions{Single: 1, Chain: 3})
	if err != nil || proof.Mismatches > 0 {
		t.Errorf("%v, %+v", err, proof)
	}
}
