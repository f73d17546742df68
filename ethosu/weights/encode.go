// SPDX-License-Identifier: Apache-2.0

package weights

import "errors"

// Encode returns a weight stream for the weights, which are in stream order and
// have no zero point. It tries several plans and keeps the shortest stream, which
// is never longer than EncodeVela's for lists of up to velaLimit weights. The
// result depends on the weights alone.
//
// It is an error when there are no weights or when one is outside -255 to 255.
func Encode(weights []int16) ([]byte, error) {
	if err := check(weights); err != nil {
		return nil, err
	}
	best := planSearch(weights)
	if len(weights) <= velaLimit {
		vela, err := planVela(weights)
		if err != nil {
			return nil, err
		}
		if sizeAll(vela) < sizeAll(best) {
			best = vela
		}
	}
	return writeAll(best), nil
}

// velaLimit is the length up to which Vela's plan is tried too. It wins on some
// short lists, by luck; on long ones the search has it beaten and only time is lost.
const velaLimit = 1 << 14

// EncodePlain returns a stream that carries every weight uncompressed. It is the
// simplest legal stream.
func EncodePlain(weights []int16) ([]byte, error) {
	if err := check(weights); err != nil {
		return nil, err
	}
	var h histogram
	h.scan(weights)
	p := params{code: sliceCode{zdiv: zdivOff, wdiv: wdivRaw}}
	for f, n := range &h.count {
		if n > 0 {
			p.palbits = f
		}
	}
	width := 2
	for p.palbits>>width != 0 {
		width++
	}
	p.palbits = width
	s := p.section(weights)
	for i, v := range weights {
		s.w[i] = uint16(fold(v))
	}
	s.cut([]segment{{len(modes) - 1, len(s.w)}}, nil)
	return writeAll([]*section{s}), nil
}

// check reports why a list cannot be encoded, or nil.
func check(weights []int16) error {
	if len(weights) == 0 {
		return errors.New("no weights to encode: an operation without weights has length 0, not a stream")
	}
	return CheckRange(weights)
}
