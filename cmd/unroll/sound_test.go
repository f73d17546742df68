// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/train/checkpoint"
)

// tones is a command of the scripts: tones DIR writes recordings of two kinds of sound by
// three speakers, the same on every machine.
func tones(dir string) error {
	for k, kind := range []string{"high", "low"} {
		if err := os.MkdirAll(filepath.Join(dir, kind), 0o777); err != nil {
			return err
		}
		for i := range 24 {
			r := rand.New(rand.NewPCG(uint64(k), uint64(i)))
			n := 1600 + r.IntN(800)
			b := []byte("RIFF\x00\x00\x00\x00WAVEfmt \x10\x00\x00\x00\x01\x00\x01\x00\x40\x1f\x00\x00\x80\x3e\x00\x00\x02\x00\x10\x00data")
			b = binary.LittleEndian.AppendUint32(b, uint32(2*n))
			period := []int{4, 14}[k] + r.IntN(3)
			for j := range n {
				v := r.IntN(2000) - 1000
				if j%period < period/2 {
					v += 6000
				}
				b = binary.LittleEndian.AppendUint16(b, uint16(int16(v)))
			}
			name := filepath.Join(dir, kind, fmt.Sprintf("%c_%d.wav", 'a'+i%3, i))
			if err := os.WriteFile(name, b, 0o666); err != nil {
				return err
			}
		}
	}
	return nil
}

// floatGraph is a command of the scripts: floatgraph NET GRAPH writes a network of layers as a graph of
// floats that takes raw features, as somebody else would.
func floatGraph(net, out string) error {
	n, err := checkpoint.Open(net)
	if err != nil {
		return err
	}
	g, err := lower.Float(n, lower.Options{FoldStandardization: true})
	if err != nil {
		return err
	}
	b, err := tflite.WriteModel(&tflite.Model{Graph: g})
	if err != nil {
		return err
	}
	return os.WriteFile(out, b, 0o666)
}
