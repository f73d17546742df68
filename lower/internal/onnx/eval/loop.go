// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"errors"
	"fmt"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// maxRounds bounds the rounds of all loops of a run together.
const maxRounds = 1 << 16

// body runs the body of a loop once.
func (r *run) body(s *scope, n *onnx.Node, in []*Array, outputs int) ([]*Array, error) {
	if r.rounds++; r.rounds > maxRounds {
		return nil, fmt.Errorf("the loops go round more than %d times together, which is the limit", maxRounds)
	}
	a := n.Attrs["body"]
	if a == nil || a.Graph == nil || len(a.Graph.Inputs) != len(in) || len(a.Graph.Outputs) < outputs {
		return nil, errors.New("there is no body with as many inputs and outputs")
	}
	inner := &scope{values: map[string]*Array{}, graph: a.Graph, outer: s}
	for i, d := range a.Graph.Inputs {
		inner.values[d.Name] = in[i]
	}
	return r.graph(inner)
}

func (r *run) read(s *scope, n *onnx.Node) ([]*Array, error) {
	in := make([]*Array, len(n.Inputs))
	for i, name := range n.Inputs {
		if name == "" {
			continue
		}
		a, err := s.find(name)
		if err != nil {
			return nil, err
		}
		in[i] = a
	}
	return in, nil
}

func (r *run) loop(s *scope, n *onnx.Node) ([]*Array, error) {
	in, err := r.read(s, n)
	if err != nil {
		return nil, err
	}
	if len(in) < 2 {
		return nil, errors.New("it has fewer than two inputs")
	}
	on := in[1] == nil || len(in[1].Data) == 1 && in[1].Data[0] != 0
	state := in[2:]
	var gathered [][]*Array
	for i := 0; on && (in[0] == nil || len(in[0].Data) == 1 && float64(i) < in[0].Data[0]); i++ {
		args := append([]*Array{{Type: onnx.Int64, Shape: []int{}, Data: []float64{float64(i)}}, {Type: onnx.Bool, Shape: []int{}, Data: []float64{1}}}, state...)
		out, err := r.body(s, n, args, len(state)+1)
		if err != nil {
			return nil, err
		}
		if len(out[0].Data) != 1 {
			return nil, errors.New("the condition is not one value")
		}
		on, state = out[0].Data[0] != 0, out[1:len(state)+1]
		gathered = append(gathered, out[len(state)+1:])
	}
	return r.gather(n, state, gathered, nil, nil)
}

// gather stacks what every round gave.
func (r *run) gather(n *onnx.Node, state []*Array, rounds [][]*Array, axes, backward []int64) ([]*Array, error) {
	result := append([]*Array(nil), state...)
	for k := 0; len(rounds) > 0 && k < len(rounds[0]); k++ {
		first := rounds[0][k]
		a := 0
		if k < len(axes) {
			var err error
			if a, err = axis(int(axes[k]), first.rank()+1); err != nil {
				return nil, err
			}
		}
		shape := append(append(append([]int{}, first.Shape[:a]...), len(rounds)), first.Shape[a:]...)
		y, err := (&call{run: r, Node: n}).make(first.Type, shape)
		if err != nil {
			return nil, err
		}
		inner := elems(first.Shape[a:])
		for i, out := range rounds {
			if len(out[k].Data) != len(first.Data) {
				return nil, errors.New("the rounds give different shapes")
			}
			at := i
			if k < len(backward) && backward[k] != 0 {
				at = len(rounds) - 1 - i
			}
			for o := range elems(first.Shape[:a]) {
				copy(y.Data[(o*len(rounds)+at)*inner:(o*len(rounds)+at+1)*inner], out[k].Data[o*inner:])
			}
		}
		result = append(result, y)
	}
	return result, nil
}

func (r *run) scan(s *scope, n *onnx.Node) ([]*Array, error) {
	in, err := r.read(s, n)
	if err != nil {
		return nil, err
	}
	inputs := int(n.Int("num_scan_inputs", 0))
	if inputs < 1 || inputs > len(in) {
		return nil, errors.New("num_scan_inputs does not fit")
	}
	states := len(in) - inputs
	at := func(attr string, i int) int64 {
		if list := n.Ints(attr); i < len(list) {
			return list[i]
		}
		return 0
	}
	count := -1
	for k, x := range in[states:] {
		if x == nil {
			return nil, errors.New("an input is missing")
		}
		a, err := axis(int(at("scan_input_axes", k)), x.rank())
		if err != nil {
			return nil, err
		}
		if count >= 0 && count != x.Shape[a] {
			return nil, errors.New("the inputs have different lengths")
		}
		count = x.Shape[a]
	}
	state := in[:states]
	var gathered [][]*Array
	for i := range count {
		args := append([]*Array(nil), state...)
		for k, x := range in[states:] {
			a, _ := axis(int(at("scan_input_axes", k)), x.rank())
			from := i
			if at("scan_input_directions", k) != 0 {
				from = count - 1 - i
			}
			inner := elems(x.Shape[a+1:])
			one := &Array{Type: x.Type, Shape: append(append([]int{}, x.Shape[:a]...), x.Shape[a+1:]...)}
			for o := range elems(x.Shape[:a]) {
				begin := (o*count + from) * inner
				one.Data = append(one.Data, x.Data[begin:begin+inner]...)
			}
			args = append(args, one)
		}
		out, err := r.body(s, n, args, states)
		if err != nil {
			return nil, err
		}
		state = out[:states]
		gathered = append(gathered, out[states:])
	}
	return r.gather(n, state, gathered, n.Ints("scan_output_axes"), n.Ints("scan_output_directions"))
}
