// SPDX-License-Identifier: Apache-2.0

//go:build unix

package sim

import (
	"sync"
	"testing"

	"github.com/unroll-npu/unroll/testdata"
)

// BenchmarkGRU256 measures whole MNIST inferences of the GRU with 256 units (6 million
// multiplications each), one at a time on one core.
func BenchmarkGRU256(b *testing.B) {
	s, c, g := benchModel(b)
	m := s.NewMemory()
	n := 0
	start := testdata.CPUSeconds()
	for b.Loop() {
		in := g.Inputs[0]
		copy(m[1][c.in[0]:], g.bin[in.Offset+n%g.Count*in.Bytes:][:in.Bytes])
		if err := s.Run(m); err != nil {
			b.Fatal(err)
		}
		n++
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "inferences/s")
	b.ReportMetric(float64(n)/(testdata.CPUSeconds()-start), "inferences/cpu-s")
}

// BenchmarkGRU256Batch is the same on all cores.
func BenchmarkGRU256Batch(b *testing.B) {
	s, c, g := benchModel(b)
	pool := sync.Pool{New: func() any { m := s.NewMemory(); return &m }}
	b.RunParallel(func(pb *testing.PB) {
		m := pool.Get().(*Memory)
		defer pool.Put(m)
		for pb.Next() {
			in := g.Inputs[0]
			copy(m[1][c.in[0]:], g.bin[in.Offset:][:in.Bytes])
			if err := s.Run(*m); err != nil {
				b.Error(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "inferences/s")
}

func benchModel(b *testing.B) (*Sim, *compiled, *golden) {
	c := readCompiled(b, "gru256_mnist.vela51-u55-128.tflite")
	s, err := Prepare(c.accel, c.words, c.regions)
	if err != nil {
		b.Fatal(err)
	}
	return s, c, readGolden(b, "gru256_mnist")
}
