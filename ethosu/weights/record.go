// SPDX-License-Identifier: Apache-2.0

package weights

import "fmt"

// Record holds the bias and rescale of one output channel: the NPU computes
// round((acc + Bias) * Scale / 2^Shift).
type Record struct {
	Bias  int64 // 40 bits, signed
	Scale uint32
	Shift uint8 // 0 to 63
}

// RecordBytes is the size of a packed record.
const RecordBytes = 10

// RecordsLength returns the bytes of n packed records with their padding.
func RecordsLength(n int) int { return roundUp(n*RecordBytes, 16) }

// Check reports why a record cannot be packed, or nil.
func (r Record) Check() error {
	if r.Bias < -1<<39 || r.Bias >= 1<<39 {
		return fmt.Errorf("bias %d does not fit 40 bits", r.Bias)
	}
	if r.Shift > 63 {
		return fmt.Errorf("shift %d, expected 0 to 63", r.Shift)
	}
	return nil
}

// PackRecords returns the records as the NPU reads them, padded with zeros to a
// multiple of 16 bytes. The records must pass Check.
func PackRecords(records []Record) []byte {
	out := make([]byte, 0, RecordsLength(len(records)))
	for i, r := range records {
		if err := r.Check(); err != nil {
			panic(fmt.Sprintf("BUG: record %d: %v", i, err))
		}
		b := uint64(r.Bias)
		out = append(out, byte(b), byte(b>>8), byte(b>>16), byte(b>>24), byte(b>>32),
			byte(r.Scale), byte(r.Scale>>8), byte(r.Scale>>16), byte(r.Scale>>24), r.Shift)
	}
	return out[:cap(out):cap(out)]
}

// UnpackRecords reads n records. It is an error when the bytes are too few or when
// bits that carry no meaning are set.
func UnpackRecords(b []byte, n int) ([]Record, error) {
	if n < 0 || len(b) < n*RecordBytes {
		return nil, fmt.Errorf("scale stream has %d bytes, expected at least %d for %d channels", len(b), n*RecordBytes, n)
	}
	out := make([]Record, n)
	for i := range out {
		p := b[i*RecordBytes:][:RecordBytes]
		bias := uint64(p[0]) | uint64(p[1])<<8 | uint64(p[2])<<16 | uint64(p[3])<<24 | uint64(p[4])<<32
		out[i] = Record{
			Bias:  int64(bias<<24) >> 24,
			Scale: uint32(p[5]) | uint32(p[6])<<8 | uint32(p[7])<<16 | uint32(p[8])<<24,
			Shift: p[9],
		}
		if p[9] > 63 {
			return nil, fmt.Errorf("scale stream: record %d has %#02x in its last byte, expected a shift of 0 to 63", i, p[9])
		}
	}
	return out, nil
}
