// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"strings"
)

// Operators that are in files and in no graph that is executed: reading a file
// replaces them by constants, inputs, outputs, states and variables. And CUSTOM, of which
// every program knows its own.
func init() {
	structural := func(k Kind, name string, attr any, in, out Count, union uint8, releases string, fields func(Fields, any) any) Descriptor {
		return Descriptor{Kind: k, Name: name, Class: Structural, Attr: attr, Inputs: in, Outputs: out,
			File: File{Union: union, Fields: fields, Releases: since(releases)}}
	}
	Register(
		structural(Shape, "SHAPE", ShapeAttr{}, one, one, 55, "1.10", func(f Fields, attr any) any {
			a, _ := attr.(ShapeAttr)
			f.Byte(0, (*uint8)(&a.Output), 0)
			return a
		}),
		structural(CallOnce, "CALL_ONCE", CallOnceAttr{}, Count{0, 0}, Count{0, 0}, 103, "2.5", func(f Fields, attr any) any {
			a, _ := attr.(CallOnceAttr)
			f.Int(0, &a.Subgraph, 0)
			return a
		}),
		structural(VarHandle, "VAR_HANDLE", VarHandleAttr{}, Count{0, 0}, one, 111, "2.6", func(f Fields, attr any) any {
			a, _ := attr.(VarHandleAttr)
			f.Text(0, &a.Container)
			f.Text(1, &a.Name)
			return a
		}),
		structural(ReadVariable, "READ_VARIABLE", nil, one, one, 112, "2.6", NoFields),
		Descriptor{Kind: Custom, Name: "CUSTOM", Attr: CustomAttr{}, Inputs: Count{0, many}, Outputs: Count{0, many},
			Optional: func(int) bool { return true }},
	)
}

// NoFields is File.Fields of operators whose options table has no fields that matter.
func NoFields(Fields, any) any { return nil }

// since lists the releases that first had the versions of an operator, from version 1.
func since(list string) []Release {
	var all []Release
	for _, s := range strings.Fields(list) {
		var r Release
		if _, err := fmt.Sscanf(s, "%d.%d", &r.Major, &r.Minor); err != nil {
			panic("BUG: release " + s)
		}
		all = append(all, r)
	}
	return all
}
