// SPDX-License-Identifier: Apache-2.0

package calibrate

import (
	"runtime"

	"golang.org/x/sync/errgroup"

	"github.com/unroll-npu/unroll/lower/fault"
	"github.com/unroll-npu/unroll/lower/floatexec"
	"github.com/unroll-npu/unroll/lower/graph"
)

// chunk is the number of sequences that run as one batch.
const chunk = 32

// lane is a batch of sequences that is carried through all rounds: sequence i
// starts with sample i at the zero state and goes on with samples i+1, i+2, …
type lane struct {
	g     *graph.Graph
	batch int
	calls int // in a round

	samples [][]float32
	first   int // sample that sequence 0 starts with
	at      int // value of the stream that comes next

	// feed writes the data inputs of the running call of a round in place of samples.
	feed func(call int) error

	runner  *floatexec.Runner
	inputs  [][]float32
	stateOf map[graph.TensorID]int // index of a state input by its output

	// between says that the running call ends inside a sequence, where a head
	// that was trained on the ends of sequences has nothing to say.
	between bool
}

type lanes []*lane

// newLanes starts all sequences.
func newLanes(exec *floatexec.Exec, g *graph.Graph, samples [][]float32) lanes {
	var out lanes
	shape := g.Tensors[g.Inputs[0]].Shape
	steps, features := shape[1], shape[2]
	for at := 0; at < len(samples); at += chunk {
		l := newLane(exec, g, min(chunk, len(samples)-at))
		l.samples, l.first, l.calls = samples, at, max(1, len(samples[0])/features/steps)
		out = append(out, l)
	}
	return out
}

// newLane returns a lane of sequences at their reset states, without anything to feed.
func newLane(exec *floatexec.Exec, g *graph.Graph, batch int) *lane {
	l := &lane{g: g, batch: batch, runner: exec.Runner(), stateOf: map[graph.TensorID]int{}}
	for _, id := range g.Inputs {
		l.inputs = append(l.inputs, make([]float32, batch*g.Tensors[id].Elems()))
	}
	for _, s := range g.States {
		for i, id := range g.Inputs {
			if id == s.In {
				l.stateOf[s.Out] = i
			}
		}
	}
	return l
}

// round runs as many calls of every lane as one sample takes.
func (ls lanes) round() error {
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for _, l := range ls {
		group.Go(func() error {
			defer fault.Catch()
			for call := range l.calls {
				if err := l.call(call); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return group.Wait()
}

// call feeds the next inputs of every sequence and carries the states over.
func (l *lane) call(call int) error {
	feed := l.next
	if l.feed != nil {
		feed = l.feed
	}
	if err := feed(call); err != nil {
		return err
	}
	out, err := l.runner.Run(l.batch, l.inputs)
	if err != nil {
		return err
	}
	for o, id := range l.g.Outputs {
		if i, ok := l.stateOf[id]; ok {
			for b := range l.batch {
				copy(l.inputs[i][b*out[o].N:], out[o].Row(b))
			}
		}
	}
	return nil
}

// next feeds the next steps of every sequence of samples.
func (l *lane) next(int) error {
	n, size := len(l.inputs[0])/l.batch, len(l.samples[0])
	for b := range l.batch {
		dst, at := l.inputs[0][b*n:(b+1)*n], l.at
		for len(dst) > 0 {
			s := l.samples[(l.first+b+at/size)%len(l.samples)]
			k := copy(dst, s[at%size:])
			dst, at = dst[k:], at+k
		}
	}
	l.at += n
	l.between = size%n == 0 && l.at%size != 0
	return nil
}
