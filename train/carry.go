// SPDX-License-Identifier: Apache-2.0

package train

import (
	"fmt"
	"math/rand/v2"

	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// Carried training: the sequences that one place of the batch gets, one after the other, are
// a stream, and the states go on from each to the next as they do in a device that
// nobody resets. Gradients end where a sequence begins.

// resetEvery is the mean number of sequences after which a stream begins anew while
// training, so that a network that has just been reset is in order, too.
const resetEvery = 16

// carry has sequences go on from those before them.
func (e *engine) carry() {
	e.carried = true
	for _, r := range e.runs() {
		r.Carry(e.batch)
	}
}

// begin starts the next sequence in place b.
func (e *engine) begin(b int, reset bool) {
	for _, r := range e.runs() {
		r.Begin(b, reset)
	}
}

// resets says whether the stream of sequence i begins anew with it, a function of seed, epoch
// and sequence alone.
func (c Config) resets(i, epoch int) bool {
	return rand.NewPCG(c.Seed^streamReset<<56, uint64(epoch)<<32|uint64(i)).Uint64()%resetEvery == 0
}

// carriedStates returns what all layers carry, and setCarried takes it back.
func (e *engine) carriedStates() [][]float32 {
	if !e.carried {
		return nil
	}
	var all [][]float32
	for _, r := range e.runs() {
		all = append(all, r.Carried(e.batch))
	}
	return all
}

func (e *engine) setCarried(all [][]float32) error {
	if !e.carried {
		return nil
	}
	runs := e.runs()
	if len(all) != len(runs) {
		return fmt.Errorf("the checkpoint has carried states of %d layers, expected %d", len(all), len(runs))
	}
	for i, r := range runs {
		if !r.SetCarried(e.batch, all[i]) {
			return fmt.Errorf("the checkpoint's carried states of layer %d, %d values, do not fit", i, len(all[i]))
		}
	}
	return nil
}

// Carries returns nil when the states of a network can be carried from sequence to
// sequence. The error names the first layer that cannot.
func Carries(net *nn.Network) error {
	for i := range net.Layers {
		if net.Layers[i].Reversed {
			return fmt.Errorf("network %q: layer %s runs from the last step to the first: no state can be carried into it", net.Name, net.LayerName(i))
		}
	}
	return nil
}

// A set is evaluated as at most maxStreams streams of at least perStream sequences, as
// lowered networks are.
const (
	maxStreams = 16
	perStream  = 64
)

// EvaluateCarried is Evaluate for a network that nobody resets: states go on from every
// sequence to the next.
func EvaluateCarried(net *nn.Network, set *dataset.Set) (accuracy, loss float64, err error) {
	if err := Carries(net); err != nil || set.Len() == 0 {
		return 0, 0, err
	}
	s := newScores(set)
	forStreams(net, set, s.count)
	accuracy, loss = s.result()
	return accuracy, loss, nil
}

// forStreams runs the network over the streams of a set side by side, a step of the streams
// at a time.
func forStreams(net *nn.Network, set *dataset.Set, use func(e *engine, n int)) {
	parts := min(maxStreams, max(set.Len()/perStream, 1))
	bounds := []int{0}
	for p := range parts {
		size := set.Len() / parts
		if p < set.Len()%parts {
			size++ // longer streams come first
		}
		bounds = append(bounds, bounds[p]+size)
	}
	e := newEngine(net, parts, evaluators(), true)
	defer e.close()
	e.load(net)
	e.carry()
	f := newFeed(e, set, net.Mean, net.Std)
	for at := range bounds[1] {
		n := 0
		for n < parts && bounds[n]+at < bounds[n+1] {
			n++
		}
		e.crew.run(func(w int) {
			first, after := e.rows(w, n)
			for b := first; b < after; b++ {
				f.put(e, b, bounds[b]+at, 0)
				e.begin(b, at == 0)
			}
			if first < after {
				e.forward(first, after)
				e.head.loss(first, after, n)
			}
		})
		use(e, n)
	}
}
