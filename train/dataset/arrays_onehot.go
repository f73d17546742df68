// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/lower/npy"
)

// oneOfClasses is the number of classes where the labels of all parts are rows of one 1 among zeros, a
// column for each class; 0 where they are something else, and where a label for each step is as good
// a reading.
func (a *bundle) oneOfClasses() (classes int) {
	if a.o.Regression {
		return 0
	}
	for _, p := range pairs {
		for _, part := range []string{"", "train", "val", "test"} {
			x, y := a.by[arrayName{p[0], part}], a.by[arrayName{p[1], part}]
			if x == nil || y == nil || x.IsText() {
				continue
			}
			if y.IsText() || len(x.Shape) < 2 || len(y.Shape) < 2 || len(y.Shape) > 3 || y.Elements() == 0 || y.Shape[0] != x.Shape[0] {
				return 0
			}
			k := y.Shape[len(y.Shape)-1]
			switch {
			case k < 2 || k > maxClasses || classes != 0 && k != classes || y.Shape[0] < 2:
				return 0
			case len(y.Shape) == 3 && !slices.Contains(x.Shape[1:], y.Shape[1]):
				return 0
			case len(y.Shape) == 2 && (k == x.Shape[1] || y.Kind() != 'f' && slices.Contains(x.Shape[1:], k)):
				return 0 // a label for each step?
			}
			for row := range y.Elements() / k {
				if hot(y, row, k) < 0 {
					return 0
				}
			}
			classes = k
		}
	}
	return classes
}

// hot is the column of the 1 in a row of k columns, -1 where it is not the only one among zeros.
func hot(y *npy.Array, row, k int) int {
	at := -1
	for i := range k {
		switch v := y.Float(row*k + i); {
		case v == 1 && at < 0:
			at = i
		case v != 0:
			return -1
		}
	}
	return at
}

// classNumbers makes numbers of classes of such rows.
func (a *bundle) classNumbers(y *npy.Array) *npy.Array {
	k := a.oneHot
	n := y.Elements() / k
	numbers := &npy.Array{Name: y.Name, Type: "<i4", Shape: slices.Clone(y.Shape[:len(y.Shape)-1])}
	for row := range n {
		numbers.Data = binary.LittleEndian.AppendUint32(numbers.Data, uint32(hot(y, row, k)))
	}
	return numbers
}

// ofColumns gives a part a class for every column, whether it is in it or not, and says what the rows
// are taken for.
func (a *bundle) ofColumns(s *Set, y *npy.Array) {
	s.Outputs, s.Classes = a.oneHot, numbered(a.oneHot)
	s.Notes = append(s.Notes, fmt.Sprintf("%s: every row is one 1 among zeros, and taken for one of %d classes, by the column of the 1: --regression predicts the %d numbers", y.Name, a.oneHot, a.oneHot))
}
