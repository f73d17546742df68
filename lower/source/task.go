// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"

	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// TaskFrom reads what a network of another program's weights is for off the labels of
// its data, where the user has not said it with head: numbers are a regression, two
// classes of one output a detection, classes of several outputs a softmax. The
// network is changed; what was assumed is returned.
func TaskFrom(net *nn.Network, set *dataset.Set, head string) (assumed []string, err error) {
	if head != "" {
		return nil, nil
	}
	switch {
	case set.Task == nn.Regression:
		net.Task = nn.Regression
		return []string{"a regression: the labels are numbers; say --head softmax or sigmoid if the outputs are logits"}, nil
	case net.Outputs == 1 && set.Outputs <= 2:
		if err := checkpoint.Detector(net); err != nil {
			return nil, err
		}
		return []string{"a detector, its output a logit: there is one output and the labels are two classes; outputs are the probabilities of both; say --head none for a regression"}, nil
	case net.Outputs == 1:
		return nil, fmt.Errorf("network %q has one output, but the labels name %d classes: say --head none and give numbers to predict, or give the data that it was trained for", net.Name, set.Outputs)
	}
	return []string{fmt.Sprintf("softmax over %d classes: the labels are classes; say --head none for a regression", net.Outputs)}, nil
}
