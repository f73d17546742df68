// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"math"
	"testing"

	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

func BenchmarkStep(b *testing.B) {
	set, _ := dataset.Digits(1, 256, 0)
	for _, c := range []struct {
		name string
		c    Config
	}{
		{"gru256", Config{Cell: nn.GRU}}, {"lstm256", Config{Cell: nn.LSTM}}, {"rnn256", Config{Cell: nn.SimpleRNN}},
		{"mingru3x128", Config{Cell: nn.MinGRU, Window: 2, Layers: 3, Units: 128}}, {"mingru256", Config{Cell: nn.MinGRU, Window: 2, Units: 256}},
	} {
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("%s/%d", c.name, workers), func(b *testing.B) {
				c := c.c
				c.Workers = workers
				c, err := c.withDefaults(0)
				if err != nil {
					b.Fatal(err)
				}
				net, err := c.network(set)
				if err != nil {
					b.Fatal(err)
				}
				Initialize(net, 1)
				r := newRun(c, net, set)
				defer r.engine.close()
				r.engine.load(net)
				batch := make([]int, 32)
				for b.Loop() {
					r.train(batch, 1e-4)
				}
				b.ReportMetric(32*float64(b.N)/b.Elapsed().Seconds(), "sequences/s")
				b.ReportMetric(32*flop(net)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

func TestBench(t *testing.T) {
	speeds, err := Bench(Config{Units: 16, Batch: 4, Workers: 2}, 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	if len(speeds) != 2 || speeds[0].Workers != 1 || speeds[1].Workers != 2 {
		t.Fatalf("measured %+v, expected one and two workers", speeds)
	}
	for _, s := range speeds {
		if !(s.Sequences >= s.Median && s.Median > 0 && s.GFLOPS > 0 && s.Peak > 0 && s.Epoch > 0) {
			t.Errorf("measured %+v", s)
		}
	}
}

// 35.0 million operations an image for a GRU of 256 units on MNIST, 46.7 for an
// LSTM, 11.7 for a SimpleRNN.
func TestFlop(t *testing.T) {
	for cell, want := range map[nn.Cell]float64{nn.GRU: 35.0, nn.LSTM: 46.7, nn.SimpleRNN: 11.7} {
		net := &nn.Network{Steps: 28, Layers: []nn.Layer{{Cell: cell, Features: 28, Units: 256}}}
		if got := flop(net) / 1e6; math.Abs(got-want) > 0.1 {
			t.Errorf("%v: %.2f million operations, want %.1f", cell, got, want)
		}
	}
}
