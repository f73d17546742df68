// SPDX-License-Identifier: Apache-2.0

package source

import (
	"fmt"
	"maps"
	"slices"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/internal/causal"
	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

// Stepped says how a network over a window of time became its step.
type Stepped struct {
	Steps, Window    int            // frames of a call, and of the window it was compared with
	Axis             map[string]int // the dimension of the frames of every input
	States, Elements int
	Difference       float64 // from the window, relative to the largest value of the output
}

// windows are lengths of a window that are tried where the file leaves it open, before
// they are made multiples of a call: short ones first, for a window costs time.
var windows = []int{12, 48, 192}

// openWindow opens an ONNX model whose number of frames is open with windows of
// different lengths, until one is long enough to tell the step from. What a step keeps is
// then the same as with a call more: else the network takes all frames together, as a mean
// over time does, and nobody has said how many they are.
func openWindow(m *onnx.Model, o Options, convert func(o Options) (*Network, error)) (*Network, error) {
	var in *onnx.Declared
	axis := -1
	for _, d := range m.Graph.Inputs {
		if m.Graph.Weights[d.Name] != nil || o.Set[d.Name] != nil || !d.Ranked || o.Shapes[d.Name] != nil {
			continue
		}
		for i, dim := range d.Dims {
			if dim.Size > 0 || onnx.IsBatch(dim.Name, i) {
				continue
			}
			if in != nil && (in != d || axis != i) {
				return convert(o) // more than one dimension is open: the user has to say
			}
			in, axis = d, i
		}
	}
	if in == nil {
		return convert(o)
	}
	window := func(frames int) (*Network, error) {
		next := o
		next.Shapes = maps.Clone(o.Shapes)
		if next.Shapes == nil {
			next.Shapes = map[string][]int{}
		}
		shape := make([]int, len(in.Dims))
		for i, d := range in.Dims {
			shape[i] = max(int(d.Size), 1)
		}
		shape[axis] = frames
		next.Shapes[in.Name] = shape
		next.Axis = maps.Clone(o.Axis)
		if next.Axis == nil {
			next.Axis = map[string]int{}
		}
		if _, ok := next.Axis[in.Name]; !ok {
			next.Axis[in.Name] = axis
		}
		return convert(next)
	}
	var err error
	for _, w := range windows {
		frames := (w + o.Steps - 1) / o.Steps * o.Steps
		n, fails := window(frames)
		if err = fails; fails != nil {
			continue
		}
		longer, fails := window(frames + o.Steps)
		if err = fails; fails != nil {
			continue
		}
		a, b := n.Stepped, longer.Stepped
		if a.Elements == b.Elements && a.States == b.States {
			return n, nil
		}
		dims := *in
		dims.Dims = slices.Clone(in.Dims)
		dims.Dims[axis].Name = "FRAMES"
		err = fmt.Errorf("%s: --steps %d: the network takes all frames of input %q together, as a mean over time does, and the file leaves open how many (of %d it keeps %d values from call to call, of %d %d): say it with --shape %s=%s", m.File, o.Steps, in.Name, a.Window, a.Elements, b.Window, b.Elements, in.Name, dims.Given())
	}
	return nil, err
}

// maxCalls bounds the calls that a window has.
const maxCalls = 1 << 13

// step makes the network take o.Steps frames a call, where that is asked for.
func (n *Network) step(o Options) error {
	if o.Steps == 0 {
		return nil
	}
	g := n.Graph
	states := map[graph.TensorID]bool{}
	for _, p := range g.States {
		states[p.In] = true
	}
	var inputs []graph.TensorID
	var choices [][]int
	for _, id := range g.Inputs {
		if states[id] {
			continue
		}
		t := g.Tensors[id]
		inputs = append(inputs, id)
		axis, given := o.Axis[t.Name]
		if !given {
			axis, given = o.Axis[FileName(t.Name)]
		}
		if given {
			if axis < 0 {
				axis += len(t.Shape)
			}
			choices = append(choices, []int{axis})
			continue
		}
		var all []int
		for d, size := range t.Shape {
			if size > 1 {
				all = append(all, d)
			}
		}
		if len(all) == 0 {
			return fmt.Errorf("--steps %d: input %q of shape %v has no dimension of frames; if it is a state, say --state %s=OUTPUT, if it never changes, --set %s=VALUE", o.Steps, t.Name, t.Shape, t.Name, t.Name)
		}
		choices = append(choices, all)
	}
	for _, id := range inputs {
		for _, d := range g.Tensors[id].Shape {
			if d/o.Steps > maxCalls {
				return fmt.Errorf("--steps %d: input %q of shape %v: a window of more than %d calls is not needed to tell the step from; give a shorter one (--shape)", o.Steps, g.Tensors[id].Name, g.Tensors[id].Shape, maxCalls)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(o.Axis)) {
		if !slices.ContainsFunc(inputs, func(id graph.TensorID) bool {
			return g.Tensors[id].Name == name || FileName(g.Tensors[id].Name) == name
		}) {
			return fmt.Errorf("--time %s: there is no such input besides states", name)
		}
	}
	axes, r, err := n.framed(inputs, choices, o.Steps)
	if err != nil {
		hint := ""
		if p := n.Proposals(); len(p) > 0 && len(g.States) == 0 {
			hint = fmt.Sprintf(" (if these are states, say %v)", p)
		}
		return fmt.Errorf("--steps %d: %w%s", o.Steps, err, hint)
	}
	worst, where, err := r.Prove(g, 4)
	if err != nil {
		return fmt.Errorf("--steps %d: %w", o.Steps, err)
	}
	s := &Stepped{Steps: o.Steps, Axis: map[string]int{}, States: r.States, Elements: r.Elements, Difference: worst}
	for i, id := range inputs {
		t := g.Tensors[id]
		s.Axis[t.Name], s.Window = axes[i], t.Shape[axes[i]]
		if _, given := o.Axis[t.Name]; !given && len(choices[i]) > 1 {
			n.Assumed = append(n.Assumed, fmt.Sprintf("dimension %d of input %q, %v, is time: say --time %s=N for another", axes[i], t.Name, t.Shape, t.Name))
		}
	}
	if !(worst <= tolerance) {
		return fmt.Errorf("--steps %d: called step by step, the network is not what it is over %d frames: %s differs by %.2g; the most frequent reason is %s", o.Steps, s.Window, where, worst, n.otherwise())
	}
	for _, id := range g.Outputs {
		if tail := r.Tail[id]; tail > 0 {
			n.Assumed = append(n.Assumed, fmt.Sprintf("the last %d frames of output %q, which the frames after the window would add to, are none of the stream", tail, g.Tensors[id].Name))
		}
	}
	n.taken(r, s)
	return nil
}

// otherwise is why a step differs from the window most often.
func (n *Network) otherwise() string {
	if len(n.Carried)+len(n.Sums) > 0 {
		return "a recurrent layer that starts from other values than 0, which can be an input and a state (--state)"
	}
	return "a value that counts where in the window a frame is, such as a position, a mask of known length or padding that repeats other frames; compute it in the application, or leave --steps out"
}

// taken replaces the graph by its step.
func (n *Network) taken(r *causal.Result, s *Stepped) {
	old := n.Graph
	role := make([]string, len(r.Graph.Tensors))
	for id, from := range r.From {
		t := r.Graph.Tensors[id]
		switch {
		case t.IsConst():
		case from != graph.None && n.Role != nil && n.Role[from] != "":
			role[id] = n.Role[from]
		case from != graph.None:
			role[id] = old.Tensors[from].Name
		default:
			role[id] = t.Name
		}
	}
	n.Graph, n.Role, n.Stepped = r.Graph, role, s
}

// framed tries all dimensions that may be time and returns the one choice for which the
// network has a step. Where an input is only ever taken with all its frames at once,
// anything could be time, so that such a choice counts if there is no other and the user
// says it. One for which outputs are longer than the stream counts if there is no other.
func (n *Network) framed(inputs []graph.TensorID, choices [][]int, steps int) ([]int, *causal.Result, error) {
	pick := make([]int, len(inputs))
	var found, tailed [][]int
	var results, longer []*causal.Result
	var first error
	reached := -1
	for tried := 0; tried < 256; tried++ {
		axes, at := make([]int, len(inputs)), map[graph.TensorID]int{}
		given := true
		for i, id := range inputs {
			axes[i] = choices[i][pick[i]]
			at[id] = axes[i]
			given = given && len(choices[i]) == 1
		}
		r, err := causal.Step(n.Graph, causal.Options{Steps: steps, Axis: at, Names: n.Role})
		switch {
		case err == nil && len(r.Tail) > 0 && (given || !r.Whole):
			tailed, longer = append(tailed, axes), append(longer, r)
		case err == nil && (given || !r.Whole):
			found, results = append(found, axes), append(results, r)
		case err == nil:
			err = fmt.Errorf("the network takes all frames of its input at once; if dimension %v is time, say so by --time %s=%d", axes[0], n.Graph.Tensors[inputs[0]].Name, axes[0])
			if reached < 0 {
				first, reached = err, 0
			}
		default:
			if far := causal.Reached(err); first == nil || far > reached {
				first, reached = err, far
			}
		}
		i := 0
		for ; i < len(pick); i++ {
			if pick[i]++; pick[i] < len(choices[i]) {
				break
			}
			pick[i] = 0
		}
		if i == len(pick) {
			break
		}
	}
	if len(found) == 0 {
		found, results = tailed, longer
	}
	switch len(found) {
	case 0:
		return nil, nil, first
	case 1:
		return found[0], results[0], nil
	}
	t := n.Graph.Tensors[inputs[0]]
	return nil, nil, fmt.Errorf("input %q has shape %v, and dimensions %v could be time: say --time %s=%d", t.Name, t.Shape, firsts(found), t.Name, found[0][0])
}

func firsts(list [][]int) []int {
	var out []int
	for _, v := range list {
		if !slices.Contains(out, v[0]) {
			out = append(out, v[0])
		}
	}
	return out
}

// CutShape returns the shape of an array of frames cut into calls: one sequence, or
// several with a dimension in front, of any multiple of a call's frames. ok reports
// whether the array is of that kind; the order of the elements may change: see CutFloats.
func (n *Network) CutShape(input string, shape []int) (calls int, lead []int, ok bool) {
	if n.Stepped == nil {
		return 0, nil, false
	}
	axis, known := n.Stepped.Axis[input]
	id := n.Graph.Find(input)
	if !known || id == graph.None {
		return 0, nil, false
	}
	one := n.Graph.Tensors[id].Shape
	front := len(shape) - len(one)
	if front < 0 || front > 1 {
		return 0, nil, false
	}
	for d, size := range one {
		if d != axis && shape[front+d] != size {
			return 0, nil, false
		}
	}
	frames := shape[front+axis]
	if frames <= one[axis] || frames%one[axis] != 0 {
		return 0, nil, false
	}
	return frames / one[axis], shape[:front], true
}

// Cut brings the elements of an array of frames into the order of calls, each of size
// bytes; shape and calls are those of CutShape.
func (n *Network) Cut(input string, data []byte, shape []int, calls, size int) (out []byte, cut []int) {
	one := n.Graph.Tensors[n.Graph.Find(input)].Shape
	axis := n.Stepped.Axis[input]
	lead := shape[:len(shape)-len(one)]
	outer, inner := graph.Elems(one[:axis]), graph.Elems(one[axis+1:])*size
	frames := one[axis] * calls
	out = make([]byte, 0, len(data))
	for s := range graph.Elems(lead) {
		for call := range calls {
			for o := range outer {
				at := ((s*outer+o)*frames + call*one[axis]) * inner
				out = append(out, data[at:at+one[axis]*inner]...)
			}
		}
	}
	cut = append(append(append([]int{}, lead...), calls), one...)
	return out, cut
}
