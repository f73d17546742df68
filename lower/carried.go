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
	calls, err := callsPerSequence(r.net, r.Int8)
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
	if float.Outputs, err = r.floatStreams(ctx, set, bounds, calls); err != nil {
		return Score{}, Score{}, err
	}
	if quantized.Outputs, err = r.quantizedStreams(ctx, set, bounds, calls); err != nil {
		return Score{}, Score{}, err
	}
	float.count(r.net, set)
	quantized.count(r.net, set)
	return float, quantized, nil
}

// quantizedStreams runs each stream on an interpreter of its own.
func (r *Result) quantizedStreams(ctx context.Context, set Samples, bounds []int, calls int) ([][]float32, error) {
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
			rows := make([]float32, r.net.Steps*r.net.Features)
			part := len(rows) / calls
			for i := bounds[p]; i < bounds[p+1]; i++ {
				if err := ctx.Err(); err != nil {
					return err
				}
				load(r.net, set, i, rows)
				for call := range calls {
					if i > bounds[p] || call > 0 {
						w.Carry()
					}
					if err := invoke(w, rows[call*part:(call+1)*part]); err != nil {
						return err
					}
					row, err := real32(w, r.Int8.Outputs[0])
					if err != nil {
						return err
					}
					out[i] = keep(r.net, out[i], row)
				}
			}
			return nil
		})
	}
	return out, group.Wait()
}

// floatStreams runs all streams together, a sample of the batch each.
func (r *Result) floatStreams(ctx context.Context, set Samples, bounds []int, calls int) ([][]float32, error) {
	exec, err := floatexec.New(r.Float)
	if err != nil {
		return nil, err
	}
	g, runner, parts := r.Float, exec.Runner(), len(bounds)-1
	out := make([][]float32, bounds[parts])
	size := r.net.Steps * r.net.Features
	rows := make([]float32, parts*size)
	whole := make([][]float32, len(g.Inputs))
	for i, id := range g.Inputs {
		whole[i] = make([]float32, parts*g.Tensors[id].Elems())
	}
	for at := range bounds[1] { // the first stream is among the longest
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		batch := 0
		for batch < parts && bounds[batch]+at < bounds[batch+1] {
			load(r.net, set, bounds[batch]+at, rows[batch*size:(batch+1)*size])
			batch++
		}
		inputs := make([][]float32, len(whole))
		for i, id := range g.Inputs {
			inputs[i] = whole[i][:batch*g.Tensors[id].Elems()]
		}
		part := size / calls
		for call := range calls {
			for b := range batch {
				copy(inputs[0][b*part:(b+1)*part], rows[b*size+call*part:])
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
				i := bounds[b] + at
				out[i] = keep(r.net, out[i], views[0].Row(b))
			}
		}
	}
	return out, nil
}
