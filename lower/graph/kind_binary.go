// SPDX-License-Identifier: Apache-2.0

package graph

// Operators on two values by NumPy's broadcasting, and ADD_N and SELECT_V2.
func init() {
	Register(
		Descriptor{Kind: Add, Name: "ADD", Attr: AddAttr{}, Inputs: two, Outputs: one, Data: all, Types: TypesEqual, Shapes: ShapesBroadcast,
			File: File{Union: 11, Fields: func(f Fields, attr any) any {
				a, _ := attr.(AddAttr)
				f.Byte(0, (*uint8)(&a.Activation), 0)
				f.Bool(1, &a.PotScale16, true)
				return a
			}, Versions: [3]int{1, 2, 3}, Version: potVersion, Releases: since("1.5 1.14 2.4 2.6")}},
		Descriptor{Kind: Sub, Name: "SUB", Attr: SubAttr{}, Inputs: two, Outputs: one, Data: all, Types: TypesEqual, Shapes: ShapesBroadcast,
			File: File{Union: 28, Fields: func(f Fields, attr any) any {
				a, _ := attr.(SubAttr)
				f.Byte(0, (*uint8)(&a.Activation), 0)
				f.Bool(1, &a.PotScale16, true)
				return a
			}, Versions: [3]int{1, 2, 5}, Version: potVersion, Releases: since("1.6 1.14 2.3 2.4 2.4")}},
		Descriptor{Kind: Mul, Name: "MUL", Attr: MulAttr{}, Inputs: two, Outputs: one, Data: all, Types: TypesEqual, Shapes: ShapesBroadcast,
			File: File{Union: 21, Fields: func(f Fields, attr any) any {
				a, _ := attr.(MulAttr)
				f.Byte(0, (*uint8)(&a.Activation), 0)
				return a
			}, Versions: [3]int{1, 2, 4}, Version: mulVersion, Releases: since("1.5 1.14 1.15 2.3")}},
		Descriptor{Kind: Div, Name: "DIV", Attr: DivAttr{}, Inputs: two, Outputs: one, Data: all, Types: TypesEqual, Shapes: ShapesBroadcast,
			File: File{Union: 29, Fields: func(f Fields, attr any) any {
				a, _ := attr.(DivAttr)
				f.Byte(0, (*uint8)(&a.Activation), 0)
				return a
			}, Releases: since("1.6 2.3")}},
		Descriptor{Kind: Pow, Name: "POW", Inputs: two, Outputs: one, Data: all, Types: TypesEqual, Shapes: ShapesBroadcast,
			File: File{Union: 56, Fields: NoFields, Releases: since("1.10")}},
		Descriptor{Kind: SquaredDifference, Name: "SQUARED_DIFFERENCE", Inputs: two, Outputs: one, Data: all, Types: TypesEqual, Shapes: ShapesBroadcast,
			File: File{Union: 76, Fields: NoFields, Versions: [3]int{1, 2, 1}, Releases: since("1.13 2.5")}},
		Descriptor{Kind: Maximum, Name: "MAXIMUM", Inputs: two, Outputs: one, Data: all, Types: TypesMoved, Shapes: ShapesBroadcast,
			File: File{Union: 39, Fields: NoFields, Versions: [3]int{1, 2, 4}, Releases: since("1.14 1.14 2.3 2.3")}},
		Descriptor{Kind: Minimum, Name: "MINIMUM", Inputs: two, Outputs: one, Data: all, Types: TypesMoved, Shapes: ShapesBroadcast,
			File: File{Union: 39, Fields: NoFields, Versions: [3]int{1, 2, 4}, Releases: since("1.14 1.14 2.3 2.3")}},
		Descriptor{Kind: AddN, Name: "ADD_N", Inputs: Count{2, many}, Outputs: one, Data: all, Types: typesAddN, Shapes: shapesAddN,
			File: File{Union: 82, Fields: NoFields, Releases: since("1.14")}},
		Descriptor{Kind: PRelu, Name: "PRELU", Inputs: two, Outputs: one, Types: typesPRelu, Shapes: shapesPRelu,
			File: File{Fields: NoFields, Releases: since("1.8")}},
		Descriptor{Kind: SelectV2, Name: "SELECT_V2", Inputs: three, Outputs: one, Data: Positions{1, 2}, Types: typesSelect, Shapes: shapesSelect,
			File: File{Union: 98, Fields: NoFields, Releases: since("2.2 2.12")}},
		compare(Equal, "EQUAL", 53, [3]int{1, 2, 5}, "1.14 1.14 2.3 2.13 2.21"),
		compare(NotEqual, "NOT_EQUAL", 54, [3]int{1, 2, 4}, "1.14 1.14 2.3 2.21"),
		compare(Less, "LESS", 41, [3]int{1, 2, 3}, "1.14 1.14 2.13"),
		compare(LessEqual, "LESS_EQUAL", 46, [3]int{1, 2, 1}, "1.14 1.14"),
		compare(Greater, "GREATER", 44, [3]int{1, 2, 1}, "1.14 1.14"),
		compare(GreaterEqual, "GREATER_EQUAL", 45, [3]int{1, 2, 3}, "1.14 1.14 2.13"),
	)
}

func compare(k Kind, name string, union uint8, versions [3]int, releases string) Descriptor {
	return Descriptor{Kind: k, Name: name, Inputs: two, Outputs: one, Data: all, Types: typesCompare, Shapes: ShapesBroadcast,
		File: File{Union: union, Fields: NoFields, Versions: versions, Releases: since(releases)}}
}

// potVersion: the flag of power-of-two scales keeps int16 ADD and SUB at version 1.
func potVersion(g *Graph, op *Op, v int) int {
	pot := false
	switch a := op.Attr.(type) {
	case AddAttr:
		pot = a.PotScale16
	case SubAttr:
		pot = a.PotScale16
	}
	if pot && g.Tensors[op.Inputs[0]].Type == Int16 {
		return 1
	}
	return v
}

// mulVersion: an int8 product that is scaled up is version 3.
func mulVersion(g *Graph, op *Op, v int) int {
	in := g.Tensors[op.Inputs[0]]
	a, b, y := in.Scale(), g.Tensors[op.Inputs[1]].Scale(), g.Tensors[op.Outputs[0]].Scale()
	if in.Type == Int8 && float32(a*b)/y >= 1 {
		return 3
	}
	return v
}

func typesCompare(g *Graph, op *Op) error {
	a, b, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]], g.Tensors[op.Outputs[0]]
	if a.Type != b.Type {
		return mixedTypes(b, a)
	}
	if out.Type != Bool {
		return wrongType(out, "bool")
	}
	for _, t := range []*Tensor{a, b} {
		if t.Type == Int8 || t.Type == Int16 {
			if err := checkActivation(t); err != nil {
				return err
			}
		}
	}
	return nil
}

func typesSelect(g *Graph, op *Op) error {
	if c := g.Tensors[op.Inputs[0]]; c.Type != Bool {
		return wrongType(c, "bool")
	}
	return TypesMoved(g, op)
}

func shapesSelect(g *Graph, op *Op) ([][]int, error) {
	s := g.Tensors[op.Inputs[0]].Shape
	var err error
	for _, id := range op.Inputs[1:] {
		if s, err = Broadcast(s, g.Tensors[id].Shape); err != nil {
			return nil, err
		}
	}
	return [][]int{s}, nil
}

// typesAddN: the kernel knows one quantization of all inputs, and one of the output.
func typesAddN(g *Graph, op *Op) error {
	if err := TypesEqual(g, op); err != nil {
		return err
	}
	first := g.Tensors[op.Inputs[0]]
	for _, id := range op.Inputs[1:] {
		if t := g.Tensors[id]; !t.Quant.Equal(first.Quant) {
			return otherQuant(t, first)
		}
	}
	return nil
}

func shapesAddN(g *Graph, op *Op) ([][]int, error) { return shapesAlike(g, op.Inputs) }

// typesPRelu: the slopes are int8 also where the values are int16.
func typesPRelu(g *Graph, op *Op) error {
	in, alpha := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]]
	if err := TypesEqual(g, op); err != nil {
		return err
	}
	want := in.Type
	if want == Int16 {
		want = Int8
	}
	if alpha.Type != want {
		return wrongType(alpha, want.String())
	}
	return checkActivation(alpha)
}

func shapesPRelu(g *Graph, op *Op) ([][]int, error) {
	in, alpha := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]]
	s, err := Broadcast(in.Shape, alpha.Shape)
	return [][]int{s}, err
}
