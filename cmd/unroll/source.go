// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/lower/source"
	"github.com/unroll-npu/unroll/train/checkpoint"
)

// sourceFlags fix what the file of a float network leaves open.
type sourceFlags struct {
	shapes, sets      []string
	activation, order string
	head, join        string
	times             []string
}

// add declares all of them.
func (s *sourceFlags) add(f *pflag.FlagSet) {
	s.addFile(f)
	f.StringArrayVar(&s.times, "time", nil, "NAME=DIMENSION: which dimension of an input of a graph is time, for --steps (default: the one for which the network works frame by frame)")
	f.StringVar(&s.head, "head", "", "what the outputs are, where the file does not say: softmax, sigmoid or none (default: graphs are taken as they are; of weights the labels decide)")
}

// addFile declares those that say what a file does not.
func (s *sourceFlags) addFile(f *pflag.FlagSet) {
	f.StringArrayVar(&s.shapes, "shape", nil, "NAME=1,576: shape of an input of a float network whose file leaves it open (default: that of what it is fed with)")
	f.StringArrayVar(&s.sets, "set", nil, "NAME=VALUE[,VALUE…]: input of a float network that never changes")
	f.StringVar(&s.activation, "activation", "", "candidate activation of a file of weights, which does not say it: tanh or relu (default: tanh, and that is said)")
	f.StringVar(&s.order, "order", "", "recurrent layers or modules of a file of weights, first to last: NAME,NAME…")
	f.StringVar(&s.join, "join", "", "what the layer with the outputs reads in a file of weights, which does not say it: last (out[:, -1]; the default of one direction, and that is said), mean or max over the steps, steps (each of them), or of bidirectional PyTorch weights ends (h_n of both halves)")
}

// given names one of the flags that is used, "" for none.
func (s *sourceFlags) given() string {
	for _, f := range []struct {
		name string
		used bool
	}{{"--shape", s.shapes != nil}, {"--set", s.sets != nil}, {"--activation", s.activation != ""}, {"--order", s.order != ""}, {"--head", s.head != ""}, {"--join", s.join != ""}, {"--time", s.times != nil}} {
		if f.used {
			return f.name
		}
	}
	return ""
}

// stated is what the flags say of a file of weights.
func (s *sourceFlags) stated() checkpoint.Stated {
	l := checkpoint.Stated{Activation: s.activation, Head: s.head, Join: s.join}
	if s.order != "" {
		l.Order = strings.Split(s.order, ",")
	}
	return l
}

// options parses the flags.
func (s *sourceFlags) options(states []string) (source.Options, error) {
	o := source.Options{Shapes: map[string][]int{}, Set: map[string][]float64{}, Arrays: map[string][]int{}, Axis: map[string]int{}, States: states, Layers: s.stated()}
	for _, text := range s.shapes {
		name, list, err := named("--shape", text, "NAME=1,576")
		if err != nil {
			return o, err
		}
		for _, part := range list {
			n, err := strconv.Atoi(strings.TrimSpace(part))
			if err != nil || n < 1 {
				return o, usagef("--shape %s: %q is no size", text, part)
			}
			o.Shapes[name] = append(o.Shapes[name], n)
		}
	}
	for _, text := range s.sets {
		name, list, err := named("--set", text, "NAME=VALUE")
		if err != nil {
			return o, err
		}
		for _, part := range list {
			v, err := strconv.ParseFloat(strings.TrimSpace(part), 64)
			switch low := strings.ToLower(strings.TrimSpace(part)); {
			case low == "true":
				v = 1
			case low == "false":
				v = 0
			case err != nil:
				return o, usagef("--set %s: %q is no number", text, part)
			}
			o.Set[name] = append(o.Set[name], v)
		}
	}
	for _, text := range s.times {
		name, list, err := named("--time", text, "NAME=DIMENSION")
		if err != nil {
			return o, err
		}
		n, err := strconv.Atoi(strings.TrimSpace(list[0]))
		if err != nil || len(list) != 1 || n < -8 || n > 7 {
			return o, usagef("--time %s: expected the number of a dimension, counted from 0", text)
		}
		o.Axis[name] = n
	}
	return o, nil
}

// named splits NAME=A,B,….
func named(flag, text, want string) (string, []string, error) {
	name, rest, ok := strings.Cut(text, "=")
	if !ok || name == "" || rest == "" {
		return "", nil, usagef("%s %s: expected %s", flag, text, want)
	}
	return name, strings.Split(strings.Trim(rest, "[]"), ","), nil
}
