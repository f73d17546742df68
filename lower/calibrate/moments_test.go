// SPDX-License-Identifier: Apache-2.0

package calibrate_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"runtime"
	"testing"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
	"github.com/unroll-npu/unroll/train/nn"
)

// The moments of the input are those of the samples, in any form and number of
// steps, and those of a head that decides at the end are of the ends.
func TestMoments(t *testing.T) {
	net := &nn.Network{
		Name: "n", Steps: 4, Features: 2, Outputs: 1, Task: nn.Regression,
		Layers: []nn.Layer{{Cell: nn.SimpleRNN, Activation: nn.Relu, Features: 2, Units: 1,
			Kernel: []float32{1, 0}, Recurrent: []float32{0}, Bias: []float32{0}}}, // h is the first feature
		HeadKernel: []float32{1}, HeadBias: []float32{0},
	}
	r := rand.New(rand.NewPCG(5, 6))
	samples := make([][]float32, 70)
	var mean, square [2]float64
	var cross, end float64
	for i := range samples {
		samples[i] = make([]float32, 8)
		for at := 0; at < 8; at += 2 {
			a, b := r.Float64(), r.NormFloat64()
			samples[i][at], samples[i][at+1] = float32(a), float32(a+b)
			for k, v := range []float64{a, a + b} {
				mean[k] += v / 280
				square[k] += v * v / 280
			}
			cross += a * (a + b) / 280
		}
		end += float64(samples[i][6]) / 70
	}
	near := func(what string, got, want float64) {
		t.Helper()
		if math.Abs(got-want) > 1e-6 {
			t.Errorf("%s: %v, expected %v", what, got, want)
		}
	}
	for _, o := range []unroll.Options{{StateIO: true}, {StateIO: true, Steps: 1}, {}, {StateIO: true, Form: unroll.Keras}} {
		plan, err := unroll.Build(net, o)
		if err != nil {
			t.Fatal(err)
		}
		collect := func() map[graph.TensorID]*calibrate.Moments {
			m, err := calibrate.CollectMoments(plan, samples)
			if err != nil {
				t.Fatal(err)
			}
			return m
		}
		got := collect()
		m := got[plan.Graph.Find("rnn0/kernel")]
		near("mean of the first feature", m.Mean[0], mean[0])
		near("mean of the second", m.Mean[1], mean[1])
		near("variance of the first", m.Covariance[0], square[0]-mean[0]*mean[0])
		near("variance of the second", m.Covariance[3], square[1]-mean[1]*mean[1])
		near("covariance", m.Covariance[2], cross-mean[0]*mean[1])
		near("mean at the end", got[plan.Graph.Find("head/kernel")].Mean[0], end)

		old := runtime.GOMAXPROCS(1)
		if !reflect.DeepEqual(got, collect()) {
			t.Error("one processor gives other moments")
		}
		runtime.GOMAXPROCS(old)
	}
}
