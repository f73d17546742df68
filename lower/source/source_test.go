// SPDX-License-Identifier: Apache-2.0

package source

import (
	"encoding/binary"
	"math"
	"os"
	"testing"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/npy"
	"github.com/unroll-npu/unroll/testdata"
)

// TestVoiceActivity runs a recurrent product of other people over a minute of speech,
// state carried, and compares every probability with those of another runtime.
func TestVoiceActivity(t *testing.T) {
	file := testdata.Shared(t, "data", "silero", "silero_vad_16k_op15.onnx")
	n, err := OpenONNX(file, Options{Shapes: map[string][]int{"input": {1, 576}}, Set: map[string][]float64{"sr": {16000}}, States: []string{"state=stateN"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(n.Proof())
	if n.Difference > 1e-5 || n.Inputs != 8 {
		t.Errorf("%s", n.Proof())
	}
	raw := testdata.ReadShared(t, "data", "silero", "speech_16k.wav")[44:]
	f, err := os.Open(testdata.Shared(t, "data", "silero", "probabilities.npy"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	want, err := npy.Read("probabilities.npy", f)
	if err != nil {
		t.Fatal(err)
	}
	exec, err := floatexec.New(n.Graph)
	if err != nil {
		t.Fatal(err)
	}
	r := exec.Runner()
	in, state := make([]float32, 576), make([]float32, 256)
	worst := 0.0
	for call := range want.Shape[0] {
		copy(in, in[512:])
		for i := range 512 {
			in[64+i] = float32(int16(binary.LittleEndian.Uint16(raw[2*(call*512+i):]))) / 32768
		}
		out, err := r.Run(1, [][]float32{in, state})
		if err != nil {
			t.Fatal(err)
		}
		worst = math.Max(worst, math.Abs(float64(out[0].Row(0)[0])-want.Float(call)))
		copy(state, out[1].Row(0))
	}
	if worst > 1e-4 {
		t.Errorf("largest difference of %d probabilities: %g, expected at most 1e-4", want.Shape[0], worst)
	}
	t.Logf("largest difference %g", worst)
}
