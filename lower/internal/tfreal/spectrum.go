// SPDX-License-Identifier: Apache-2.0

package tfreal

import (
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
)

// Complex numbers are pairs of real ones: their spectrum is two products with fixed matrices.

func init() {
	register(transform, graph.RFFT2D)
	register(complexPart, graph.RealPart, graph.Imag, graph.ComplexAbs)
}

// pair are the tensors of the real and the imaginary part.
type pair [2]graph.TensorID

// transform is the spectrum of the last dimension.
func transform(b *block) {
	x, size := b.real(0), b.ints(1)
	s := b.shape(x)
	if len(size) != 2 || len(s) < 2 || size[0] != 1 || s[len(s)-2] < 1 || size[1] < 1 || size[1] > 1<<13 {
		b.refuse("its lengths are %v for an input of shape %v, expected one dimension (the first length 1) of at most %d values; do a two-dimensional transform in the application", size, s, 1<<13)
	}
	if s[len(s)-2] != 1 { // only the first row is transformed
		begin, one := make([]int, len(s)), append([]int{}, s...)
		one[len(s)-2] = 1
		x = b.value(graph.Slice, nil, "/row", nil, x, b.list(begin...), b.list(one...))
	}
	given, n := s[len(s)-1], size[1]
	bins := n/2 + 1
	shape := append(append([]int{}, s[:len(s)-2]...), 1, bins)
	var parts pair
	for k, name := range []string{"/real", "/imaginary"} {
		w := make([]float64, bins*given) // what is beyond the length does not count
		for f := range bins {
			for i := range min(given, n) {
				sin, cos := math.Sincos(-2 * math.Pi * float64(f*i%n) / float64(n))
				if w[f*given+i] = cos; k == 1 {
					w[f*given+i] = sin
				}
			}
		}
		parts[k] = b.value(graph.FullyConnected, graph.FullyConnectedAttr{KeepNumDims: true}, name, shape, x, b.floats(b.name()+name+"_matrix", w, bins, given), graph.None)
	}
	b.complex[b.made[0]] = parts
}

// parts returns the parts of a complex input.
func (b *block) parts() pair {
	p, ok := b.complex[b.in(0)]
	if !ok {
		b.refuse("its input %q is no spectrum that was written out", b.tensor(0).Name)
	}
	return p
}

func complexPart(b *block) {
	p := b.parts()
	switch b.op.Kind {
	case graph.RealPart, graph.Imag:
		id := p[0]
		if b.op.Kind == graph.Imag {
			id = p[1]
		}
		b.end(graph.Reshape, graph.ReshapeAttr{NewShape: b.shape(id)}, id, b.list(b.shape(id)...))
	default:
		re := b.value(graph.Mul, graph.MulAttr{}, "/real_square", nil, p[0], p[0])
		im := b.value(graph.Mul, graph.MulAttr{}, "/imaginary_square", nil, p[1], p[1])
		b.end(graph.Sqrt, nil, b.value(graph.Add, graph.AddAttr{}, "/power", nil, re, im))
	}
}

// complexMoved moves both parts, and reports whether the operator has complex values.
func (b *block) complexMoved() bool {
	if len(b.op.Outputs) != 1 || b.src.Tensors[b.op.Outputs[0]].Type != graph.Complex64 || b.op.Kind == graph.RFFT2D {
		return false
	}
	if !b.op.Kind.Moves() || len(b.op.DataInputs()) != 1 || b.op.DataInputs()[0] != b.op.Inputs[0] {
		b.refuse("it computes with complex numbers, which only RFFT2D, movements, REAL, IMAG and COMPLEX_ABS do here; compute with real and imaginary parts")
	}
	p := b.parts()
	shape := b.shape(b.made[0])
	for k, name := range []string{"/real", "/imaginary"} {
		in := []graph.TensorID{p[k]}
		for pos := range b.op.Inputs[1:] {
			in = append(in, b.in(1+pos))
		}
		p[k] = b.value(b.op.Kind, b.op.Attr, name, shape, in...)
	}
	b.complex[b.made[0]] = p
	return true
}
