// SPDX-License-Identifier: Apache-2.0

package source

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
)

// TestProposals pairs inputs with outputs of one shape by their names, and where two could
// be meant neither.
func TestProposals(t *testing.T) {
	for _, c := range []struct{ in, out, want string }{
		{"input_2 input_3:8", "Identity Identity_1:8", "input_3=Identity_1"},
		{"input_2 input_3:8", "Identity other:8", ""}, // a name that means something else
		{"input_2 input_3:8 input_4:8", "Identity Identity_1:8", ""},
		{"input_2:8 input_3", "Identity Identity_1", ""},
		{"x h_in c_in", "y h_out c_out", "h_in=h_out c_in=c_out"},
		{"x state", "y stateN", "state=stateN"},
		{"x h0 c0", "y hn cn", "h0=hn c0=cn"},
		{"x df_h0 erb_h0", "y df_h1 erb_h1", "df_h0=df_h1 erb_h0=erb_h1"},
		{"x h0 h1", "y h0_out h1_out", "h0=h0_out h1=h1_out"},
		{"x h_1 h_2", "y h_1_out h_2_out", "h_1=h_1_out h_2=h_2_out"},
		{"x h", "y h_out h_next", ""},
		{"input_1", "output_1", ""},
	} {
		g := &graph.Graph{}
		ports := func(text string) (ids []graph.TensorID) { // NAME or NAME:WIDTH
			for _, name := range strings.Fields(text) {
				width := 4
				if before, ok := strings.CutSuffix(name, ":8"); ok {
					name, width = before, 8
				}
				ids = append(ids, g.Add(&graph.Tensor{Name: name, Type: graph.Float32, Shape: []int{1, width}}))
			}
			return ids
		}
		g.Inputs, g.Outputs = ports(c.in), ports(c.out)
		var want []string
		for _, pair := range strings.Fields(c.want) {
			want = append(want, "--state "+pair)
		}
		if got := (&Network{Graph: g}).Proposals(); !slices.Equal(got, want) {
			t.Errorf("inputs %s, outputs %s: proposals %q, expected %q", c.in, c.out, got, want)
		}
	}
}
