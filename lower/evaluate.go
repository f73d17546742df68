// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/lower/fault"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// Score is how a graph does on a labelled set.
//
// A network that decides at the end of a sequence has one decision for each; one
// that was trained to decide at every step has one for every step.
type Score struct {
	Count   int // decisions
	Correct int // that name the right class
	// Right says of every decision of a classification whether it names the right class.
	Right []bool
	// Outputs holds the dequantized output of every decision, sequence by sequence.
	Outputs [][]float32
	// Labels holds the right class of every decision of a classification, Targets the
	// right outputs of every one of a regression, where the set has them; else nil.
	Labels  []int
	Targets [][]float32
	// Sequence and Step say which sequence and which of its steps a decision is about:
	// with steps that nobody labelled, sequences have decisions of different numbers.
	Sequence, Step []int
}

// Accuracy returns the fraction of decisions that were right.
func (s Score) Accuracy() float64 {
	if s.Count == 0 {
		return 0
	}
	return float64(s.Correct) / float64(s.Count)
}

// Agreement returns the fraction of decisions that two scores share.
func (s Score) Agreement(other Score) float64 {
	n := min(len(s.Outputs), len(other.Outputs))
	if n == 0 {
		return 0
	}
	same := 0
	for i := range n {
		if argmax(s.Outputs[i]) == argmax(other.Outputs[i]) {
			same++
		}
	}
	return float64(same) / float64(n)
}

// RMSE returns the root mean squared difference of two scores' outputs.
func (s Score) RMSE(other Score) float64 {
	sum, n := 0.0, 0
	for i := range min(len(s.Outputs), len(other.Outputs)) {
		for j, v := range s.Outputs[i] {
			d := float64(v) - float64(other.Outputs[i][j])
			sum += float64(d * d)
			n++
		}
	}
	if n == 0 {
		return 0
	}
	return math.Sqrt(sum / float64(n))
}

// Lost returns the part of all decisions that another score, of the same sequences, has
// right and this one has not.
func (s Score) Lost(other Score) float64 {
	lost, n := 0, min(len(s.Right), len(other.Right))
	for i := range n {
		if other.Right[i] && !s.Right[i] {
			lost++
		}
	}
	if n == 0 {
		return 0
	}
	return float64(lost) / float64(n)
}

// RelativeError returns the largest error of an output against another score's, of the
// same sequences: the root of its mean square over the deviation of the other's output
// from its own mean, which a constant output takes as 1.
func (s Score) RelativeError(other Score) float64 {
	n, worst := min(len(s.Outputs), len(other.Outputs)), 0.0
	if n == 0 {
		return 0
	}
	for k := range other.Outputs[0] {
		var mean, deviation, noise float64
		for _, out := range other.Outputs[:n] {
			mean += float64(out[k]) / float64(n)
		}
		for i, out := range other.Outputs[:n] {
			d, e := float64(out[k])-mean, float64(s.Outputs[i][k])-float64(out[k])
			deviation += float64(d * d)
			noise += float64(e * e)
		}
		if deviation == 0 {
			deviation = float64(n)
		}
		worst = max(worst, math.Sqrt(noise/deviation))
	}
	return worst
}

func argmax(v []float32) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}

// EvaluateFloat runs the float graph on the first limit sequences of a set (0
// is all). See Evaluate.
func (r *Result) EvaluateFloat(ctx context.Context, set Samples, limit int) (Score, error) {
	return evaluate(ctx, floatexec.New, r.net, r.Float, set, limit)
}

// EvaluateEmulated runs the quantized graph in float arithmetic with rounding to
// its grids: quick, and close to the integer kernels but not equal to them.
func (r *Result) EvaluateEmulated(ctx context.Context, set Samples, limit int) (Score, error) {
	return evaluate(ctx, floatexec.New, r.net, r.Int8, set, limit)
}

// Measurable returns nil when accuracies can be measured on the network's sequences, else
// an error that says why not.
func (r *Result) Measurable() error {
	_, err := cadenceOf(r.net, r.Int8)
	return err
}

// Unseen returns how many steps at the end of a sequence no decision of the graph knows
// of, since the steps of a call do not divide the sequence.
func (r *Result) Unseen() int {
	c, err := cadenceOf(r.net, r.Int8)
	if err != nil {
		return 0
	}
	return c.unseen()
}

// batchSize is the number of sequences that floatexec runs together.
const batchSize = 64

func evaluate(ctx context.Context, plan func(*graph.Graph) (*floatexec.Exec, error), net *nn.Network, g *graph.Graph, set Samples, limit int) (Score, error) {
	c, err := cadenceOf(net, g)
	if err != nil {
		return Score{}, err
	}
	exec, err := plan(g)
	if err != nil {
		return Score{}, err
	}
	n := set.Len()
	if limit > 0 {
		n = min(n, limit)
	}
	s := Score{Outputs: make([][]float32, n)}
	runners := make(chan *floatexec.Runner, runtime.GOMAXPROCS(0))
	for range cap(runners) {
		runners <- exec.Runner()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cap(runners))
	for at := 0; at < n; at += batchSize {
		group.Go(func() error {
			defer fault.Catch()
			if err := ctx.Err(); err != nil {
				return err
			}
			r := <-runners
			defer func() { runners <- r }()
			return runBatch(r, c, g, set, at, s.Outputs[at:min(n, at+batchSize)])
		})
	}
	if err := group.Wait(); err != nil {
		return Score{}, err
	}
	s.count(net, set)
	return s, nil
}

// runBatch runs the sequences from first on, as many as out has entries.
func runBatch(r *floatexec.Runner, c cadence, g *graph.Graph, set Samples, first int, out [][]float32) error {
	net := c.net
	batch, size := len(out), net.Steps*net.Features
	rows := make([]float32, batch*size)
	for b := range batch {
		load(net, set, first+b, rows[b*size:(b+1)*size])
	}
	inputs := make([][]float32, len(g.Inputs))
	for i, id := range g.Inputs {
		inputs[i] = make([]float32, batch*g.Tensors[id].Elems())
	}
	part := c.steps * net.Features
	for call := range c.calls {
		for b := range batch {
			c.feed(inputs[0][b*part:(b+1)*part], rows[b*size:(b+1)*size], call*c.steps)
		}
		views, err := r.Run(batch, inputs)
		if err != nil {
			return err
		}
		for o, id := range g.Outputs {
			for _, s := range g.States {
				if s.Out == id {
					carry(inputs[inputIndex(g, s.In)], views[o], batch)
				}
			}
		}
		for b := range batch {
			out[b] = c.keep(out[b], views[0].Row(b), call*c.steps)
		}
	}
	return nil
}

// stepLabels is what a set with a label for every step offers.
type stepLabels interface{ StepLabel(i, t int) int }

// count cuts the outputs of sequences into decisions and compares them with the
// labels. A set without labels for every step counts by its sequences' last.
func (s *Score) count(net *nn.Network, set Samples) {
	labels, every := set.(stepLabels)
	if net.Task == nn.Regression {
		_, every = set.(targets)
	}
	every = every && net.PerStep
	var all [][]float32
	for i, out := range s.Outputs {
		if !every {
			out = out[len(out)-net.Outputs:]
		}
		for t := range len(out) / net.Outputs {
			label := 0
			switch {
			case net.Task != nn.Classification:
			case every:
				label = labels.StepLabel(i, t)
			default:
				label = set.Label(i)
			}
			if label < 0 {
				continue // padding, or a step that nobody labelled
			}
			d := out[t*net.Outputs : (t+1)*net.Outputs]
			all = append(all, d)
			step := t
			if !every {
				step = net.Steps - 1
			}
			s.Sequence, s.Step = append(s.Sequence, i), append(s.Step, step)
			if net.Task != nn.Classification {
				continue
			}
			s.Labels = append(s.Labels, label)
			right := argmax(d) == label
			s.Right = append(s.Right, right)
			if right {
				s.Correct++
			}
		}
	}
	s.Outputs, s.Count = all, len(all)
	s.aim(net, set)
}

func carry(dst []float32, v floatexec.View, batch int) {
	for b := range batch {
		copy(dst[b*v.N:], v.Row(b))
	}
}

func inputIndex(g *graph.Graph, id graph.TensorID) int {
	for i, in := range g.Inputs {
		if in == id {
			return i
		}
	}
	panic("BUG: a state's input is no input of the graph")
}
