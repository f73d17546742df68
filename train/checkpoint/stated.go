// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/nn"
)

// Stated is what a user says of a file of weights, because such a file cannot.
type Stated struct {
	Activation string   // of candidates: tanh or relu; "" takes tanh, and says so
	Order      []string // of recurrent modules or layers, first to last, by their names
	Head       string   // softmax, sigmoid, none; "" leaves it to the labels
	Join       string   // what the last recurrent module hands on: see Joins; "" of one direction is the last step, and that is said
	PerStep    bool     // the network is used with an output for every step, whatever Join says of one direction
}

// Joins are what the outputs of the last recurrent module can become for the layer with the
// outputs. A file of weights does not say which.
const (
	JoinEnds  = "ends"  // what either half of a bidirectional module computes last: torch.cat((h_n[-2], h_n[-1]), 1)
	JoinLast  = "last"  // the last step, of both halves: out[:, -1]
	JoinMean  = "mean"  // over all steps: out.mean(1)
	JoinMax   = "max"   // over all steps: out.max(1)
	JoinSteps = "steps" // every step: out
)

// join connects the halves of bidirectional layers, whose names are settled, and makes
// of the last what is stated.
func (s Stated) join(file string, net *nn.Network) error {
	name := net.LayerName
	both := false
	for i := 1; i < len(net.Layers); i++ {
		if !net.Layers[i].Reversed {
			continue
		}
		both = true
		before := nn.Input
		if i > 1 {
			before = name(i - 2)
		}
		net.Layers[i-1].Inputs, net.Layers[i].Inputs = []string{before}, []string{before}
		net.Layers[i+1].Inputs = []string{name(i - 1), name(i)}
	}
	last := len(net.Layers) - 1
	one := !both || net.Layers[last].Kind != nn.Concatenation
	if one && s.readsLast(net) {
		return nil
	}
	width := net.Layers[last].Units
	pool := func(p nn.Pool, of string, width int) string {
		net.Layers = append(net.Layers, nn.Layer{Kind: nn.Pooling, Pool: p, Inputs: []string{of}, Activation: nn.Linear, Features: width, Units: width})
		return net.LayerName(len(net.Layers) - 1)
	}
	switch s.Join {
	case JoinEnds:
		if one {
			return fmt.Errorf("%s: --join ends: the last recurrent layer has one direction, which ends with the last step: say --join last", file)
		}
		sides := net.Layers[last].Inputs
		net.Layers = net.Layers[:last]
		a, b := pool(nn.PoolLast, sides[0], width/2), pool(nn.PoolFirst, sides[1], width/2)
		net.Layers = append(net.Layers, nn.Layer{Kind: nn.Concatenation, Inputs: []string{a, b}, Activation: nn.Linear, Features: width, Units: width})
	case JoinLast:
		pool(nn.PoolLast, name(last), width)
	case JoinMean:
		pool(nn.PoolMean, name(last), width)
	case JoinMax:
		pool(nn.PoolMax, name(last), width)
	case JoinSteps:
		net.PerStep = true
	case "":
		return fmt.Errorf("%s: bidirectional layers, and the file does not say what the linear layer reads of them: say --join ends (torch.cat((h_n[-2], h_n[-1]), 1)), last (out[:, -1]), mean or max (over the steps), or steps (an output for every step); or %s", file, exportGraph)
	default:
		return fmt.Errorf("%s: --join %s: expected ends, last, mean, max or steps", file, s.Join)
	}
	return net.Check()
}

// readsLast reports whether the layer with the outputs reads the last step of a layer of one
// direction, and notes that where nobody says it.
func (s Stated) readsLast(net *nn.Network) bool {
	if s.Join == "" && !s.PerStep {
		net.Facts.Assumed = append(net.Facts.Assumed, "the layer with the outputs reads the last step of the recurrent one, with nothing between them: the file does not say; say --join mean, max or steps for another, or last to settle it")
	}
	return s.Join == "" || s.Join == JoinLast
}

// exportGraph is the way out for what layers have no form for.
const exportGraph = "export the whole model as a graph (torch.onnx.export, or Keras' model.export(\"model.onnx\", format=\"onnx\")), which says everything"

// foreign applies what is stated to a network of another program's weights, and notes
// what had to be assumed. known are layers whose activation the format says by itself;
// open says what of the others it does not.
func (s Stated) foreign(file, what string, net *nn.Network, known func(*nn.Layer) bool) error {
	var assumed []string
	open := false
	for i := range net.Layers {
		open = open || !known(&net.Layers[i])
	}
	switch s.Activation {
	case "":
		if open {
			assumed = append(assumed, what+": the file does not say; say --activation relu for another, or "+exportGraph)
		}
	case "tanh":
	case "relu":
		if !open {
			return fmt.Errorf("%s: --activation relu: the file's modules have tanh by definition", file)
		}
		for i := range net.Layers {
			if !known(&net.Layers[i]) {
				net.Layers[i].Activation = nn.Relu
			}
		}
	default:
		return fmt.Errorf("%s: --activation %s: expected tanh or relu; for others, %s", file, s.Activation, exportGraph)
	}
	if len(net.Layers) > 1 && len(s.Order) == 0 {
		var names []string
		for i := range net.Layers {
			if net.Layers[i].Kind == nn.Recurrent && !net.Layers[i].Reversed {
				names = append(names, net.Layers[i].Name)
			}
		}
		if names[0] != "" {
			assumed = append(assumed, fmt.Sprintf("layers in the order %s, each reading the one before: say --order for another", strings.Join(names, ",")))
		}
	}
	for i := range net.Layers {
		net.Layers[i].Name = ""
	}
	net.Facts = &facts.Facts{Assumed: assumed}
	return s.head(file, net)
}

// head makes the outputs of a linear head what is stated of them.
func (s Stated) head(file string, net *nn.Network) error {
	switch s.Head {
	case "":
	case "none":
		net.Task = nn.Regression
	case "softmax":
		if net.Outputs < 2 {
			return fmt.Errorf("%s: --head softmax: the network has one output, over which it is always 1: say --head sigmoid or none", file)
		}
	case "sigmoid":
		if err := Detector(net); err != nil {
			return fmt.Errorf("%s: --head sigmoid: %w", file, err)
		}
	default:
		return fmt.Errorf("%s: --head %s: expected softmax, sigmoid or none", file, s.Head)
	}
	return nil
}

// Detector turns a network of one output, a logit, into one of two classes: a softmax
// over 0 and the logit is its sigmoid, and what is left to 1.
func Detector(net *nn.Network) error {
	if net.Outputs != 1 {
		return fmt.Errorf("network %q has %d outputs; a detector here has one", net.Name, net.Outputs)
	}
	kernel := make([]float32, 0, 2*len(net.HeadKernel))
	for _, w := range net.HeadKernel {
		kernel = append(kernel, 0, w)
	}
	net.HeadKernel, net.HeadBias, net.Outputs = kernel, []float32{0, net.HeadBias[0]}, 2
	net.Task = nn.Classification
	return nil
}

// part is a named piece of a chain: what it takes and what it gives.
type part struct {
	name    string
	in, out int
}

// chain puts parts in the order that is stated, or else the only one in which each
// takes what the one before gives and the last gives what the head takes.
func chain(file, what string, parts []part, stated []string, head int) ([]part, error) {
	var names []string
	for _, p := range parts {
		names = append(names, p.name)
	}
	if len(stated) > 0 {
		var out []part
		for _, name := range stated {
			i := slices.Index(names, name)
			if i < 0 {
				return nil, fmt.Errorf("%s: --order names %q; the %s are %q", file, name, what, names)
			}
			out = append(out, parts[i])
		}
		if len(stated) != len(parts) || len(unique(stated)) != len(parts) {
			return nil, fmt.Errorf("%s: --order %s: expected each of the %s %q once", file, strings.Join(stated, ","), what, names)
		}
		return out, nil
	}
	if len(parts) > 8 {
		return nil, fmt.Errorf("%s: %d %s: say their order with --order", file, len(parts), what)
	}
	var found [][]part
	var walk func(done []part, left []part)
	walk = func(done, left []part) {
		if len(left) == 0 {
			if done[len(done)-1].out == head || head == 0 {
				found = append(found, slices.Clone(done))
			}
			return
		}
		for i, p := range left {
			if len(done) == 0 || done[len(done)-1].out == p.in {
				walk(append(slices.Clone(done), p), slices.Delete(slices.Clone(left), i, i+1))
			}
		}
	}
	walk(nil, parts)
	switch len(found) {
	case 0:
		return nil, fmt.Errorf("%s: the %s %q do not fit one after the other; for a network that is no chain, %s", file, what, names, exportGraph)
	case 1:
		return found[0], nil
	}
	return nil, fmt.Errorf("%s: the %s %q fit in more than one order, and the file does not say which: say --order %s", file, what, names, strings.Join(names, ","))
}

func unique(names []string) []string {
	s := slices.Clone(names)
	slices.Sort(s)
	return slices.Compact(s)
}
