// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/checkpoint"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

// TaskFrom reads what a network of another program's weights is for off the labels of
// its data, where the user has not said it with head: numbers are a regression, two
// classes of one output a detection, classes of several outputs a softmax. The
// network is changed; what was assumed is returned. Several outputs of which the user, or
// the file of a model, says that there is nothing behind them, are logits where the labels
// are classes: the largest one decides.
func TaskFrom(net *nn.Network, set *dataset.Set, head string) (assumed []string, err error) {
	bare := head == HeadNone || head == "" && net.Facts != nil && net.Facts.Task == facts.Regression
	if bare && net.Task == nn.Regression && net.Outputs > 1 && set.Task == nn.Classification && set.PerStep == net.PerStep && set.Outputs <= net.Outputs {
		net.Task, net.Logits = nn.Classification, true
		return []string{fmt.Sprintf("logits of %d classes, the largest of which decides: the labels are classes, and nothing is put behind the outputs; say --head softmax for probabilities", net.Outputs)}, nil
	}
	if head != "" || net.Facts != nil && net.Facts.Task != "" {
		return nil, nil
	}
	switch {
	case set.Task == nn.Regression:
		net.Task = nn.Regression
		return []string{"a regression: the labels are numbers; say --head softmax or sigmoid, with labels that are classes, if the outputs are logits"}, nil
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
