// SPDX-License-Identifier: Apache-2.0

package quantize

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/unroll"
)

// Activations is the width of the values between operators.
type Activations int

// Widths.
const (
	// Int8 keeps every value in 8 bits.
	Int8 Activations = iota
	// Mixed keeps inputs, outputs and states in 8 bits and everything between
	// them in 16. CAST operators widen, since TFLite for desktops and phones has no
	// QUANTIZE from 8 to 16 bits (kernels/quantize.cc, 2025), and QUANTIZE operators
	// narrow. The cell state of an LSTM, an unbounded sum, has 16 bits too, as in
	// TFLite's fused LSTM.
	Mixed
	// Int16 is TFLite's 16x8 scheme: 16-bit values, 8-bit weights.
	Int16
	// Auto leaves the width of every value to a search; Graph does not take it.
	Auto
)

var activations = [...]string{"int8", "mixed", "int16", "auto"}

func (a Activations) String() string {
	if a >= 0 && int(a) < len(activations) {
		return activations[a]
	}
	return fmt.Sprintf("Activations(%d)", int(a))
}

// ParseActivations reads int8, mixed, int16 or auto.
func ParseActivations(s string) (Activations, error) {
	for i, n := range activations {
		if n == s {
			return Activations(i), nil
		}
	}
	return 0, fmt.Errorf("unknown activations %q: expected int8, mixed, int16 or auto", s)
}

// Options choose the scheme.
type Options struct {
	Activations Activations
	PerTensor   bool // one scale for each weight matrix instead of one for each output

	// Wide, where it is not nil, gives every role a width of its own in place of
	// Activations: 16 bits to those it holds, 8 to the others. An operator works in 16
	// bits where it reads or writes any of them. It may name weights, too: see Matrices. A
	// product whose reading has a name (unroll.Plan.Reading) reads 8 bits of a role in 16
	// unless that is named as well.
	Wide map[string]bool

	// WeightLevels is the largest magnitude a weight takes, 1..127; 0 is 127. The
	// encoded size of a matrix follows the number of values its weights have.
	WeightLevels int

	// WeightScales, by float weights, are scales that were chosen before, one for every
	// output: the weights keep to them.
	WeightScales map[graph.TensorID][]float32

	// Cache, where it is not nil, is shared by graphs of the same plan, ranges and options
	// but for Wide.
	Cache *Cache

	// Moments of the inputs of a FULLY_CONNECTED, by its float weights, guide the
	// rounding of the weights and correct the mean of their error in the bias, which
	// an operator without one has only with 16-bit activations. Without moments
	// weights are rounded to nearest.
	Moments map[graph.TensorID]*Moments
}

// Graph quantizes the plan's graph with the given range for every role. Tensor
// names stay; with Mixed the 16-bit side of a border has the suffix "_int16".
// Errors name the tensor that has no finite or possible quantization.
func Graph(plan *unroll.Plan, ranges map[string]Range, o Options) (*graph.Graph, error) {
	if o.WeightLevels == 0 {
		o.WeightLevels = math.MaxInt8
	}
	if o.WeightLevels < 1 || o.WeightLevels > math.MaxInt8 {
		return nil, fmt.Errorf("weights of %d levels to each side of 0: expected 1 to 127", o.WeightLevels)
	}
	if o.Activations == Auto && o.Wide == nil {
		panic("BUG: quantization is asked for automatic widths without a choice of them")
	}
	c := &converter{
		plan: plan, o: o, ranges: ranges,
		out:      &graph.Graph{Name: plan.Graph.Name},
		quants:   map[quantKey]*graph.Quant{},
		narrow:   map[string]bool{},
		center:   map[string]bool{},
		value:    map[graph.TensorID]graph.TensorID{},
		wide:     map[graph.TensorID]graph.TensorID{},
		weightOf: map[weightKey]graph.TensorID{},
		biasOf:   map[biasKey]graph.TensorID{},
		constOf:  map[constKey]graph.TensorID{},
		requant:  map[requantKey]graph.TensorID{},
		partsOf:  map[partsKey][]part{},
		axisOf:   map[int]graph.TensorID{},
		meanOf:   map[graph.TensorID][]float64{},
	}
	g := plan.Graph
	switch {
	case o.Wide != nil:
		c.widen()
	case o.Activations == Mixed:
		c.mix()
	}
	c.lift()
	for _, id := range g.Inputs {
		c.out.Inputs = append(c.out.Inputs, c.tensor(id))
	}
	for i, op := range g.Ops {
		if err := c.convert(op); err != nil {
			return nil, fmt.Errorf("network %q: %s: %w", g.Name, g.OpString(i), err)
		}
	}
	for _, id := range g.Outputs {
		c.out.Outputs = append(c.out.Outputs, c.tensor(id))
	}
	for _, s := range g.States {
		c.out.States = append(c.out.States, graph.State{In: c.tensor(s.In), Out: c.tensor(s.Out)})
	}
	return c.out, nil
}
