// SPDX-License-Identifier: Apache-2.0

package graph

import "fmt"

// Operators that look along dimensions.
func init() {
	reduce := func(k Kind, name string, types func(*Graph, *Op) error, versions [3]int, releases string) Descriptor {
		return Descriptor{Kind: k, Name: name, Attr: ReducerAttr{}, Inputs: two, Outputs: one, Types: types, Shapes: shapesReduce,
			File: File{Union: 27, Fields: func(f Fields, attr any) any {
				a, _ := attr.(ReducerAttr)
				f.Bool(0, &a.KeepDims, false)
				return a
			}, Versions: versions, Releases: since(releases)}}
	}
	arg := func(k Kind, name string, union uint8) Descriptor {
		return Descriptor{Kind: k, Name: name, Attr: ArgAttr{}, Inputs: two, Outputs: one, Types: typesArg, Shapes: shapesArg,
			File: File{Union: union, Fields: func(f Fields, attr any) any {
				a, _ := attr.(ArgAttr)
				f.Byte(0, (*uint8)(&a.Output), 0)
				return a
			}, Versions: [3]int{1, 2, 1}, Releases: since("1.9 1.14 2.9")}}
	}
	Register(
		reduce(Mean, "MEAN", TypesEqual, [3]int{1, 2, 3}, "1.6 1.14 2.4"),
		reduce(Sum, "SUM", TypesEqual, [3]int{1, 2, 1}, "1.10 1.15"),
		reduce(ReduceMax, "REDUCE_MAX", TypesMoved, [3]int{1, 2, 3}, "1.11 1.14 2.5"),
		reduce(ReduceMin, "REDUCE_MIN", TypesMoved, [3]int{1, 2, 3}, "1.11 1.14 2.5"),
		arg(ArgMax, "ARG_MAX", 40),
		arg(ArgMin, "ARG_MIN", 57),
		Descriptor{Kind: Softmax, Name: "SOFTMAX", Attr: SoftmaxAttr{}, Inputs: one, Outputs: one, Types: typesSoftmax, Shapes: ShapesSame,
			Fixed: Fixed{1.0 / 256, -128, 1.0 / 32768},
			File: File{Union: 9, Fields: func(f Fields, attr any) any {
				a, _ := attr.(SoftmaxAttr)
				f.Float(0, &a.Beta)
				return a
			}, Versions: [3]int{1, 2, 3}, Releases: since("1.5 1.14 2.3")}},
		Descriptor{Kind: LogSoftmax, Name: "LOG_SOFTMAX", Inputs: one, Outputs: one, Types: TypesEqual, Shapes: ShapesSame, Fixed: Fixed{16.0 / 256, 127, 0},
			File: File{Union: 36, Fields: NoFields, Versions: [3]int{1, 2, 1}, Releases: since("1.14 1.14")}},
		Descriptor{Kind: L2Normalization, Name: "L2_NORMALIZATION", Attr: L2NormAttr{}, Inputs: one, Outputs: one, Types: TypesEqual, Shapes: ShapesSame,
			Fixed: Fixed{1.0 / 128, 0, 0},
			File: File{Union: 12, Fields: func(f Fields, attr any) any {
				a, _ := attr.(L2NormAttr)
				f.Byte(0, (*uint8)(&a.Activation), 0)
				return a
			}, Versions: [3]int{1, 2, 1}, Releases: since("1.5 1.14")}},
		Descriptor{Kind: Cumsum, Name: "CUMSUM", Attr: CumsumAttr{}, Inputs: two, Outputs: one, Types: TypesEqual, Shapes: shapesCumsum,
			File: File{Union: 102, Fields: func(f Fields, attr any) any {
				a, _ := attr.(CumsumAttr)
				f.Bool(0, &a.Exclusive, false)
				f.Bool(1, &a.Reverse, false)
				return a
			}, Releases: since("2.4")}},
	)
}

// Reduced returns for every dimension of the input of a MEAN, SUM, REDUCE_MAX or
// REDUCE_MIN whether the operator runs along it.
func (g *Graph) Reduced(op *Op) ([]bool, error) {
	axes, err := g.Tensors[op.Inputs[1]].Ints()
	if err != nil {
		return nil, err
	}
	reduced := make([]bool, len(g.Tensors[op.Inputs[0]].Shape))
	for _, a := range axes {
		if a, err = NormalAxis(a, len(reduced)); err != nil {
			return nil, err
		}
		reduced[a] = true
	}
	return reduced, nil
}

func shapesReduce(g *Graph, op *Op) ([][]int, error) {
	reduced, err := g.Reduced(op)
	if err != nil {
		return nil, err
	}
	out := []int{}
	for d, n := range g.Tensors[op.Inputs[0]].Shape {
		switch {
		case !reduced[d]:
			out = append(out, n)
		case n == 0:
			return nil, fmt.Errorf("dimension %d has no elements to reduce", d)
		case op.Attr.(ReducerAttr).KeepDims:
			out = append(out, 1)
		}
	}
	return [][]int{out}, nil
}

func typesArg(g *Graph, op *Op) error {
	in, out := g.Tensors[op.Inputs[0]], g.Tensors[op.Outputs[0]]
	if err := checkActivation(in); err != nil {
		return err
	}
	if out.Type != Int32 && out.Type != Int64 {
		return wrongType(out, "int32 or int64")
	}
	return nil
}

func shapesArg(g *Graph, op *Op) ([][]int, error) {
	axis, err := g.Axis(op)
	if err != nil {
		return nil, err
	}
	s := g.Tensors[op.Inputs[0]].Shape
	if s[axis] == 0 {
		return nil, fmt.Errorf("dimension %d of shape %v has no elements to choose from", axis, s)
	}
	return [][]int{append(append([]int{}, s[:axis]...), s[axis+1:]...)}, nil
}

func shapesCumsum(g *Graph, op *Op) ([][]int, error) {
	_, err := g.Axis(op)
	return [][]int{g.Tensors[op.Inputs[0]].Shape}, err
}
