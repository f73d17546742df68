// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/train/nn"
)

func TestFits(t *testing.T) {
	set := &Set{Name: "data.csv", Steps: 4, Features: 3, Outputs: 2}
	for _, c := range []struct {
		change func(*nn.Network)
		want   string
	}{
		{func(*nn.Network) {}, ""},
		{func(n *nn.Network) { n.Outputs = 7 }, ""},
		{func(n *nn.Network) { n.Steps = 1 }, "takes sequences of 1 steps, data set data.csv has sequences of 4"},
		{func(n *nn.Network) { n.Features = 2 }, "takes 2 features a step, data set data.csv has 3"},
		{func(n *nn.Network) { n.Outputs = 1 }, "has 1 outputs, data set data.csv has labels for 2"},
		{func(n *nn.Network) { n.Task = nn.Regression }, "gives numbers to predict, the labels of data set data.csv are classes"},
		{func(n *nn.Network) { n.PerStep = true }, "gives an output for every step, data set data.csv has one label for a whole sequence"},
	} {
		net := &nn.Network{Name: "net", Steps: 4, Features: 3, Outputs: 2}
		c.change(net)
		err := set.Fits(net)
		if (err == nil) != (c.want == "") || err != nil && (!strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), `network "net"`)) {
			t.Errorf("found %v, expected %q", err, c.want)
		}
	}
	for _, c := range []struct {
		set  Set
		task nn.Task
		want string
	}{
		{Set{Steps: 4, Features: 3, Outputs: 2, n: 2, Task: nn.Regression, targets: []float32{0, 1, 1, 0}}, nn.Classification, "every row is one 1 among zeros: leave out --regression, or write y.argmax(-1)"},
		{Set{Steps: 4, Features: 3, Outputs: 2, n: 2, Task: nn.Regression, targets: []float32{0, 1, 1, 3}}, nn.Classification, "whole numbers from 0 on of an integer type"},
		{Set{Steps: 4, Features: 3, Outputs: 2}, nn.Regression, "--regression reads whole numbers"},
	} {
		if err := c.set.Fits(&nn.Network{Name: "net", Steps: 4, Features: 3, Outputs: 2, Task: c.task}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("found %v, expected %q", err, c.want)
		}
	}
	every := *set
	every.PerStep = true
	if err := every.Fits(&nn.Network{Name: "net", Steps: 4, Features: 3, Outputs: 2}); err == nil || !strings.Contains(err.Error(), "has a label for every step, network \"net\" gives one output") {
		t.Errorf("step labels for a network that decides once: %v", err)
	}
	numbers := &Set{Name: "data.csv", Steps: 4, Features: 3, Outputs: 1, Task: nn.Regression}
	for outputs, want := range map[int]string{1: "", 5: `network "net" has 5 outputs, data set data.csv has numbers to predict for 1: give as many numbers, in the order of the outputs; for labels that are classes leave out`} {
		err := numbers.Fits(&nn.Network{Name: "net", Steps: 4, Features: 3, Outputs: outputs, Task: nn.Regression})
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%d outputs: found %v, expected %q", outputs, err, want)
		}
	}
}
