// SPDX-License-Identifier: Apache-2.0

package graph

import (
	"fmt"
	"math/bits"
)

// The transform of Fourier and what takes its complex numbers, which are pairs of float32.
func init() {
	part := func(k Kind, name string) Descriptor {
		return Descriptor{Kind: k, Name: name, Inputs: one, Outputs: one, Types: typesComplexPart, Shapes: ShapesSame,
			File: File{Fields: NoFields, Releases: since("2.5")}}
	}
	Register(
		Descriptor{Kind: RFFT2D, Name: "RFFT2D", Inputs: two, Outputs: one, Types: typesRFFT, Shapes: shapesRFFT,
			File: File{Union: 105, Fields: NoFields, Releases: since("2.5")}},
		part(Imag, "IMAG"), part(RealPart, "REAL"), part(ComplexAbs, "COMPLEX_ABS"),
	)
}

func typesComplexPart(g *Graph, op *Op) error {
	if t := g.Tensors[op.Inputs[0]]; t.Type != Complex64 {
		return wrongType(t, "complex64")
	}
	if t := g.Tensors[op.Outputs[0]]; t.Type != Float32 {
		return wrongType(t, "float32")
	}
	return nil
}

func typesRFFT(g *Graph, op *Op) error {
	if t := g.Tensors[op.Inputs[0]]; t.Type != Float32 {
		return wrongType(t, "float32")
	}
	if t := g.Tensors[op.Inputs[1]]; t.Type != Int32 || !t.IsConst() || t.Elems() != 2 {
		return fmt.Errorf("length %q is %v %v, expected two constant int32", t.Name, t.Type, t.Shape)
	}
	if t := g.Tensors[op.Outputs[0]]; t.Type != Complex64 {
		return wrongType(t, "complex64")
	}
	return nil
}

// SpectrumLength returns the number of values that an RFFT2D transforms: rows alone, as
// tf.signal.rfft makes it.
func (g *Graph) SpectrumLength(op *Op) (int, error) {
	const most = 1 << 15
	in, t := g.Tensors[op.Inputs[0]], g.Tensors[op.Inputs[1]]
	n, err := t.Ints()
	switch {
	case err != nil:
		return 0, err
	case len(in.Shape) < 2 || in.Shape[len(in.Shape)-2] != 1 || n[0] != 1:
		return 0, fmt.Errorf("length %d x %d of %v: expected a transform of rows, whose second dimension from the end is 1", n[0], n[1], in.Shape)
	case n[1] < 2 || n[1] > most || bits.OnesCount(uint(n[1])) != 1:
		return 0, fmt.Errorf("length %d: expected a power of two from 2 to %d; pad the frame", n[1], most)
	}
	return n[1], nil
}

func shapesRFFT(g *Graph, op *Op) ([][]int, error) {
	n, err := g.SpectrumLength(op)
	if err != nil {
		return nil, err
	}
	shape := append([]int(nil), g.Tensors[op.Inputs[0]].Shape...)
	shape[len(shape)-1] = n/2 + 1
	return [][]int{shape}, nil
}
