// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"maps"
	"math"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/train/nn"
)

// source is what a set that knows where it comes from offers.
type source interface{ Source() string }

// factsOf collects what is known of a network, and by which samples it is quantized.
func factsOf(net *nn.Network, set Samples, samples [][]float32) *facts.Facts {
	f := &facts.Facts{
		Task: facts.Classification, Classes: net.Classes, Steps: net.Steps, PerStep: net.PerStep, Mean: net.Mean, Std: net.Std,
		Calibration: &facts.Calibration{Sequences: len(samples), SHA256: hashOf(samples)},
	}
	if net.Task == nn.Regression {
		f.Task = facts.Regression
	}
	if s, ok := set.(source); ok {
		f.Calibration.Source = s.Source()
	}
	if net.Facts != nil {
		f.Data, f.Audio, f.Assumed, f.Figures = net.Facts.Data, net.Facts.Audio, net.Facts.Assumed, maps.Clone(net.Facts.Figures)
	}
	return f
}

func hashOf(samples [][]float32) string {
	h := sha256.New()
	var b []byte
	for _, s := range samples {
		b = b[:0]
		for _, x := range s {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		h.Write(b)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// Encode returns the quantized graph as a .tflite file that carries the network's facts.
func (r *Result) Encode() ([]byte, error) { return Encode(r.Int8, r.Facts) }

// Encode returns a graph as a .tflite file that carries facts.
func Encode(g *graph.Graph, f *facts.Facts) ([]byte, error) {
	b, err := f.Encode()
	if err != nil {
		return nil, err
	}
	return tflite.WriteModel(&tflite.Model{Graph: g, Metadata: []tflite.Metadata{{Name: facts.Metadata, Data: b}}})
}
