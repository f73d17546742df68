// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"math"
)

// addFloat prepares the API on real values: it exists when every input and output
// is quantized, or real already.
func (v *view) addFloat(p *Project) error {
	v.Float = true
	for _, t := range append(append([]*tensorView{}, v.Inputs...), v.Outputs...) {
		v.Float = v.Float && (t.Quantized || t.Real)
		v.FloatParams = append(v.FloatParams, t)
	}
	v.Float = v.Float && len(v.FloatParams) > 0
	for _, t := range v.Inputs {
		v.AnyQuantizedInput = v.AnyQuantizedInput || t.Quantized
	}
	if p.Mean == nil && p.Std == nil {
		return nil
	}
	if len(v.Inputs) == 0 {
		return fmt.Errorf("mean and deviation given, but there is no input: leave them out")
	}
	if in := &p.Program.Inputs[v.Inputs[0].binding]; !v.Inputs[0].Quantized {
		return fmt.Errorf("mean and deviation given, but input %q is %v and has no scale: leave them out", in.Name, in.Type)
	}
	shape := p.Program.Inputs[v.Inputs[0].binding].Shape
	features := 1
	if len(shape) > 0 {
		features = shape[len(shape)-1]
	}
	v.Features = features
	mean, std := p.Mean, p.Std
	for _, l := range []struct {
		name   string
		values []float32
	}{{"mean", mean}, {"deviation", std}} {
		if n := len(l.values); n != 1 && n != features {
			return fmt.Errorf("%s has %d values for an input of %d features: expected 1 or %d", l.name, n, features, features)
		}
		for i, x := range l.values {
			if math.IsNaN(float64(x)) || math.IsInf(float64(x), 0) {
				return fmt.Errorf("%s %d is %v: expected a finite number", l.name, i, x)
			}
		}
	}
	for i, s := range std {
		if s <= 0 {
			return fmt.Errorf("deviation %d is %v: expected more than 0", i, s)
		}
	}
	v.Standardized, v.Inputs[0].Standardize = true, true
	at := fmt.Sprintf("i %% %du", features)
	v.MeanAt, v.MeanTable = tableOrScalar(mean, "mean["+at+"]")
	v.StdAt, v.StdTable = tableOrScalar(std, "std_dev["+at+"]")
	return nil
}

// tableOrScalar gives the C expression for the value of feature i: a literal when
// all are equal, else an element of a table.
func tableOrScalar(values []float32, element string) (string, []float32) {
	for _, x := range values {
		if x != values[0] {
			return element, values
		}
	}
	return cFloat(values[0]), nil
}
