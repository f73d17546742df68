// SPDX-License-Identifier: Apache-2.0

package reference

// Weights are kept in groups of groupRows rows, a group in blocks of
// blockCols columns: 16 weights of row 0, 16 of row 1, ... so that the inner
// loop reads them in order. Missing rows and columns are zero.
const (
	groupRows = 4
	blockCols = 16
)

// packed is an int8 matrix [rows, cols] ready for multiplication.
type packed struct {
	rows, cols int
	groups     int
	blocks     int
	data       []int8
	sums       []int32 // of every row, to fold the input's zero point
}

func pack(weights []byte, rows, cols int) *packed {
	p := &packed{rows: rows, cols: cols, groups: (rows + groupRows - 1) / groupRows, blocks: (cols + blockCols - 1) / blockCols}
	p.data = make([]int8, p.groups*p.blocks*groupRows*blockCols)
	p.sums = make([]int32, rows)
	for r := range rows {
		for c := range cols {
			w := int8(weights[r*cols+c])
			p.sums[r] += int32(w)
			p.data[((r/groupRows*p.blocks+c/blockCols)*groupRows+r%groupRows)*blockCols+c%blockCols] = w
		}
	}
	return p
}

// lenX and lenAcc are the sizes of input vector and accumulators with padding.
func (p *packed) lenX() int   { return p.blocks * blockCols }
func (p *packed) lenAcc() int { return p.groups * groupRows }

// mul sets acc to the product of the matrix with x, whose padding is zero.
// Sums are modulo 2^32.
func (p *packed) mul(acc []int32, x []int16) {
	if p.groups == 0 || p.blocks == 0 {
		clear(acc)
		return
	}
	dot(acc[:p.lenAcc()], p.data, x[:p.lenX()])
}

// mulWide is mul with 64-bit sums, for int16 inputs: 32 bits hold the products
// of 256 columns, 256 * 2^15 * 2^7 = 2^30.
func (p *packed) mulWide(wide []int64, acc []int32, x []int16) {
	clear(wide[:p.rows])
	const chunk = 256 / blockCols
	acc = acc[:groupRows]
	for g := range p.groups {
		for b := 0; b < p.blocks; b += chunk {
			n := min(chunk, p.blocks-b)
			at := (g*p.blocks + b) * groupRows * blockCols
			dot(acc, p.data[at:at+n*groupRows*blockCols], x[b*blockCols:(b+n)*blockCols])
			for r := range min(groupRows, p.rows-g*groupRows) {
				wide[g*groupRows+r] += int64(acc[r])
			}
		}
	}
}

// dotPortable multiplies the groups of w with x, one sum for each row.
func dotPortable(acc []int32, w []int8, x []int16) {
	for g := 0; g < len(acc); g += groupRows {
		var s [groupRows]int32
		for b := 0; b < len(x); b += blockCols {
			xb := (*[blockCols]int16)(x[b:])
			for r := range s {
				wb := (*[blockCols]int8)(w[r*blockCols:])
				var t int32
				for i := range xb {
					t += int32(wb[i]) * int32(xb[i])
				}
				s[r] += t
			}
			w = w[groupRows*blockCols:]
		}
		copy(acc[g:], s[:])
	}
}
