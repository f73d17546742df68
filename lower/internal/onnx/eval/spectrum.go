// SPDX-License-Identifier: Apache-2.0

package eval

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/lower/internal/onnx"
)

var _ = register(map[string]operator{
	"DFT": dft, "STFT": stft, "HannWindow": windowOf, "HammingWindow": windowOf, "BlackmanWindow": windowOf,
})

// spectrum is the sum of its definition for the first bins of a transform.
func (c *call) spectrum(x []complex128, n, bins int, inverse bool) ([]complex128, error) {
	if err := c.spend(bins, n); err != nil {
		return nil, err
	}
	out, sign := make([]complex128, bins), -1.0
	if inverse {
		sign = 1
	}
	for k := range out {
		for i, v := range x[:min(n, len(x))] {
			sin, cos := math.Sincos(sign * 2 * math.Pi * float64(i*k%n) / float64(n))
			re := float64(real(v)*cos) - float64(imag(v)*sin)
			im := float64(real(v)*sin) + float64(imag(v)*cos)
			out[k] += complex(re, im)
		}
		if inverse {
			out[k] = complex(real(out[k])/float64(n), imag(out[k])/float64(n))
		}
	}
	return out, nil
}

func dft(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	a := int(c.Int("axis", 1))
	if c.opset() >= 20 {
		a = -2
		if v := c.opt(2); v != nil && len(v.Data) == 1 {
			a = v.ints()[0]
		}
	}
	rank := x.rank()
	if a, err = axis(a, rank); err != nil {
		return nil, err
	}
	if a == rank-1 || x.Shape[rank-1] < 1 || x.Shape[rank-1] > 2 {
		return nil, fmt.Errorf("axis %d of shape %v", a, x.Shape)
	}
	n, parts := x.Shape[a], x.Shape[rank-1]
	if l := c.opt(1); l != nil && len(l.Data) == 1 {
		n = l.ints()[0]
	}
	bins := n
	if c.Int("onesided", 0) != 0 {
		bins = n/2 + 1
	}
	if n < 1 {
		return nil, fmt.Errorf("a transform of %d points", n)
	}
	shape := append([]int{}, x.Shape...)
	shape[a], shape[rank-1] = bins, 2
	y, err := c.make(onnx.Float, shape)
	if err != nil {
		return nil, err
	}
	in, out := strides(x.Shape), strides(shape)
	others := append([]int{}, x.Shape[:rank-1]...)
	others[a] = 1
	each(others, func(_ int, index []int) {
		line := make([]complex128, x.Shape[a])
		from, to := offset(index, in[:rank-1]), offset(index, out[:rank-1])
		for i := range line {
			at := from + i*in[a]
			if line[i] = complex(x.Data[at], 0); parts == 2 {
				line[i] = complex(x.Data[at], x.Data[at+1])
			}
		}
		made, e := c.spectrum(line, n, bins, c.Int("inverse", 0) != 0)
		if e != nil {
			err = e
		}
		for k, v := range made {
			y.Data[to+k*out[a]], y.Data[to+k*out[a]+1] = real(v), imag(v)
		}
	})
	return []*Array{y}, err
}

func stft(c *call) ([]*Array, error) {
	x, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	step, window, frame := c.opt(1), c.opt(2), c.opt(3)
	size, parts := 0, 1
	if x.rank() == 3 {
		parts = x.Shape[2]
	}
	if window != nil {
		size = len(window.Data)
	}
	if frame != nil && len(frame.Data) == 1 {
		size = frame.ints()[0]
	}
	if x.rank() < 2 || x.rank() > 3 || parts < 1 || parts > 2 || step == nil || len(step.Data) != 1 || step.ints()[0] < 1 || size < 1 || size > x.Shape[1] || window != nil && len(window.Data) != size {
		return nil, fmt.Errorf("signal %v, frames of %d", x.Shape, size)
	}
	hop := step.ints()[0]
	frames, bins := (x.Shape[1]-size)/hop+1, size
	if c.Int("onesided", 1) != 0 {
		bins = size/2 + 1
	}
	y, err := c.make(onnx.Float, []int{x.Shape[0], frames, bins, 2})
	if err != nil {
		return nil, err
	}
	for b := range x.Shape[0] {
		for f := range frames {
			line := make([]complex128, size)
			for i := range line {
				at := (b*x.Shape[1] + f*hop + i) * parts
				if line[i] = complex(x.Data[at], 0); parts == 2 {
					line[i] = complex(x.Data[at], x.Data[at+1])
				}
				if window != nil {
					line[i] = complex(real(line[i])*window.Data[i], imag(line[i])*window.Data[i])
				}
			}
			made, err := c.spectrum(line, size, bins, false)
			if err != nil {
				return nil, err
			}
			for k, v := range made {
				at := ((b*frames+f)*bins + k) * 2
				y.Data[at], y.Data[at+1] = real(v), imag(v)
			}
		}
	}
	return []*Array{y}, nil
}

func windowOf(c *call) ([]*Array, error) {
	s, err := c.arg(0)
	if err != nil {
		return nil, err
	}
	if len(s.Data) != 1 || s.Data[0] < 1 {
		return nil, fmt.Errorf("a window of size %v", s.Data)
	}
	n := s.ints()[0]
	w, err := c.make(onnx.Float, []int{n})
	if err != nil {
		return nil, err
	}
	last := float64(n)
	if c.Int("periodic", 1) == 0 && n > 1 {
		last--
	}
	for i := range w.Data {
		one, two := math.Cos(2*math.Pi*float64(i)/last), math.Cos(4*math.Pi*float64(i)/last)
		switch c.Op {
		case "HannWindow":
			w.Data[i] = 0.5 * (1 - one)
		case "HammingWindow":
			w.Data[i] = 25.0/46 - float64(21.0/46*one)
		default:
			w.Data[i] = 0.42 - float64(0.5*one) + float64(0.08*two)
		}
	}
	return []*Array{w}, nil
}
