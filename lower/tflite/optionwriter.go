// SPDX-License-Identifier: Apache-2.0

package tflite

import flatbuffers "github.com/google/flatbuffers/go"

// optionWriter is graph.Fields for writing. It collects the fields of an options
// table, since vectors have to be written before the table is begun.
type optionWriter struct {
	b      *flatbuffers.Builder
	fields int
	put    []func()
}

func (o *optionWriter) slot(slot int, put func()) {
	o.fields = max(o.fields, slot+1)
	o.put = append(o.put, put)
}

func (o *optionWriter) Byte(slot int, v *uint8, def uint8) {
	x := *v // v may be a variable of the visitor
	o.slot(slot, func() { o.b.PrependByteSlot(slot, x, def) })
}

func (o *optionWriter) Bool(slot int, v *bool, def bool) {
	x := *v
	o.slot(slot, func() { o.b.PrependBoolSlot(slot, x, def) })
}

func (o *optionWriter) Int(slot int, v *int, def int) {
	x := *v
	o.slot(slot, func() { o.b.PrependInt32Slot(slot, int32(x), int32(def)) })
}

func (o *optionWriter) Float(slot int, v *float32) {
	x := *v
	o.slot(slot, func() { o.b.PrependFloat32Slot(slot, x, 0) })
}

func (o *optionWriter) Ints(slot int, v *[]int) {
	if len(*v) == 0 {
		return
	}
	vec := vector32(o.b, *v)
	o.slot(slot, func() { o.b.PrependUOffsetTSlot(slot, vec, 0) })
}

func (o *optionWriter) Text(slot int, v *string) {
	if *v == "" {
		return
	}
	text := o.b.CreateString(*v)
	o.slot(slot, func() { o.b.PrependUOffsetTSlot(slot, text, 0) })
}

func (o *optionWriter) finish() flatbuffers.UOffsetT {
	o.b.StartObject(o.fields)
	for _, put := range o.put {
		put()
	}
	return o.b.EndObject()
}
