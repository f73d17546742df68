// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train/nn"
)

// Hours that are too few to show a rate of false alarms are said to be so.
func TestDetectionShort(t *testing.T) {
	for _, c := range []struct {
		hours, chosen, perHour float64
		want                   string
	}{
		{10, 10, 1, ""},
		{3, 3, 1, ""},
		{0.5, 4, 1, "0.5 hours of the test part cannot show that at most 1 false alarms come in an hour: one in them is 2 an hour, and it takes 3 hours"},
		{40, 4, 0.1, "4 hours of the part that it was chosen by cannot show that at most 0.1"},
		{0.1, 0.1, 0, ""}, // none are accepted, which no time shows
	} {
		d := Detection{Hours: c.hours, ChosenHours: c.chosen}
		if got := d.Short(c.perHour); !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%+v: %q, want %q", c, got, c.want)
		}
	}
}

// Logits have no probabilities to smooth.
func TestDetectionOfLogits(t *testing.T) {
	g := &graph.Graph{Tensors: []*graph.Tensor{{Name: "x", Shape: []int{1, 1, 2}}, {Name: "y", Shape: []int{1, 2}}}, Inputs: []graph.TensorID{0}, Outputs: []graph.TensorID{1}}
	for logits, want := range map[bool]string{true: "say --head softmax", false: ""} {
		r := &Result{Int8: g, net: &nn.Network{Name: "net", Steps: 1, Outputs: 2, Classes: []string{"calm", "fall"}, Logits: logits}}
		if err := r.Detectable("calm"); (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("logits %v: %v", logits, err)
		}
	}
}
