// SPDX-License-Identifier: Apache-2.0

package graph

// Operators that change the type or the quantization.
func init() {
	Register(
		Descriptor{Kind: Quantize, Name: "QUANTIZE", Inputs: one, Outputs: one, Types: typesQuantize, Shapes: ShapesSame,
			File: File{Union: 89, Fields: NoFields, Versions: [3]int{1, 1, 1}, Version: func(g *Graph, op *Op, v int) int {
				if g.Tensors[op.Outputs[0]].Type == Int16 { // what it makes decides, not what it takes
					return 2
				}
				return v
			}, Releases: since("1.14 1.15 2.7")}},
		Descriptor{Kind: Dequantize, Name: "DEQUANTIZE", Inputs: one, Outputs: one, Types: typesDequantize, Shapes: ShapesSame,
			File: File{Union: 38, Fields: NoFields, Versions: [3]int{1, 2, 3}, Releases: since("1.13 1.14 1.15 2.2 2.7")}},
		Descriptor{Kind: Cast, Name: "CAST", Attr: CastAttr{}, Inputs: one, Outputs: one, Types: typesCast, Shapes: ShapesSame,
			File: File{Union: 37, Fields: func(f Fields, attr any) any {
				a, _ := attr.(CastAttr)
				f.Byte(0, (*uint8)(&a.In), 0)
				f.Byte(1, (*uint8)(&a.Out), 0)
				return a
			}, Versions: [3]int{1, 3, 1}, Releases: since("1.5 2.7 2.8 2.9 2.12")}},
	)
}
