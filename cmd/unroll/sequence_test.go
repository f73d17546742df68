// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/train/nn"
)

// noise is a set of random sequences.
type noise struct{ steps, features int }

func (n noise) Len() int        { return 40 }
func (n noise) Label(i int) int { return i % 3 }

func (n noise) Sample(i int, dst []float32) {
	r := rand.New(rand.NewPCG(5, uint64(i)))
	for j := range dst[:n.steps*n.features] {
		dst[j] = float32(r.NormFloat64())
	}
}

// randomNet is an untrained network.
func randomNet(cell nn.Cell, layers, units, features, steps, outputs int, seed uint64) *nn.Network {
	r := rand.New(rand.NewPCG(seed, 3))
	values := func(n int, size float64) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = float32(size * r.NormFloat64())
		}
		return v
	}
	net := &nn.Network{Name: fmt.Sprintf("%v%dx%d", cell, units, layers), Steps: steps, Features: features, Outputs: outputs}
	in := features
	for range layers {
		columns := cell.Gates() * units
		bias := columns
		if cell == nn.GRU {
			bias *= 2
		}
		net.Layers = append(net.Layers, nn.Layer{Cell: cell, Units: units, Features: in, ResetAfter: cell == nn.GRU,
			Kernel: values(in*columns, 0.4), Recurrent: values(units*columns, 0.4), Bias: values(bias, 0.1)})
		in = units
	}
	net.HeadKernel, net.HeadBias = values(in*outputs, 0.5), values(outputs, 0.1)
	return net
}

// TestSequenceEqualsUnrolled lowers random networks in both forms and lets four
// models of one call give the same bytes: the unrolled graph and the step's graph
// carried on by the reference interpreter, the unrolled stream and the sequence of
// streams by the simulator; states go on from call to call.
func TestSequenceEqualsUnrolled(t *testing.T) {
	for i, c := range []struct {
		net         *nn.Network
		form        lower.Form
		activations lower.Activations
		accel, mode string
		perStep     bool
		weights     bool // in SRAM from the start
	}{
		{net: randomNet(nn.GRU, 1, 24, 7, 9, 4, 1), accel: "ethos-u55-128"},
		{net: randomNet(nn.GRU, 2, 16, 16, 6, 3, 2), accel: "ethos-u55-64", mode: "Sram_Only"},
		{net: randomNet(nn.GRU, 1, 20, 5, 5, 3, 3), accel: "ethos-u65-256", mode: "Dedicated_Sram", form: lower.FormKeras},
		{net: randomNet(nn.GRU, 1, 33, 12, 4, 5, 4), accel: "ethos-u55-256", perStep: true},
		{net: randomNet(nn.LSTM, 1, 16, 9, 7, 3, 5), accel: "ethos-u55-32"},
		{net: randomNet(nn.LSTM, 2, 12, 4, 5, 2, 6), accel: "ethos-u65-512", perStep: true},
		{net: randomNet(nn.LSTM, 1, 18, 6, 4, 3, 7), accel: "ethos-u55-128", form: lower.FormKeras, weights: true},
		{net: randomNet(nn.SimpleRNN, 1, 40, 11, 8, 4, 8), accel: "ethos-u65-512", mode: "Dedicated_Sram"},
		{net: randomNet(nn.SimpleRNN, 3, 16, 3, 6, 3, 9), accel: "ethos-u55-128", weights: true},
		{net: randomNet(nn.GRU, 1, 16, 8, 6, 3, 10), accel: "ethos-u55-128", activations: lower.Mixed},
		{net: randomNet(nn.LSTM, 1, 16, 8, 6, 3, 11), accel: "ethos-u65-256", activations: lower.Int16},
	} {
		t.Run(fmt.Sprintf("%d-%s-%s%s", i, c.net.Name, c.accel, c.mode), func(t *testing.T) {
			set := noise{c.net.Steps, c.net.Features}
			o := lower.Options{StateIO: true, Form: c.form, Activations: c.activations, PerStep: c.perStep, CalibrationSamples: 20}
			unrolled, err := lower.Lower(context.Background(), c.net, set, o)
			if err != nil {
				t.Fatal(err)
			}
			o.Steps = 1
			step, err := lower.Lower(context.Background(), c.net, set, o)
			if err != nil {
				t.Fatal(err)
			}
			accel, err := ethosu.ParseAccelerator(c.accel)
			if err != nil {
				t.Fatal(err)
			}
			co := compile.Options{Accel: accel, WeightsInSRAM: c.weights}
			if c.mode != "" {
				if co.Mode, err = ethosu.ParseMemoryMode(c.mode); err != nil {
					t.Fatal(err)
				}
			}
			one, err := compile.Compile(unrolled.Int8, co)
			if err != nil {
				t.Fatal(err)
			}
			many, err := compile.Sequence(step.Int8, compile.SequenceOptions{Steps: c.net.Steps, PerStep: c.perStep}, co)
			if err != nil {
				t.Fatal(err)
			}
			if f := verify.Program(many).All(); len(f) > 0 {
				t.Fatalf("%d findings, the first: %v", len(f), f[0])
			}
			for _, s := range many.Stages {
				t.Logf("stage %s: %d times, %d words, %d operations", s.Name, s.Times, len(s.Commands), len(s.Ops))
			}
			ref, err := runner.NewReference(unrolled.Int8)
			if err != nil {
				t.Fatal(err)
			}
			carried, err := runner.NewReference(step.Int8)
			if err != nil {
				t.Fatal(err)
			}
			if carried, err = runner.NewCarried(carried, c.net.Steps, c.perStep); err != nil {
				t.Fatal(err)
			}
			stream, err := runner.NewSimulator(one)
			if err != nil {
				t.Fatal(err)
			}
			races := 0
			sequence, err := runner.NewProbed(many, runner.Probe{Adversarial: true, Report: func(f string) { races++; t.Error(f) }})
			if err != nil {
				t.Fatal(err)
			}
			for name, m := range map[string]runner.Model{"carried step": carried, "unrolled stream": stream, "sequence of streams": sequence} {
				r, err := runner.Compare(ref, m, 6, runner.RandomFeed(unrolled.Int8, uint64(i)), nil)
				if err != nil {
					t.Fatalf("%s: %v", name, err)
				}
				if r.First != nil {
					t.Errorf("%s: %d of %d calls differ, the first: %v", name, r.Mismatches, r.Calls, r.First)
				}
			}
		})
	}
}
