// SPDX-License-Identifier: Apache-2.0

package graph

import "reflect"

// fusedField is the field of the attributes whose operators clamp their output. In those
// of recurrent operators it is the activation of the cell instead, which Fused leaves out.
const fusedField = "Activation"

// Fused returns the activation that is part of an operator and applies to its output:
// ActNone where it has none, or none can be.
func (op *Op) Fused() Activation {
	if v, ok := fusedOf(op.Attr); ok {
		return v.Interface().(Activation)
	}
	return ActNone
}

// WithFused returns the operator's attributes with another activation of the output; ok is
// false where the operator can have none.
func (op *Op) WithFused(a Activation) (attr any, ok bool) {
	if _, ok := fusedOf(op.Attr); !ok {
		return op.Attr, false
	}
	v := reflect.New(reflect.TypeOf(op.Attr)).Elem()
	v.Set(reflect.ValueOf(op.Attr))
	v.FieldByName(fusedField).Set(reflect.ValueOf(a))
	return v.Interface(), true
}

// fusedOf goes by the field instead of by a list of types, which an operator could be
// missing from.
func fusedOf(attr any) (reflect.Value, bool) {
	switch attr.(type) {
	case nil, LSTMAttr, SequenceRNNAttr:
		return reflect.Value{}, false
	}
	v := reflect.ValueOf(attr)
	if v.Kind() != reflect.Struct {
		return reflect.Value{}, false
	}
	v = v.FieldByName(fusedField)
	return v, v.IsValid()
}
