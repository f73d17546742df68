// SPDX-License-Identifier: Apache-2.0

package kernel

import "fmt"

// Weights is a weight tensor in OHWI order, one for each content.
type Weights struct {
	Name       string
	O, KH, KW, // depthwise: O channels, I = 1
	I int
	Depthwise bool
	Values    []byte // int8
}

// maxWeightSum bounds the sum of |w| of an output channel, so that a 32-bit
// accumulator cannot overflow: sums of 8-bit values stay below 2^31, and below 2^30
// without a zero point.
const maxWeightSum = 127 * 65536

// WeightSet holds the weights of a module, one for each content.
type WeightSet struct{ list []*Weights }

// All returns the weights in the order in which they came.
func (s *WeightSet) All() []*Weights { return s.list }

// Of returns the weights with the given content, in OHWI order, and an error when a sum
// of products could overflow.
func (s *WeightSet) Of(name string, data []byte, o, kh, kw, i int, depthwise bool) (*Weights, error) {
	if w := s.find(data, o, kh, kw, i, depthwise); w != nil {
		return w, nil
	}
	n := kh * kw * i
	for c := 0; c < o; c++ {
		sum := 0
		for _, b := range data[c*n : (c+1)*n] {
			sum += max(int(int8(b)), -int(int8(b)))
		}
		if sum > maxWeightSum {
			return nil, fmt.Errorf("weights %q, output channel %d: the sum of magnitudes is %d, more than %d, the accumulator may overflow", name, c, sum, maxWeightSum)
		}
	}
	return s.add(&Weights{Name: name, O: o, KH: kh, KW: kw, I: i, Depthwise: depthwise, Values: data}), nil
}

func (s *WeightSet) find(data []byte, o, kh, kw, i int, depthwise bool) *Weights {
	for _, w := range s.list {
		if w.O == o && w.KH == kh && w.KW == kw && w.I == i && w.Depthwise == depthwise && (&w.Values[0] == &data[0] || string(w.Values) == string(data)) {
			return w
		}
	}
	return nil
}

func (s *WeightSet) add(w *Weights) *Weights {
	s.list = append(s.list, w)
	return w
}

// Slice returns the weights of output channels [from, to).
func (s *WeightSet) Slice(w *Weights, from, to int) *Weights {
	n := w.KH * w.KW * w.I
	data := w.Values[from*n : to*n]
	if part := s.find(data, to-from, w.KH, w.KW, w.I, w.Depthwise); part != nil {
		return part
	}
	part := *w
	part.Name, part.O, part.Values = fmt.Sprintf("%s[%d:%d]", w.Name, from, to), to-from, data
	return s.add(&part)
}
