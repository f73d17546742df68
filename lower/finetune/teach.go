// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"context"
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/fault"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// taught is what a float graph gives after the calls of some sequences.
type taught struct {
	values [][][]float32 // by tensor and sequence: call after call
	sizes  []int
}

// of returns a tensor after a call.
func (t *taught) of(tensor, sequence, call int) []float32 {
	n := t.sizes[tensor]
	return t.values[tensor][sequence][call*n:][:n]
}

// all returns every tensor, sequence by sequence.
func (t *taught) all() [][]float32 {
	out := make([][]float32, len(t.values))
	for k, sequences := range t.values {
		for _, v := range sequences {
			out[k] = append(out[k], v...)
		}
	}
	return out
}

// batchOf is the number of sequences that the float graph runs side by side.
const batchOf = 32

// teach runs a float graph over sequences and keeps some of its tensors.
func teach(ctx context.Context, g *graph.Graph, watch []graph.TensorID, calls lower.Sequences) (*taught, error) {
	return teachEvery(ctx, g, watch, calls, nil)
}

// teachEvery keeps of tensor k what it is after every n calls, n = every[k]; nil is 1.
func teachEvery(ctx context.Context, g *graph.Graph, watch []graph.TensorID, calls lower.Sequences, every []int) (*taught, error) {
	exec, err := floatexec.New(g)
	if err != nil {
		return nil, err
	}
	t := &taught{}
	for _, id := range watch {
		t.sizes = append(t.sizes, g.Tensors[id].Elems())
		t.values = append(t.values, make([][]float32, calls.Len()))
	}
	runners := make(chan *floatexec.Runner, runtime.GOMAXPROCS(0))
	for range cap(runners) {
		runners <- exec.Runner()
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(cap(runners))
	for at := 0; at < calls.Len(); {
		n, first := 1, at
		for n < batchOf && at+n < calls.Len() && calls.Calls(at+n) == calls.Calls(at) {
			n++
		}
		at += n
		group.Go(func() error {
			defer fault.Catch()
			r := <-runners
			defer func() { runners <- r }()
			return t.run(ctx, g, r, watch, calls, first, n, every)
		})
	}
	return t, group.Wait()
}

// run takes sequences of one length side by side.
func (t *taught) run(ctx context.Context, g *graph.Graph, r *floatexec.Runner, watch []graph.TensorID, calls lower.Sequences, first, batch int, every []int) error {
	inputs := make([][]float32, len(g.Inputs))
	index := map[graph.TensorID]int{}
	for i, id := range g.Inputs {
		inputs[i] = make([]float32, batch*g.Tensors[id].Elems())
		index[id] = i
	}
	data := calibrate.DataInputs(g)
	call := 0
	r.Visit = func(id graph.TensorID, v floatexec.View) {
		for k, w := range watch {
			if w != id || every != nil && (call+1)%every[k] != 0 {
				continue
			}
			for b := range batch {
				t.values[k][first+b] = append(t.values[k][first+b], v.Row(b)...)
			}
		}
	}
	defer func() { r.Visit = nil }()
	for call = range calls.Calls(first) {
		if err := ctx.Err(); err != nil {
			return err
		}
		for _, in := range data {
			n := g.Tensors[g.Inputs[in]].Elems()
			for b := range batch {
				if err := calls.Feed(first+b, call, in, inputs[in][b*n:(b+1)*n]); err != nil {
					return err
				}
			}
		}
		views, err := r.Run(batch, inputs)
		if err != nil {
			return err
		}
		for o, id := range g.Outputs {
			for _, s := range g.States {
				if s.Out == id {
					to := inputs[index[s.In]]
					for b := range batch {
						copy(to[b*views[o].N:], views[o].Row(b))
					}
				}
			}
		}
	}
	return nil
}
