// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/fault"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/elementwise"
	"github.com/unroll-npu/unroll/train/nn"
)

// Options describe a run. The zero value of a field takes the default.
type Options struct {
	Steps int           // optimizer steps; default 100
	Batch int           // sequences a step; default 32
	Rate  float64       // learning rate at the start; it falls linearly to 0; default 1e-4
	Seed  uint64        // of the choice of sequences
	Lower lower.Options // the graph and the quantization to train for
}

// chunk is the number of sequences that one goroutine takes at once. It is a
// constant, since gradients are summed chunk by chunk.
const chunk = 8

// Run returns a copy of net, trained further under the quantization that Lower
// chooses for net on the set. progress, which may be nil, gets the mean loss of
// every step. The result does not depend on the number of processors. When ctx is
// done, Run returns the network so far and ctx's error.
func Run(ctx context.Context, net *nn.Network, set *dataset.Set, o Options, progress func(step int, loss float64)) (*nn.Network, error) {
	if o.Steps == 0 {
		o.Steps = 100
	}
	if o.Batch == 0 {
		o.Batch = 32
	}
	if o.Rate == 0 {
		o.Rate = 1e-4
	}
	if o.Steps < 0 || o.Batch < 0 || !(o.Rate > 0) {
		return nil, fmt.Errorf("fine-tuning options: %d steps of batch %d at rate %v: expected positive numbers", o.Steps, o.Batch, o.Rate)
	}
	if o.Lower.FoldStandardization {
		return nil, fmt.Errorf("fine-tuning options: standardization folded into the weights is not supported; lower the result with it instead")
	}
	if err := set.Check(); err != nil {
		return nil, err
	}
	if set.Steps != net.Steps || set.Features != net.Features || set.Outputs != net.Outputs || set.Task != net.Task || set.PerStep != net.PerStep {
		return nil, fmt.Errorf("%s: sequences of %d x %d with %d outputs do not fit network %q, %d x %d with %d", set.Name,
			set.Steps, set.Features, set.Outputs, net.Name, net.Steps, net.Features, net.Outputs)
	}
	o.Lower.Steps = net.Steps
	lowered, err := lower.Lower(ctx, net, set, o.Lower)
	if err != nil {
		return nil, err
	}
	p, err := newProgram(lowered.Float, lowered.Int8, o.Lower.WeightLevels)
	if err != nil {
		return nil, err
	}
	params, err := newParameters(net, p, o.Lower)
	if err != nil {
		return nil, err
	}
	r := &run{Options: o, net: net, set: set, program: p, params: params}
	return r.loop(ctx, progress)
}

type run struct {
	Options
	net     *nn.Network
	set     *dataset.Set
	program *program
	params  *parameters
	tapes   []*tape
}

func (r *run) loop(ctx context.Context, progress func(int, float64)) (*nn.Network, error) {
	rng := rand.New(rand.NewPCG(r.Seed, 0xf17e))
	for range (r.Batch + chunk - 1) / chunk {
		r.tapes = append(r.tapes, newTape(r.program, chunk))
	}
	batch := make([]int, r.Batch)
	for step := range r.Steps {
		if err := ctx.Err(); err != nil {
			return r.params.network(), err
		}
		for i := range batch {
			batch[i] = rng.IntN(r.set.Len())
		}
		loss, err := r.step(batch)
		if err != nil {
			return nil, err
		}
		if math.IsNaN(loss) || math.IsInf(loss, 0) {
			return nil, fmt.Errorf("fine-tuning diverged: the loss of step %d is %v at rate %.3g; lower the rate", step+1, loss, r.Rate)
		}
		r.params.move(r.adam(step))
		if progress != nil {
			progress(step+1, loss)
		}
	}
	return r.params.network(), nil
}

// adam returns the optimizer's constants for a step, Keras' form.
func (r *run) adam(step int) *elementwise.Adam {
	const beta1, beta2 = 0.9, 0.999
	t := float64(step + 1)
	rate := r.Rate * float64(r.Steps-step) / float64(r.Steps)
	return &elementwise.Adam{Scale: 1, Keep1: 1 - beta1, Keep2: 1 - beta2, Epsilon: 1e-7,
		Alpha: float32(rate * math.Sqrt(1-math.Pow(beta2, t)) / (1 - math.Pow(beta1, t)))}
}

// step computes the gradients of a batch into params and returns the mean loss.
func (r *run) step(batch []int) (float64, error) {
	r.program.quantizeConstants()
	losses, errs := make([]float64, len(r.tapes)), make([]error, len(r.tapes))
	next := make(chan int, len(r.tapes))
	for i := range r.tapes {
		next <- i
	}
	close(next)
	var wg sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(r.tapes)) {
		wg.Go(func() {
			defer fault.Catch()
			for i := range next {
				part := batch[i*chunk : min((i+1)*chunk, len(batch))]
				losses[i], errs[i] = r.pass(r.tapes[i], part, len(batch))
			}
		})
	}
	wg.Wait()
	total := 0.0
	for i, l := range losses {
		if errs[i] != nil {
			return 0, errs[i]
		}
		total += l
	}
	r.params.collect(r.tapes)
	return total / float64(len(batch)), nil
}

// pass runs some sequences forward and back and returns the sum of their losses.
func (r *run) pass(t *tape, sequences []int, batch int) (float64, error) {
	t.batch = len(sequences)
	in := t.values[r.program.input]
	size := r.set.Steps * r.set.Features
	for b, i := range sequences {
		x := in[b*size : (b+1)*size]
		r.set.Sample(i, x)
		if r.net.Mean != nil {
			for j := range x {
				f := j % r.set.Features
				x[j] = (x[j] - r.net.Mean[f]) / r.net.Std[f]
			}
		}
	}
	if err := t.forward(); err != nil {
		return 0, err
	}
	loss := 0.0
	out, grad := t.values[r.program.logits], t.gradient(r.program.logits)
	k := r.set.Outputs
	rows := len(out) / t.capacity / k // of one sequence
	target := make([]float32, rows*k)
	for b, i := range sequences {
		if r.set.Task == nn.Regression {
			r.set.Target(i, target)
		}
		for row := range rows {
			at := (b*rows + row) * k
			if r.set.Task == nn.Regression && slices.ContainsFunc(target[row*k:(row+1)*k], func(v float32) bool { return v != v }) {
				continue // no target: the gradient stays 0
			}
			if r.set.Task == nn.Regression {
				loss += squares(out[at:at+k], target[row*k:], grad[at:at+k], 1/float64(batch*rows)) / float64(rows)
				continue
			}
			label := r.set.Label(i)
			if r.set.PerStep {
				label = r.set.StepLabel(i, row)
			}
			if label < 0 {
				continue
			}
			loss += crossEntropy(out[at:at+k], label, grad[at:at+k], 1/float64(batch*rows)) / float64(rows)
		}
	}
	t.backward()
	return loss, nil
}

// crossEntropy returns the cross entropy of the softmax of the logits and writes
// its gradient times scale.
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
		grad[j] = float32(p * scale)
	}
	return math.Log(sum) - float64(logits[label]-top)
}

// squares returns the mean squared error and writes its gradient times scale.
func squares(out, target, grad []float32, scale float64) float64 {
	sum := 0.0
	for j, v := range out {
		d := float64(v) - float64(target[j])
		sum += float64(d * d)
		grad[j] = float32(2 * d * scale / float64(len(out)))
	}
	return sum / float64(len(out))
}
