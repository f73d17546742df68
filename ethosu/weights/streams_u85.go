// SPDX-License-Identifier: Apache-2.0

package weights

import "fmt"

// EncodeU85 returns the weight streams of a layout: one for each core, or with fast one in
// all, for the fast decoder. ohwi holds O x KH x KW x I weights without zero point; of a
// sparse layout they must be sparse.
func EncodeU85(ohwi []int16, l LayoutU85, fast bool) ([][]byte, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	parts := l.Reorder(ohwi)
	if l.Sparse {
		for _, p := range parts {
			if err := CheckSparse(p); err != nil {
				return nil, err
			}
		}
	}
	if fast {
		if !l.Fast() {
			return nil, errFast
		}
		b, err := EncodeFast(l.Join(parts), l.Sparse)
		if err != nil {
			return nil, err
		}
		return [][]byte{b}, nil
	}
	var streams [][]byte
	for _, p := range parts {
		b, err := Encode(p)
		if err != nil {
			return nil, err
		}
		streams = append(streams, b)
	}
	return streams, nil
}

// DecodeU85 is the inverse of EncodeU85. The error says which stream is not legal, or has
// other weights than the layout asks for.
func DecodeU85(streams [][]byte, l LayoutU85, fast bool) ([]int16, error) {
	if err := l.Check(); err != nil {
		return nil, err
	}
	var parts [][]int16
	if fast {
		if !l.Fast() {
			return nil, errFast
		}
		if len(streams) != 1 {
			return nil, fmt.Errorf("%d weight streams, expected one for the fast decoder", len(streams))
		}
		joined, err := DecodeFast(streams[0], l.Volume()*l.Cores)
		if err != nil {
			return nil, err
		}
		if parts, err = l.Part(joined); err != nil {
			return nil, err
		}
	} else {
		for core, s := range streams {
			p, err := Decode(s)
			if err != nil {
				return nil, fmt.Errorf("core %d: %w", core, err)
			}
			parts = append(parts, p)
		}
	}
	if l.Sparse {
		for core, p := range parts {
			if err := CheckSparse(p); err != nil {
				return nil, fmt.Errorf("core %d: %w", core, err)
			}
		}
	}
	return l.Restore(parts)
}

// RecordU85 holds the bias and rescale of one output channel on the Ethos-U85. Its layout
// is one of two, by the format of the accumulators.
type RecordU85 struct {
	Bias  int64  // 32 bits, or 48 with accumulators of 48
	Scale uint32 // 31 bits, or 15
	Shift uint8  // 0 to 63
}

// RecordsCountU85 returns how many records the NPU reads for so many output channels, and
// RecordsLengthU85 the bytes that they are.
func RecordsCountU85(channels, microBlockDepth int) int {
	return roundUp(channels, roundUp(microBlockDepth, 16))
}

// RecordsLengthU85 returns the bytes of the records of so many output channels.
func RecordsLengthU85(channels, microBlockDepth int) int {
	return RecordsLength(RecordsCountU85(channels, microBlockDepth))
}

// Check reports why a record cannot be packed, or nil; wide asks for accumulators of 48
// bits.
func (r RecordU85) Check(wide bool) error {
	bias, scale := 32, 31
	if wide {
		bias, scale = 48, 15
	}
	switch {
	case r.Bias < -1<<(bias-1) || r.Bias >= 1<<(bias-1):
		return fmt.Errorf("bias %d does not fit %d bits", r.Bias, bias)
	case uint64(r.Scale)>>scale != 0:
		return fmt.Errorf("scale %d does not fit %d bits", r.Scale, scale)
	case r.Shift > 63:
		return fmt.Errorf("shift %d, expected 0 to 63", r.Shift)
	}
	return nil
}

// PackRecordsU85 returns the records as the NPU reads them, in the order of the channels,
// padded with empty ones as the micro-block asks for. The records must pass Check.
func PackRecordsU85(records []RecordU85, microBlockDepth int, wide bool) []byte {
	out := make([]byte, 0, RecordsLengthU85(len(records), microBlockDepth))
	for i, r := range records {
		if err := r.Check(wide); err != nil {
			panic(fmt.Sprintf("BUG: record %d: %v", i, err))
		}
		b, s := uint64(r.Bias), r.Scale
		if wide {
			out = append(out, byte(b), byte(b>>8), byte(b>>16), byte(b>>24), byte(b>>32), byte(b>>40), byte(s), byte(s>>8), r.Shift, 0)
		} else {
			out = append(out, byte(b), byte(b>>8), byte(b>>16), byte(b>>24), byte(s), byte(s>>8), byte(s>>16), byte(s>>24), r.Shift, 0)
		}
	}
	return out[:cap(out):cap(out)]
}

// UnpackRecordsU85 reads the records of n channels. It is an error when the bytes are too
// few or when bits that carry no meaning are set.
func UnpackRecordsU85(b []byte, n int, wide bool) ([]RecordU85, error) {
	if n < 0 || len(b) < n*RecordBytes {
		return nil, fmt.Errorf("scale stream has %d bytes, expected at least %d for %d channels", len(b), n*RecordBytes, n)
	}
	out := make([]RecordU85, n)
	for i := range out {
		p := b[i*RecordBytes:][:RecordBytes]
		low := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24
		r := RecordU85{Bias: int64(int32(low)), Scale: uint32(p[4]) | uint32(p[5])<<8 | uint32(p[6])<<16 | uint32(p[7])<<24, Shift: p[8]}
		if wide {
			r.Bias = int64((low|uint64(p[4])<<32|uint64(p[5])<<40)<<16) >> 16
			r.Scale = uint32(p[6]) | uint32(p[7])<<8
		}
		if err := r.Check(wide); err != nil || p[9] != 0 {
			return nil, fmt.Errorf("scale stream: record %d has scale %d, shift %d and %#02x in its last byte, expected at most %d bits, 0 to 63 and 0", i, r.Scale, r.Shift, p[9], map[bool]int{false: 31, true: 15}[wide])
		}
		out[i] = r
	}
	return out, nil
}
