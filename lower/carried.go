// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/lower/fault"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/reference"
	"github.com/unroll-npu/unroll/train/nn"
)

// A set is cut into at most maxStreams streams of at least perStream sequences, so that
// cores have work and a stream's start, where the state is reset, weighs little.
const (
	maxStreams = 16
	perStream  = 64
)

// streams cuts n sequences into parts; part p is the sequences from bounds[p] to
// bounds[p+1]. Longer parts come first.
func streams(n int) (bounds []int) {
	parts := min(maxStreams, max(n/perStream, 1))
	bounds = []int{0}
	for p := range parts {
		size := n / parts
		if p < n%parts {
			size++
		}
		bounds = append(bounds, bounds[p]+size)
	}
	return bounds
}

// EvaluateCarried runs the float and the quantized graph over the first limit sequences
// of a set (0 is all) as the firmware does that nobody resets: the state goes on from
// every sequence to the next. The graph needs state inputs.
func (r *Result) EvaluateCarried(ctx context.Context, set Samples, limit int) (float, quantized Score, err error) {
	c, err := cadenceOf(r.net, r.Int8)
	if err != nil {
		return Score{}, Score{}, err
	}
	if len(r.Int8.States) == 0 {
		return Score{}, Score{}, fmt.Errorf("network %q: no state is carried: lower it with StateIO", r.net.Name)
	}
	n := set.Len()
	if limit > 0 {
		n = min(n, limit)
	}
	bounds := streams(n)
	if float.Outputs, err = r.floatStreams(ctx, set, bounds, c); err != nil {
		return Score{}, Score{}, err
	}
	if quantized.Outputs, err = r.quantizedStreams(ctx, set, bounds, c); err != nil {
		return Score{}, Score{}, err
	}
	float.count(r.net, set)
	quantized.count(r.net, set)
	return float, quantized, nil
}

// quantizedStreams runs each stream on an interpreter of its own.
func (r *Result) quantizedStreams(ctx context.Context, set Samples, bounds []int, c cadence) ([][]float32, error) {
	it, err := reference.New(r.Int8)
	if err != nil {
		return nil, err
	}
	parts := len(bounds) - 1
	out := make([][]float32, bounds[parts])
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(runtime.GOMAXPROCS(0))
	for p := range parts {
		group.Go(func() error {
			defer fault.Catch()
			w := it.Clone()
			w.Reset()
			part := make([]float32, c.steps*r.net.Features)
			sequence, n := loader(r.net, set, bounds[p]), bounds[p+1]-bounds[p]
			for call := range c.streamCalls(n) {
				if err := ctx.Err(); err != nil {
					return err
				}
				if call > 0 {
					w.Carry()
				}
				c.streamFeed(part, n, call, sequence)
				if err := invoke(w, part); err != nil {
					return err
				}
				row, err := real32(w, r.Int8.Outputs[0])
				if err != nil {
					return err
				}
				c.streamKeep(out[bounds[p]:bounds[p+1]], call, row)
			}
			return nil
		})
	}
	return out, group.Wait()
}

// floatStreams runs all streams together, a sample of the batch each.
func (r *Result) floatStreams(ctx context.Context, set Samples, bounds []int, c cadence) ([][]float32, error) {
	exec, err := floatexec.New(r.Float)
	if err != nil {
		return nil, err
	}
	g, runner, parts := r.Float, exec.Runner(), len(bounds)-1
	out := make([][]float32, bounds[parts])
	sequence := make([]func(int) []float32, parts)
	for p := range sequence {
		sequence[p] = loader(r.net, set, bounds[p])
	}
	whole := make([][]float32, len(g.Inputs))
	for i, id := range g.Inputs {
		whole[i] = make([]float32, parts*g.Tensors[id].Elems())
	}
	for call := range c.streamCalls(bounds[1]) { // the first stream is among the longest
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch, part := 0, c.steps*r.net.Features
		for batch < parts {
			n := bounds[batch+1] - bounds[batch]
			if call >= c.streamCalls(n) {
				break
			}
			c.streamFeed(whole[0][batch*part:(batch+1)*part], n, call, sequence[batch])
			batch++
		}
		inputs := make([][]float32, len(whole))
		for i, id := range g.Inputs {
			inputs[i] = whole[i][:batch*g.Tensors[id].Elems()]
		}
		views, err := runner.Run(batch, inputs)
		if err != nil {
			return nil, err
		}
		for o, id := range g.Outputs {
			for _, s := range g.States {
				if s.Out == id {
					carry(inputs[inputIndex(g, s.In)], views[o], batch)
				}
			}
		}
		for b := range batch {
			c.streamKeep(out[bounds[b]:bounds[b+1]], call, views[0].Row(b))
		}
	}
	return out, nil
}

// loader returns a function that loads the standardized sequences of a stream, of which
// first is number 0; what it returns is good until the next call.
func loader(net *nn.Network, set Samples, first int) func(i int) []float32 {
	rows, loaded := make([]float32, net.Steps*net.Features), -1
	return func(i int) []float32 {
		if i != loaded {
			load(net, set, first+i, rows)
			loaded = i
		}
		return rows
	}
}
