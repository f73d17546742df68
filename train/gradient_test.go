// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/nn"
)

// gradientCase is one kind of network for the gradient check.
type gradientCase struct {
	name    string
	cell    nn.Cell
	classic bool
	relu    bool
	layers  int
	units   int
	task    nn.Task
	perStep bool
	smooth  float64
	weight  []float64
}

func (c gradientCase) network(steps, features, outputs int) *nn.Network {
	net := &nn.Network{Steps: steps, Features: features, Outputs: outputs, Task: c.task, PerStep: c.perStep}
	in := features
	for i := range c.layers {
		l := nn.Layer{Cell: c.cell, Features: in, Units: c.units + i, ResetAfter: c.cell == nn.GRU && !c.classic}
		if c.relu {
			l.Activation = nn.Relu
		}
		net.Layers = append(net.Layers, l)
		in = l.Units
	}
	Initialize(net, 5)
	r := rand.New(rand.NewPCG(11, 12))
	for _, v := range tensorsOf(net) {
		for i := range v { // so that no bias is 0
			v[i] += float32(0.1 * r.NormFloat64())
		}
	}
	return net
}

// Every single parameter of every kind of network: the gradient of the engine in
// float32 against central differences of the float64 witness.
func TestGradients(t *testing.T) {
	cases := []gradientCase{
		{name: "gru", cell: nn.GRU, layers: 1, units: 5},
		{name: "gru of whole panels", cell: nn.GRU, layers: 1, units: 16},
		{name: "gru, three layers", cell: nn.GRU, layers: 3, units: 4},
		{name: "gru, every step", cell: nn.GRU, layers: 2, units: 4, perStep: true},
		{name: "gru, regression", cell: nn.GRU, layers: 1, units: 4, task: nn.Regression},
		{name: "gru, smoothed and weighted", cell: nn.GRU, layers: 1, units: 4, smooth: 0.1, weight: []float64{0.5, 2, 1}},
		{name: "classic gru", cell: nn.GRU, classic: true, layers: 1, units: 5},
		{name: "classic gru, two layers", cell: nn.GRU, classic: true, layers: 2, units: 4, perStep: true, task: nn.Regression},
		{name: "lstm", cell: nn.LSTM, layers: 1, units: 5},
		{name: "lstm, two layers, every step", cell: nn.LSTM, layers: 2, units: 6, perStep: true},
		{name: "rnn", cell: nn.SimpleRNN, layers: 1, units: 5},
		{name: "rnn, relu", cell: nn.SimpleRNN, relu: true, layers: 2, units: 5},
	}
	const batch, steps, features, outputs = 3, 4, 3, 3
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			net := c.network(steps, features, outputs)
			e := newEngine(net, batch, 2, false)
			defer e.close()
			e.load(net)
			e.head.smooth = c.smooth
			s := newScalar(net)
			s.smooth, s.weight = c.smooth, c.weight
			for _, w := range c.weight {
				e.head.weight = append(e.head.weight, float32(w))
			}
			x, labels, targets := batchFor(e, outputs)
			rowLoss := train1(e, batch)
			if want := s.loss(x, labels, targets); math.Abs(rowLoss-want) > 2e-6 {
				t.Errorf("loss is %.8f, want %.8f", rowLoss, want)
			}
			gradients := net.Shape()
			e.store(gradients, func(m *cell.Matrix) []float32 { return m.Grad })
			for name, got := range tensorsOf(gradients) {
				parameters := s.tensors()[name]
				for i := range parameters {
					const step = 1e-4
					kept := parameters[i]
					parameters[i] = kept + step
					up := s.loss(x, labels, targets)
					parameters[i] = kept - step
					down := s.loss(x, labels, targets)
					parameters[i] = kept
					want := (up - down) / (2 * step)
					if math.Abs(float64(got[i])-want) > 2e-6+1e-4*math.Abs(want) {
						t.Fatalf("%s: gradient of value %d is %.8f, differences give %.8f", name, i, got[i], want)
					}
				}
			}
		})
	}
}

// batchFor draws inputs, labels and targets into the engine and returns them for
// the witness.
func batchFor(e *engine, outputs int) (x [][][]float64, labels []int, targets [][]float64) {
	r := rand.New(rand.NewPCG(21, 22))
	for b := range e.batch {
		var sequence [][]float64
		for t := range e.steps {
			row := e.x[(b*e.steps+t)*e.xRow:][:e.features]
			for i := range row {
				row[i] = float32(r.NormFloat64())
			}
			sequence = append(sequence, wide(row))
		}
		x = append(x, sequence)
		for t := range e.head.rows {
			row := b*e.head.rows + t
			labels = append(labels, r.IntN(outputs))
			e.head.labels[row] = int32(labels[row])
			target := e.head.targets[row*outputs:][:outputs]
			for i := range target {
				target[i] = float32(r.NormFloat64())
			}
			targets = append(targets, wide(target))
		}
	}
	return x, labels, targets
}

// train1 computes all gradients of the batch in the engine and returns the mean
// loss.
func train1(e *engine, n int) float64 {
	e.run(func(w int) {
		first, after := e.rows(w, n)
		e.forward(first, after)
		e.head.loss(first, after, n)
		e.backward(first, after)
		e.crew.meet()
		e.gradients(w, n, func(*strip) {})
	})
	sum := 0.0
	for _, l := range e.head.rowLoss[:n*e.head.rows] {
		sum += l
	}
	return sum / float64(n*e.head.rows)
}

// known is a cell's answer to the formulas of vectorNetwork, in float64.
type known struct {
	cell       nn.Cell
	h          [2][4]float64 // the last state of both sequences
	loss       float64
	dW, dU     []float64 // row 0
	db         []float64 // for a GRU the input bias
	dbRec      []float64
	dx         [3]float64 // of sequence 0, step 0
	sumW, sumU float64
}

var knownAnswers = []known{
	{nn.GRU,
		[2][4]float64{{-0.060109952, -0.250301771, -0.177921878, 0.003570163}, {-0.070582446, -0.103856070, 0.064092964, 0.196171104}}, -0.600137037,
		[]float64{-0.002689356, 0.053030127, 0.120415917, 0.068296639, 0.001754167, 0.005897903, 0.006707370, -0.008285746, 0.018854782, -0.098383808, -0.203174156, -0.281273092},
		[]float64{-0.000451719, -0.003449281, -0.005172181, -0.004770214, 0.000276778, 0.000265882, -0.000312045, 0.000971823, -0.012923101, -0.005210496, 0.004948265, 0.013691162},
		[]float64{0.020809368, 0.066362071, 0.068517399, 0.083911629, -0.003070963, -0.022643786, 0.001264762, -0.020929206, 0.884488623, 0.651411442, -0.202304559, -0.662488994},
		[]float64{0.020809368, 0.066362071, 0.068517399, 0.083911629, -0.003070963, -0.022643786, 0.001264762, -0.020929206, 0.460261270, 0.362228654, -0.064373912, -0.333436328},
		[3]float64{-0.004472257, 0.178095623, -0.180493816}, 1.307568899, 0.017659530},
	{nn.LSTM,
		[2][4]float64{{-0.029086632, -0.037154992, -0.029864371, -0.027547781}, {-0.043401966, -0.105331209, -0.021046803, 0.119960096}}, -0.146506242,
		[]float64{-0.019348051, 0.053267629, 0.009254584, -0.047899262, 0.003436160, -0.016642536, -0.004302530, -0.002478283, -0.026179182, -0.055363360, -0.231309093, -0.224368567, -0.017424629, 0.019437872, 0.006535701, -0.058084272},
		[]float64{-0.002591111, 0.001972226, -0.001302322, -0.005097897, 0.001182745, -0.000399290, 0.001346585, 0.000457382, -0.009235999, -0.004033801, -0.006701071, -0.017493829, -0.002360923, 0.001419391, 0.000460490, -0.005409812},
		[]float64{-0.021508015, -0.010938781, -0.033141426, -0.041981179, -0.004308516, 0.006067929, -0.005647466, -0.007918251, 0.369526057, 0.138758248, -0.145318867, -0.087748904, -0.003553689, 0.003386593, -0.008206686, -0.057257227},
		nil, [3]float64{0.040656610, -0.025002103, -0.050807706}, -1.446291491, -0.202296628},
	{nn.SimpleRNN,
		[2][4]float64{{-0.172719774, -0.013281871, 0.074183566, 0.095238554}, {-0.030071376, 0.215500178, 0.281399054, 0.187215052}}, -0.571460317,
		[]float64{-0.341221977, 0.118789622, -1.194993006, -0.448940017},
		[]float64{0.060726965, 0.070301546, 0.209675978, -0.071748947},
		[]float64{1.939845446, -0.259053509, 0.413472855, -0.527192439},
		nil, [3]float64{-0.005872774, 0.002463650, 0.001230163}, -1.819408900, 1.356664687},
}

// vectorNetwork is the network of the known answers, in float64 and float32.
func vectorNetwork(kind nn.Cell) (*nn.Network, *scalar) {
	const features, units = 3, 4
	net := &nn.Network{Steps: 3, Features: features, Outputs: 1, Task: nn.Regression,
		Layers: []nn.Layer{{Cell: kind, Features: features, Units: units, ResetAfter: kind == nn.GRU}}}
	net = net.Shape()
	s := newScalar(net)
	l := &s.layers[0]
	cols := kind.Gates() * units
	for i := range l.w {
		l.w[i] = 0.5 * math.Sin(0.7*float64(i)+0.1)
	}
	for i := range l.u {
		l.u[i] = 0.5 * math.Cos(0.9*float64(i)+0.2)
	}
	for j := range cols {
		l.b[j] = 0.1 * math.Sin(1.3*float64(j))
		if kind == nn.GRU {
			l.b[cols+j] = 0.1 * math.Cos(1.7*float64(j))
		}
	}
	for name, v := range tensorsOf(net) {
		for i := range v {
			v[i] = float32(s.tensors()[name][i])
		}
	}
	return net, s
}

func TestKnownAnswers(t *testing.T) {
	const batch, steps, features, units = 2, 3, 3, 4
	for _, k := range knownAnswers {
		t.Run(k.cell.String(), func(t *testing.T) {
			net, s := vectorNetwork(k.cell)
			e := newEngine(net, batch, 1, false)
			defer e.close()
			e.load(net)
			x := make([][][]float64, batch)
			for b := range batch {
				for step := range steps {
					row := make([]float64, features)
					for f := range row {
						row[f] = math.Sin(0.5*float64(step*batch*features+b*features+f) + 0.3)
						e.x[(b*steps+step)*e.xRow+f] = float32(row[f])
					}
					x[b] = append(x[b], row)
				}
			}
			upstream := func(b, j int) float64 { return math.Cos(0.4 * float64(b*units+j)) }
			loss := func() float64 {
				sum := 0.0
				for b := range batch {
					for j, h := range s.run(x[b])[steps-1] {
						sum += upstream(b, j) * h
					}
				}
				return sum
			}
			slope := func(v *float64) float64 {
				const step = 1e-5
				kept := *v
				*v = kept + step
				up := loss()
				*v = kept - step
				down := loss()
				*v = kept
				return (up - down) / (2 * step)
			}
			near := func(what string, got, want, limit float64) {
				t.Helper()
				if !(math.Abs(got-want) <= limit) {
					t.Errorf("%s is %.9f, want %.9f", what, got, want)
				}
			}
			// The float64 witness, to 1e-8.
			near("witness: loss", loss(), k.loss, 1e-8)
			for b := range batch {
				for j, h := range s.run(x[b])[steps-1] {
					near(fmt.Sprintf("witness: h[%d][%d]", b, j), h, k.h[b][j], 1e-8)
				}
			}
			for f := range features {
				near(fmt.Sprintf("witness: dx[%d]", f), slope(&x[0][0][f]), k.dx[f], 1e-8)
			}
			// The engine, to what float32 carries.
			l := e.runs()[0]
			l.Forward(0, batch)
			for b := range batch {
				for j := range units {
					near(fmt.Sprintf("h[%d][%d]", b, j), float64(l.H.At(b, steps)[j]), k.h[b][j], 3e-7)
					l.DH[b*l.N+j] = float32(upstream(b, j))
				}
			}
			l.Backward(0, batch)
			e.gradients(0, batch, func(*strip) {})
			gradients := net.Shape()
			e.store(gradients, func(m *cell.Matrix) []float32 { return m.Grad })
			g := gradients.Layers[0]
			sums := [2]float64{}
			for i, tensor := range [][]float32{g.Kernel, g.Recurrent} {
				for _, v := range tensor {
					sums[i] += float64(v)
				}
			}
			near("sum of dW", sums[0], k.sumW, 5e-6)
			near("sum of dU", sums[1], k.sumU, 5e-6)
			cols := len(k.dW)
			for j := range cols {
				near(fmt.Sprintf("witness: dW[0][%d]", j), slope(&s.layers[0].w[j]), k.dW[j], 1e-8)
				near(fmt.Sprintf("witness: dU[0][%d]", j), slope(&s.layers[0].u[j]), k.dU[j], 1e-8)
				near(fmt.Sprintf("witness: db[%d]", j), slope(&s.layers[0].b[j]), k.db[j], 1e-8)
				near(fmt.Sprintf("dW[0][%d]", j), float64(g.Kernel[j]), k.dW[j], 2e-6)
				near(fmt.Sprintf("dU[0][%d]", j), float64(g.Recurrent[j]), k.dU[j], 2e-6)
				near(fmt.Sprintf("db[%d]", j), float64(g.Bias[j]), k.db[j], 2e-6)
				if k.dbRec != nil {
					near(fmt.Sprintf("db_rec[%d]", j), float64(g.Bias[cols+j]), k.dbRec[j], 2e-6)
				}
			}
		})
	}
}
