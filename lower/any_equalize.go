// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/equalize"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Equalization says whether channels between convolutions and dense layers of a graph are
// scaled by powers of two, so that they share one scale better.
type Equalization int

// Values of Equalization.
const (
	EqualizeAuto   Equalization = iota // where it loses less, by equalizeGain at least
	EqualizeNever                      //
	EqualizeAlways                     // whether it helps or not
)

// equalizeGain is the part of its loss that equalization has to take from a graph: less is
// as likely to be luck.
const equalizeGain = 0.1

// equalized returns the quantizer of the graph with its channels made alike in size, or q
// where that is not wanted, changes nothing or does not help.
func (q *graphQuantizer) equalized(ctx context.Context, roles unroll.Roles) (*graphQuantizer, error) {
	chains := equalize.Chains(q.plan.Graph)
	if q.o.Equalize == EqualizeNever || len(chains) == 0 {
		return q, nil
	}
	var values []graph.TensorID
	for _, c := range chains {
		values = append(values, c.Value)
	}
	peaks, err := calibrate.PeaksOfSequences(q.plan.Graph, values, q.calls)
	if err != nil {
		return nil, err
	}
	g, changed := equalize.Apply(q.plan.Graph, chains, peaks)
	if !changed {
		return q, nil
	}
	other, err := newGraphQuantizer(ctx, q.float, g, roles, q.calls, q.o)
	if err != nil {
		return nil, err
	}
	if other.equal = true; q.o.Equalize == EqualizeAlways {
		return other, nil
	}
	as, err := q.result(q.o.Wide)
	if err != nil {
		return nil, err
	}
	to, err := other.result(q.o.Wide)
	if err != nil {
		return nil, err
	}
	if !(to.Loss < (1-equalizeGain)*as.Loss) { // nothing lost is nothing to gain
		return q, nil
	}
	return other, nil
}
