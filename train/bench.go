// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"io"
	"math"
	"runtime"
	"time"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// Speed is what Bench measured. Rates are of the fastest of many steps, so that
// other work on the machine disturbs them little.
type Speed struct {
	Cell      string  `json:"cell"`
	Units     int     `json:"units"`
	Batch     int     `json:"batch"`
	Workers   int     `json:"workers"`
	Kernels   string  `json:"kernels"`
	Sequences float64 `json:"sequences_per_second"` // training
	Median    float64 `json:"sequences_per_second_median"`
	Epoch     float64 `json:"epoch_seconds"`     // 60,000 sequences at the fastest step
	EpochCPU  float64 `json:"epoch_cpu_seconds"` // processor time of 60,000 sequences, mean of all steps; 0 if unknown
	GFLOPS    float64 `json:"gflops"`            // multiply-adds of the cell's products, each two operations
	Peak      float64 `json:"peak_gflops"`       // measured, all workers together
	Share     float64 `json:"share_of_peak"`     // GFLOPS / Peak
	Products  float64 `json:"products_gflops"`   // the step products alone, one worker
	InProduct float64 `json:"products_share_of_peak"`
}

const (
	settle  = 5     // first steps of a turn, which are not measured
	turn    = 20    // measured steps before another number of workers has its turn
	epochOf = 60000 // sequences of the epoch that times are given for, MNIST's
)

// Bench measures training on sequences of the shape of MNIST: 28 steps of 28
// features, 10 classes. It takes about steps training steps per worker count, with
// one worker and with c.Workers, and writes a line for each to w, which may be nil.
func Bench(c Config, steps int, w io.Writer) ([]Speed, error) {
	c, err := c.withDefaults(0)
	if err != nil {
		return nil, err
	}
	set, _ := dataset.Digits(1, max(256, c.Batch), 0)
	counts := []int{1}
	if c.Workers > 1 {
		counts = append(counts, c.Workers)
	}
	var all []*contender
	for _, workers := range counts {
		c.Workers = workers
		m, err := newContender(c, set)
		if err != nil {
			return nil, err
		}
		defer m.run.engine.close()
		all = append(all, m)
	}
	// Turn by turn, so that what else the machine does is the same for all.
	for done := 0; done < steps; done += turn {
		for _, m := range all {
			m.measure(set, min(turn, steps-done))
		}
	}
	peak, products := gemm.Peak(), productRate(c.Units)
	var speeds []Speed
	for _, m := range all {
		s := m.speed(peak, products)
		speeds = append(speeds, s)
		if w != nil {
			fmt.Fprintf(w, "%s %d, batch %d, %d worker(s), %s: %.0f sequences/s (median %.0f), %.1f s and %.1f CPU seconds for 60,000, %.1f GFLOP/s, %.0f %% of the measured peak of %.0f; products %.1f GFLOP/s, %.0f %% of one core's peak\n",
				s.Cell, s.Units, s.Batch, s.Workers, s.Kernels, s.Sequences, s.Median, s.Epoch, s.EpochCPU, s.GFLOPS, 100*s.Share, s.Peak, s.Products, 100*s.InProduct)
		}
	}
	return speeds, nil
}

// contender is a run of which steps are measured.
type contender struct {
	run   *run
	batch []int
	taken int // steps
	times []float64
	used  float64 // processor seconds of the measured steps
}

func newContender(c Config, set *dataset.Set) (*contender, error) {
	net, err := c.network(set)
	if err != nil {
		return nil, err
	}
	Initialize(net, c.Seed)
	m := &contender{run: newRun(c, net, set)}
	m.run.engine.load(net)
	m.batch = make([]int, m.run.engine.batch)
	return m, nil
}

// measure takes some steps, after others until caches and processor clocks have settled.
func (m *contender) measure(set *dataset.Set, steps int) {
	used := 0.0
	for n := range settle + steps {
		if n == settle {
			used = cpuSeconds()
		}
		for i := range m.batch {
			m.batch[i] = (m.taken*len(m.batch) + i) % set.Len()
		}
		m.taken++
		start := time.Now()
		m.run.train(m.batch, 1e-4)
		if n >= settle {
			m.times = append(m.times, time.Since(start).Seconds())
		}
	}
	m.used += cpuSeconds() - used
}

// speed says what the steps amount to; peak and products are of one core.
func (m *contender) speed(peak, products float64) Speed {
	c, batch := m.run.Config, float64(len(m.batch))
	best, median := quickest(m.times)
	s := Speed{Cell: c.Cell.String(), Units: c.Units, Batch: len(m.batch), Workers: c.Workers, Kernels: gemm.Kernels().String(),
		Sequences: batch / best, Median: batch / median,
		GFLOPS: flop(m.run.net) * batch / best / 1e9,
		Peak:   peak * float64(min(c.Workers, runtime.GOMAXPROCS(0))) / 1e9, Products: products / 1e9, InProduct: products / peak}
	s.Share = s.GFLOPS / s.Peak
	s.Epoch, s.EpochCPU = epochOf/s.Sequences, m.used*epochOf/(float64(len(m.times))*batch)
	return s
}

// quickest returns the smallest and the middle of some times.
func quickest(t []float64) (best, median float64) {
	best = math.Inf(1)
	for _, v := range t {
		best = min(best, v)
	}
	for _, v := range t {
		below := 0
		for _, u := range t {
			if u < v {
				below++
			}
		}
		if below <= len(t)/2 {
			median = max(median, v)
		}
	}
	return best, median
}

// flop returns the floating point operations of the cell's products for one
// training sequence: forward, state gradients and weight gradients; the first step
// has no recurrent product worth counting forward or back.
func flop(net *nn.Network) float64 {
	total := 0.0
	for i, l := range net.Layers {
		t := float64(net.Steps)
		input, recurrent := 0.0, 0.0
		for _, p := range l.Parameters() {
			switch p.Start {
			case nn.Glorot:
				input += 2 * float64(p.Elements())
			case nn.Orthogonal, nn.OrthogonalColumns:
				recurrent += 2 * float64(p.Elements())
			}
		}
		total += t*(input+recurrent) + (t-1)*recurrent + t*(input+recurrent)
		if i > 0 {
			total += t * input
		}
	}
	return total
}

// productRate measures the recurrent product of a GRU of the given units for a
// batch of 32 on one core, in FLOP per second.
func productRate(units int) float64 {
	n := cell.Pad(units)
	panels := 3 * n / gemm.Width
	p := gemm.Product{Rows: 32, Inner: n, Panels: panels, A: make([]float32, 32*(n+16)), ARow: n + 16, AInner: 1,
		B: make([]float32, panels*n*gemm.Width), BPanel: n * gemm.Width,
		C: make([]float32, 32*(3*n+16)), CRow: 3*n + 16, CPanel: gemm.Width}
	best := math.Inf(1)
	for range 300 {
		start := time.Now()
		gemm.Mul(&p)
		best = min(best, time.Since(start).Seconds())
	}
	return 2 * 32 * float64(n) * 3 * float64(n) / best
}

// ActivationNanoseconds measures sigmoid and tanh, in nanoseconds a value.
func ActivationNanoseconds() (sigmoid, tanh float64) {
	x := make([]float32, 4096)
	measure := func(f func([]float32)) float64 {
		best := math.Inf(1)
		for range 200 {
			start := time.Now()
			f(x)
			best = min(best, float64(time.Since(start).Nanoseconds()))
		}
		return best / float64(len(x))
	}
	return measure(elementwise.Sigmoid), measure(elementwise.Tanh)
}
