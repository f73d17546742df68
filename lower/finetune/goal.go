// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"math"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// Goal is what a run learns: it says how wrong outputs are.
type Goal interface {
	// Targets are the tensors of the arranged graph that the loss is a function of.
	Targets() []graph.TensorID

	// Loss returns that of a target of one call, times scale, and adds its gradient.
	Loss(target int, p place, call int, got, slope []float32, scale float64) float64

	// Has reports whether anything is learned from the calls of a window, and Share over
	// how many of its calls the loss is a mean.
	Has(p place, calls int) bool
	Share(calls int) int

	// Judge returns how wrong the quantized graph's data outputs are over calls; want is
	// what the float graph gives, lost what is lost against it.
	Judge(calls lower.Sequences, lost func(want, got [][]float32) float64, want, got [][]float32) float64
}

// outputs is the goal of giving the float graph's outputs: the squared difference, in the
// variance of an output.
type outputs struct{ d *distillation }

func (o *outputs) Targets() []graph.TensorID { return o.d.targets }

func (o *outputs) Loss(target int, p place, call int, got, slope []float32, scale float64) float64 {
	want := o.d.want.of(target, p.sequence, call)
	factor, loss := scale*o.d.scale[target]/float64(len(got)*len(o.d.targets)), 0.0
	for j, v := range got {
		e := float64(v) - float64(want[j])
		loss += float64(e * e * factor)
		slope[j] += float32(2 * e * factor)
	}
	return loss
}

func (o *outputs) Has(place, int) bool { return true }
func (o *outputs) Share(calls int) int { return calls }

func (o *outputs) Judge(_ lower.Sequences, lost func(want, got [][]float32) float64, want, got [][]float32) float64 {
	return lost(want, got)
}

// answers is the goal of labels, by cross entropy, or of targets, by squared error.
type answers struct {
	calls   *lower.SequenceCalls
	d       *distillation
	logits  []graph.TensorID
	task    nn.Task
	outputs int
	softmax bool // the data output is one, of logits
	each    bool // every step decides
	rows    int  // decisions of a call
}

func newAnswers(d *distillation, r *lower.Result, calls *lower.SequenceCalls) *answers {
	id := dataOutputs(d.p.g)[0]
	a := &answers{calls: calls, d: d, task: r.Task(), outputs: r.Outputs()}
	a.logits = []graph.TensorID{beforeSoftmax(d.p.g, id)}
	a.softmax, a.each = a.logits[0] != id, r.PerStep()
	a.rows = max(1, d.p.g.Tensors[id].Elems()/a.outputs)
	return a
}

func (a *answers) Targets() []graph.TensorID { return a.logits }

func (a *answers) Loss(_ int, p place, call int, got, slope []float32, scale float64) float64 {
	loss, k := 0.0, a.outputs
	for _, d := range a.calls.Due(number(a.d.calls, p.sequence), call) {
		row, grad := got[d.Row*k:(d.Row+1)*k], slope[d.Row*k:(d.Row+1)*k]
		if a.task == nn.Regression {
			loss += squares(row, d.Target, grad, scale*a.d.scale[0])
			continue
		}
		loss += crossEntropy(row, d.Label, grad, scale)
	}
	return loss
}

func (a *answers) Has(p place, calls int) bool {
	for k := range calls {
		if len(a.calls.Due(number(a.d.calls, p.sequence), p.call+k)) > 0 {
			return true
		}
	}
	return false
}

// Share is of the decisions: a window with one of them counts as much as it did when all
// steps were in one call.
func (a *answers) Share(calls int) int {
	if a.each {
		return calls * a.rows
	}
	return 1
}

func (a *answers) Judge(calls lower.Sequences, _ func(want, got [][]float32) float64, _, got [][]float32) float64 {
	at, loss, n, k := 0, 0.0, 0, a.outputs
	for i := range calls.Len() {
		for call := range calls.Calls(i) {
			out := got[0][at:][:a.d.p.g.Tensors[dataOutputs(a.d.p.g)[0]].Elems()]
			at += len(out)
			for _, d := range a.calls.Due(number(calls, i), call) {
				row := out[d.Row*k : (d.Row+1)*k]
				n++
				switch {
				case a.task == nn.Regression:
					loss += squares(row, d.Target, make([]float32, k), 1)
				case a.softmax:
					loss -= math.Log(max(float64(row[d.Label]), 1.0/512))
				default:
					loss += crossEntropy(row, d.Label, make([]float32, k), 1)
				}
			}
		}
	}
	return loss / float64(max(n, 1))
}

// crossEntropy returns the cross entropy of the softmax of the logits times scale and adds
// its gradient.
func crossEntropy(logits []float32, label int, grad []float32, scale float64) float64 {
	top := logits[0]
	for _, v := range logits {
		top = max(top, v)
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(float64(v - top))
	}
	for j, v := range logits {
		p := math.Exp(float64(v-top)) / sum
		if j == label {
			p--
		}
		grad[j] += float32(p * scale)
	}
	return scale * (math.Log(sum) - float64(logits[label]-top))
}

// squares returns the mean squared error times scale and adds its gradient.
func squares(out, target, grad []float32, scale float64) float64 {
	sum := 0.0
	for j, v := range out {
		d := float64(v) - float64(target[j])
		sum += float64(d * d)
		grad[j] += float32(2 * d * scale / float64(len(out)))
	}
	return scale * sum / float64(len(out))
}

// beforeSoftmax returns the logits of a tensor that is a softmax, perhaps in another
// shape, else the tensor: to agree in logits is to agree in probabilities, and has a
// gradient where those are 0 or 1.
func beforeSoftmax(g *graph.Graph, id graph.TensorID) graph.TensorID {
	at := id
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		if len(op.Outputs) == 0 || op.Outputs[0] != at {
			continue
		}
		switch op.Kind {
		case graph.Softmax:
			return op.Inputs[0]
		case graph.Reshape:
			at = op.Inputs[0]
		default:
			return id
		}
	}
	return id
}
