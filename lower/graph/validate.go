// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"errors"
	"fmt"
	"math"
)

// Limits that Validate puts on a graph, far above any network for a
// microcontroller, so that a hostile file cannot make us allocate gigabytes.
const (
	MaxDims        = 8
	MaxTensorBytes = 64 << 20
	MaxGraphBytes  = 256 << 20
)

// Validate checks that the graph can be executed: ids in range, tensors
// produced once and before they are read, constants of the right size, and for
// every operator types, shapes and quantization as its kernel assumes them.
// It returns all problems, in order, joined; at most 20 of them.
func (g *Graph) Validate() error {
	v := &validator{g: g}
	v.tensors()
	if v.errs == nil { // the rest indexes tensors
		v.flow()
	}
	if v.errs == nil {
		for i, op := range g.Ops {
			if err := g.CheckOp(op); err != nil {
				v.fail("%s: %w", g.OpString(i), err)
			}
		}
		v.states()
		v.complex()
	}
	return errors.Join(v.errs...)
}

type validator struct {
	g    *Graph
	errs []error
}

func (v *validator) fail(format string, args ...any) {
	const most = 20
	switch {
	case len(v.errs) < most:
		v.errs = append(v.errs, fmt.Errorf(format, args...))
	case len(v.errs) == most:
		v.errs = append(v.errs, errors.New("more problems follow and are not listed"))
	}
}

func (v *validator) tensors() {
	total := 0
	for i, t := range v.g.Tensors {
		if t == nil {
			v.fail("tensor %d is missing", i)
			continue
		}
		n, err := t.CheckSize()
		if err != nil {
			v.fail("tensor %d %q: %w", i, t.Name, err)
			continue
		}
		if total += n; total > MaxGraphBytes {
			v.fail("tensor %d %q: the tensors up to here need more than %d bytes, which is the limit", i, t.Name, MaxGraphBytes)
			return
		}
		if t.Variable && t.Data != nil {
			v.fail("tensor %d %q is variable and has constant data, expected one of them", i, t.Name)
		}
	}
}

// CheckSize checks type, shape and constant data and returns the size in bytes.
func (t *Tensor) CheckSize() (int, error) {
	if !t.Type.Known() {
		return 0, fmt.Errorf("type %v is not supported", t.Type)
	}
	if len(t.Shape) > MaxDims {
		return 0, fmt.Errorf("has %d dimensions, expected at most %d", len(t.Shape), MaxDims)
	}
	n := t.Type.Size()
	for _, d := range t.Shape {
		if d < 0 {
			return 0, fmt.Errorf("shape %v has a negative dimension; give the tensor a fixed shape", t.Shape)
		}
		if d > 0 && n > MaxTensorBytes/d {
			return 0, fmt.Errorf("shape %v needs more than %d bytes, which is the limit", t.Shape, MaxTensorBytes)
		}
		n *= d
	}
	if t.Data != nil && len(t.Data) != n {
		return 0, fmt.Errorf("has %d bytes of data, expected %d for %v %v", len(t.Data), n, t.Type, t.Shape)
	}
	return n, nil
}

// flow checks ids, producers and order.
func (v *validator) flow() {
	g := v.g
	ready := make([]bool, len(g.Tensors))
	valid := func(id TensorID) bool { return id >= 0 && int(id) < len(g.Tensors) }
	for i, t := range g.Tensors {
		ready[i] = t.IsConst() || t.Variable
	}
	for _, id := range g.Inputs {
		if !valid(id) {
			v.fail("graph input names tensor %d of %d", id, len(g.Tensors))
			continue
		}
		if ready[id] {
			v.fail("graph input %q is constant, variable or listed twice", g.Tensors[id].Name)
		}
		ready[id] = true
	}
	for i, op := range g.Ops {
		if op == nil {
			v.fail("operator %d is missing", i)
			continue
		}
		name := fmt.Sprintf("operator %d (%v)", i, op.Kind)
		for pos, id := range op.Inputs {
			if id == None {
				continue
			}
			if !valid(id) {
				v.fail("%s: input %d names tensor %d of %d", name, pos, id, len(g.Tensors))
			} else if !ready[id] && op.Kind != Custom { // an NPU operator reads and writes its arena beside the graph
				v.fail("%s: input %d, %q, is read before any operator computes it", name, pos, g.Tensors[id].Name)
			}
		}
		for pos, id := range op.Outputs {
			if !valid(id) {
				v.fail("%s: output %d names tensor %d of %d", name, pos, id, len(g.Tensors))
				continue
			}
			if ready[id] && op.Kind != Custom {
				v.fail("%s: output %d, %q, is a graph input, constant, variable or computed before", name, pos, g.Tensors[id].Name)
			}
			ready[id] = true
		}
		for pos, id := range op.Intermediates {
			if id != None && !valid(id) {
				v.fail("%s: intermediate %d names tensor %d of %d", name, pos, id, len(g.Tensors))
			}
		}
	}
	for _, id := range g.Outputs {
		if !valid(id) {
			v.fail("graph output names tensor %d of %d", id, len(g.Tensors))
		} else if !ready[id] {
			v.fail("graph output %q is never computed", g.Tensors[id].Name)
		}
	}
}

// complex refuses complex numbers at the rim, where nothing could feed or take them.
func (v *validator) complex() {
	for _, ids := range [][]TensorID{v.g.Inputs, v.g.Outputs} {
		for _, id := range ids {
			if t := v.g.Tensors[id]; t.Type == Complex64 {
				v.fail("tensor %q is complex64 and an input or output of the graph; end the network with COMPLEX_ABS, REAL or IMAG", t.Name)
			}
		}
	}
}

func (v *validator) states() {
	for _, s := range v.g.States {
		if err := v.g.CheckState(s); err != nil {
			v.fail("%w", err)
		}
	}
}

// CheckState reports whether carrying the state is a byte copy from a graph
// output to a graph input.
func (g *Graph) CheckState(s State) error {
	if !contains(g.Inputs, s.In) || !contains(g.Outputs, s.Out) {
		return fmt.Errorf("state %d -> %d is not a pair of a graph output and a graph input", s.Out, s.In)
	}
	in, out := g.Tensors[s.In], g.Tensors[s.Out]
	if in.Type != out.Type || !equalShape(WithoutOnes(in.Shape), WithoutOnes(out.Shape)) {
		return fmt.Errorf("state %q is %v %v but its output %q is %v %v, expected equal but for dimensions of 1", in.Name, in.Type, in.Shape, out.Name, out.Type, out.Shape)
	}
	if !SameState(in.Quant, out.Quant) {
		return fmt.Errorf("state %q and its output %q differ in scale or zero point (%g, %d and %g, %d); give both the same quantization",
			in.Name, out.Name, in.Scale(), in.ZeroPoint(), out.Scale(), out.ZeroPoint())
	}
	return nil
}

// WithoutOnes returns a shape without its dimensions of 1, which do not change the layout.
func WithoutOnes(shape []int) []int {
	var s []int
	for _, d := range shape {
		if d != 1 {
			s = append(s, d)
		}
	}
	return s
}

// SameState compares the quantization of the two ends of a state up to the rounding
// of the scale: converters compute it twice, in different order.
func SameState(a, b *Quant) bool {
	if a == nil || b == nil || len(a.Scales) != 1 || len(b.Scales) != 1 || len(a.ZeroPoints) != 1 || len(b.ZeroPoints) != 1 {
		return a.Equal(b)
	}
	const tolerance = 1.0 / (1 << 20)
	s, t := float64(a.Scales[0]), float64(b.Scales[0])
	return a.ZeroPoints[0] == b.ZeroPoints[0] && math.Abs(s-t) <= tolerance*math.Abs(s)
}

func contains(ids []TensorID, id TensorID) bool {
	for _, x := range ids {
		if x == id {
			return true
		}
	}
	return false
}

func equalShape(a, b []int) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
