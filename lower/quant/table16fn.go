// SPDX-License-Identifier: Apache-2.0

package quant

// SigmoidEntries and TanhEntries are the content of table memory with which the Ethos-U85
// computes the sigmoid and the hyperbolic tangent of 16 bits: 512 entries of a value and
// the slope to the next one, 16 bits each, for arguments from the least to the greatest.
// Other NPUs have them built in. Source: Vela 5.1, whose streams upload the same bytes.
func SigmoidEntries() []byte { return functionEntries(1) }

// TanhEntries is described at SigmoidEntries.
func TanhEntries() []byte { return functionEntries(0) }

// functionEntries extends the table of the sigmoid to negative arguments; first is the
// slope of the first entry.
func functionEntries(first int32) []byte {
	b := make([]byte, 0, 2048)
	for i := -256; i < 256; i++ {
		var value, slope int32
		switch {
		case i >= 0:
			value = sigmoidTable[i] - 32768
			slope = sigmoidTable[min(i+1, 255)] - sigmoidTable[i]
		case i == -256:
			value, slope = 32768-sigmoidTable[255], first
		default:
			value = 32768 - sigmoidTable[-i]
			slope = sigmoidTable[-i] - sigmoidTable[-i-1]
		}
		b = append(b, byte(value), byte(value>>8), byte(slope), byte(slope>>8))
	}
	return b
}
