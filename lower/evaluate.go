package lower

import (
	"context"
	"fmt"
	"math"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// Score is how a graph does on a labelled set.
type Score struct {
	Count   int // sequences evaluated
	Correct int // whose class was right
	// Outputs holds the last call's output of every sequence, dequantized.
	Outputs [][]float32
}

// Accuracy returns the fraction of sequences whose class was right.
func (s Score) Accuracy() float64 {
	if s.Count == 0 {
		return 0
	}
	return float64(s.Correct) / float64(s.Count)
}

// Agreement returns the fraction of sequences for which two scores decide on
// the same class.
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
	return evaluate(ctx, r.net, r.Float, set, limit)
}

// EvaluateEmulated runs the quantized graph in float arithmetic with rounding to
// its grids: quick, and close to the integer kernels but not equal to them.
func (r *Result) EvaluateEmulated(ctx context.Context, set Samples, limit int) (Score, error) {
	return evaluate(ctx, r.net, r.Int8, set, limit)
}

// callsPerSequence returns how many calls one sequence takes. A graph without
// states must take a sequence in one call.
func callsPerSequence(net *nn.Network, g *graph.Graph) (int, error) {
	steps := g.Tensors[g.Inputs[0]].Shape[1]
	if net.Steps%steps != 0 || (steps != net.Steps && len(g.States) == 0) {
		return 0, fmt.Errorf("network %q: accuracy on sequences of %d steps cannot be measured with %d steps a call: choose a divisor and state inputs",
			net.Name, net.Steps, steps)
	}
	return net.Steps / steps, nil
}

// batchSize is the number of sequences that floatexec runs together.
const batchSize = 64

func evaluate(ctx context.Context, net *nn.Network, g *graph.Graph, set Samples, limit int) (Score, error) {
	calls, err := callsPerSequence(net, g)
	if err != nil {
		return Score{}, err
	}
	exec, err := floatexec.New(g)
	if err != nil {
		return Score{}, err
	}
	n := set.Len()
	if limit > 0 {
		n = min(n, limit)
	}
	s := Score{Count: n, Outputs: make([][]float32, n)}
	runners := make(chan *floatexec.Runner, runtime.GOMAXPROCS(0))
	for range cap(runners) {
		runners <- exec.Runner()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cap(runners))
	for at := 0; at < n; at += batchSize {
		group.Go(func() error {
			if err := ctx.Err(); err != nil {
				return err
			}
			r := <-runners
			defer func() { runners <- r }()
			return runBatch(r, net, g, set, at, s.Outputs[at:min(n, at+batchSize)], calls)
		})
	}
	if err := group.Wait(); err != nil {
		return Score{}, err
	}
	if net.Task == nn.Classification {
		s.count(set)
	}
	return s, nil
}

// runBatch runs the sequences from first on, as many as out has entries.
func runBatch(r *floatexec.Runner, net *nn.Network, g *graph.Graph, set Samples, first int, out [][]float32, calls int) error {
	batch, size := len(out), net.Steps*net.Features
	rows := make([]float32, batch*size)
	for b := range batch {
		load(net, set, first+b, rows[b*size:(b+1)*size])
	}
	inputs := make([][]float32, len(g.Inputs))
	for i, id := range g.Inputs {
		inputs[i] = make([]float32, batch*g.Tensors[id].Elems())
	}
	part := size / calls
	for call := range calls {
		for b := range batch {
			copy(inputs[0][b*part:(b+1)*part], rows[b*size+call*part:])
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
		if call == calls-1 {
			for b := range batch {
				row := views[0].Row(b)
				out[b] = append([]float32(nil), row[len(row)-net.Outputs:]...)
			}
		}
	}
	return nil
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
