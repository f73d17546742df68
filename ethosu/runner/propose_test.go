// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestPropose(t *testing.T) {
	ts := timedTensors
	for _, c := range []struct {
		ins, outs []Tensor
		states    []State
		want      []string
	}{
		{ts, ts, nil, []string{"in=in", "h=h"}},
		{ts, ts, []State{{1, 1}}, nil}, // the other has to be fed
		{append(ts[:2:2], ts[1]), ts, []State{{1, 1}}, []string{"in=in"}},
		{ts[1:], ts[1:], nil, nil},
		{ts, ts[:1], nil, []string{"in=in"}},
	} {
		if diff := cmp.Diff(c.want, Propose(c.ins, c.outs, c.states)); diff != "" {
			t.Error(diff)
		}
	}
}
