// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"encoding/json"
	"fmt"
	"io"

	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/nn"
)

// progress is the part of a training state that is no tensor. Floats in JSON keep
// their value exactly.
type progress struct {
	Step       int     `json:"step"`
	HasBest    bool    `json:"has_best,omitempty"`
	HasAverage bool    `json:"has_average,omitempty"`
	BestLoss   float64 `json:"best_loss,omitempty"`
	Stale      int     `json:"stale,omitempty"`
	Loss       float64 `json:"loss,omitempty"` // sums over the epoch that is not finished
	Hits       int     `json:"hits,omitempty"`
	Rows       int     `json:"rows,omitempty"`
	Epochs     int     `json:"epochs"`
	Options    string  `json:"options"`
	Carried    []int   `json:"carried,omitempty"` // values of every array of carried states
	Note       string  `json:"note,omitempty"`
}

// WriteState writes a training run between two steps: the file of its network,
// readable as such, with the head that the run works with under training.head. where that differs, Adam's moments under adam.m. and adam.v., the average of the
// weights under average., the best network so far under best., and the position in the metadata.
func WriteState(w io.Writer, s *train.State) error {
	m, err := metadata(s.Network)
	if err != nil {
		return err
	}
	var carried []int
	for _, v := range s.Carried {
		carried = append(carried, len(v))
	}
	p, err := json.Marshal(progress{s.Step, s.Best != nil, s.Average != nil, s.BestLoss, s.Stale, s.Loss, s.Hits, s.Rows, s.Epochs, s.Options, carried, s.Note})
	if err != nil {
		return fmt.Errorf("training state at step %d: %w", s.Step, err)
	}
	m["training"] = string(p)
	all := entries("", s.Network)
	for prefix, net := range statePrefixes(s) {
		if net != nil {
			all = append(all, entries(prefix, weightsOnly(net))...)
		}
	}
	for i, v := range s.Carried {
		all = append(all, entry{fmt.Sprintf("training.carried.%d", i), []int{len(v)}, v})
	}
	if s.HeadKernel != nil {
		all = append(all, entry{"training.head.kernel", []int{len(s.HeadKernel) / s.Network.Outputs, s.Network.Outputs}, s.HeadKernel},
			entry{"training.head.bias", []int{len(s.HeadBias)}, s.HeadBias})
	}
	return write(w, m, all)
}

// statePrefixes yields the networks beside the current one in a fixed order.
func statePrefixes(s *train.State) func(func(string, *nn.Network) bool) {
	return func(yield func(string, *nn.Network) bool) {
		_ = yield("adam.m.", s.M) && yield("adam.v.", s.V) && yield("average.", s.Average) && yield("best.", s.Best)
	}
}

// weightsOnly returns net without the constants of standardization.
func weightsOnly(net *nn.Network) *nn.Network {
	n := *net
	n.Mean, n.Std = nil, nil
	return &n
}

// ReadState reads what WriteState wrote.
func ReadState(name string, r io.ReaderAt, size int64) (*train.State, error) {
	c, err := open(name, r, size)
	if err != nil {
		return nil, err
	}
	text, ok := c.metadata["training"]
	if !ok {
		return nil, fmt.Errorf("%s: no training state in the metadata: a finished network cannot be resumed", name)
	}
	var p progress
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return nil, fmt.Errorf("%s: bad training state in the metadata: %w", name, err)
	}
	s := &train.State{Step: p.Step, BestLoss: p.BestLoss, Stale: p.Stale, Options: p.Options, Epochs: p.Epochs, Loss: p.Loss, Hits: p.Hits, Rows: p.Rows, Note: p.Note}
	if s.Network, err = c.readNetwork(); err != nil {
		return nil, err
	}
	if net := s.Network; c.byName["training.head.kernel"] != nil {
		if s.HeadKernel, err = c.take("training.head.kernel", []int{len(net.HeadKernel) / net.Outputs, net.Outputs}); err != nil {
			return nil, err
		}
		if s.HeadBias, err = c.take("training.head.bias", []int{net.Outputs}); err != nil {
			return nil, err
		}
	}
	for i, n := range p.Carried {
		v, err := c.take(fmt.Sprintf("training.carried.%d", i), []int{n})
		if err != nil {
			return nil, err
		}
		s.Carried = append(s.Carried, v)
	}
	for _, at := range []struct {
		prefix string
		net    **nn.Network
		want   bool
	}{{"adam.m.", &s.M, true}, {"adam.v.", &s.V, true}, {"average.", &s.Average, p.HasAverage}, {"best.", &s.Best, p.HasBest}} {
		if !at.want {
			continue
		}
		net := weightsOnly(s.Network).Shape()
		for _, slot := range slots(net) {
			if *slot.data, err = c.take(at.prefix+slot.name, slot.shape); err != nil {
				return nil, err
			}
		}
		net.Mean, net.Std = s.Network.Mean, s.Network.Std
		*at.net = net
	}
	return s, nil
}
