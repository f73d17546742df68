// SPDX-License-Identifier: Apache-2.0

package runner

import (
	"bytes"
	"encoding/binary"
	"encoding/csv"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/unroll-npu/unroll/lower/graph"
)

// ReadCSV reads a table of numbers, a call or a time step in each row, as a float32 array
// [rows, columns]. A first row without any number holds names and is skipped. name says in errors
// where file came from.
func ReadCSV(name string, file []byte) (*Array, error) {
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(file, []byte("\xef\xbb\xbf"))))
	r.TrimLeadingSpace = true
	r.Comment = '#'
	rows, err := r.ReadAll()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	a := &Array{Type: graph.Float32}
	for n, row := range rows {
		if n == 0 && !anyNumber(row) {
			continue
		}
		for k, text := range row {
			v, err := strconv.ParseFloat(strings.TrimSpace(text), 32)
			if err != nil {
				return nil, fmt.Errorf("%s: row %d, column %d: %q is no number", name, n+1, k+1, text)
			}
			a.Data = binary.LittleEndian.AppendUint32(a.Data, math.Float32bits(float32(v)))
		}
		if a.Shape == nil {
			a.Shape = []int{0, len(row)}
		}
		a.Shape[0]++
	}
	if a.Shape == nil {
		return nil, fmt.Errorf("%s: has no row of numbers", name)
	}
	return a, nil
}

func anyNumber(row []string) bool {
	for _, text := range row {
		if _, err := strconv.ParseFloat(strings.TrimSpace(text), 32); err == nil {
			return true
		}
	}
	return false
}

// AppendCSV appends the array as a table with one row for each of so many calls.
func (a *Array) AppendCSV(dst []byte, calls int) []byte {
	size := a.Type.Size()
	n := len(a.Data) / size / max(calls, 1)
	for call := range calls {
		for k := range n {
			if k > 0 {
				dst = append(dst, ',')
			}
			at := a.Data[(call*n+k)*size:][:size]
			if a.Type == graph.Float32 {
				v := math.Float32frombits(binary.LittleEndian.Uint32(at))
				dst = strconv.AppendFloat(dst, float64(v), 'g', -1, 32)
				continue
			}
			dst = strconv.AppendInt(dst, a.Type.Int(at), 10)
		}
		dst = append(dst, '\n')
	}
	return dst
}
