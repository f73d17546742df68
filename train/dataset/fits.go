// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"

	"github.com/unroll-npu/unroll/train/nn"
)

// Fits returns nil when a network takes the sequences of the set and can give their
// labels, else an error that says what does not fit. A set may have fewer classes than
// the network, since not all of them need to occur, but not fewer numbers to predict: then
// nobody could say which outputs they are of.
func (s *Set) Fits(net *nn.Network) error {
	kinds := map[nn.Task]string{nn.Classification: "classes", nn.Regression: "numbers to predict"}
	switch {
	case s.Features != net.Features:
		return fmt.Errorf("network %q takes %d features a step, data set %s has %d: give the data that it was trained for", net.Name, net.Features, s.Name, s.Features)
	case s.Steps != net.Steps:
		return fmt.Errorf("network %q takes sequences of %d steps, data set %s has sequences of %d: cut them to that length, or train on these", net.Name, net.Steps, s.Name, s.Steps)
	case s.Task != net.Task:
		hint := "--regression reads whole numbers as numbers to predict"
		switch {
		case s.Task == nn.Regression && s.Outputs > 1 && s.oneHot():
			hint = "every row is one 1 among zeros: leave out --regression, or write y.argmax(-1)"
		case s.Task == nn.Regression:
			hint = "classes are names, or whole numbers from 0 on of an integer type, as by astype(int)"
		}
		return fmt.Errorf("network %q gives %s, the labels of data set %s are %s: %s", net.Name, kinds[net.Task], s.Name, kinds[s.Task], hint)
	case net.PerStep && !s.PerStep:
		return fmt.Errorf("network %q gives an output for every step, data set %s has one label for a whole sequence: label every step, or train on these", net.Name, s.Name)
	case s.PerStep && !net.PerStep:
		return fmt.Errorf("data set %s has a label for every step, network %q gives one output for a whole sequence: label the sequences, or train on these", s.Name, net.Name)
	case s.Task == nn.Regression && s.Outputs != net.Outputs:
		hint := "give as many numbers, in the order of the outputs"
		if s.Outputs == 1 {
			hint += "; for labels that are classes leave out --head none and --regression"
		}
		return fmt.Errorf("network %q has %d outputs, data set %s has numbers to predict for %d: %s", net.Name, net.Outputs, s.Name, s.Outputs, hint)
	case s.Outputs > net.Outputs:
		return fmt.Errorf("network %q has %d outputs, data set %s has labels for %d: give the data that it was trained for", net.Name, net.Outputs, s.Name, s.Outputs)
	}
	return nil
}
