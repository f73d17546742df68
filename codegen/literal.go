// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"
	"strings"
	"text/template"

	"github.com/unroll-npu/unroll/lower/graph"
)

// lineWidth is the column limit of the generated C.
const lineWidth = 100

var templateFuncs = template.FuncMap{
	"times":      func(a, b int) int { return a * b },
	"words":      cWords,
	"bytes":      cBytes,
	"ints":       cInts,
	"floats":     cFloats,
	"quote":      cQuote,
	"memoryType": memoryType,
	// armConfig lists the numbers of memory types: of the stream, then of regions 0 to
	// 7, of which those that are not given are as Arm's driver has them.
	"armConfig": func(stream string, regions []string) string {
		list := []string{strconv.Itoa(memoryType(stream))}
		for i := range 8 {
			n := []int{3, 0, 1, 1, 1, 1, 1, 1}[i]
			if i < len(regions) {
				n = memoryType(regions[i])
			}
			list = append(list, strconv.Itoa(n))
		}
		return strings.Join(list, ", ")
	},
	"offset": func(zero int) string {
		if zero < 0 {
			return fmt.Sprintf("+ %d", -zero)
		}
		return fmt.Sprintf("- %d", zero)
	},
	"plain": func(literal string) string { return strings.TrimSuffix(literal, "f") },
}

// cList sets items as comma separated lines of C, indented.
func cList(items []string) string {
	const indent = "    "
	var b strings.Builder
	col := 0
	for i, s := range items {
		switch {
		case col == 0:
			b.WriteString(indent)
			col = len(indent)
		case col+1+len(s)+1 > lineWidth:
			b.WriteString("\n" + indent)
			col = len(indent)
		default:
			b.WriteByte(' ')
			col++
		}
		b.WriteString(s)
		col += len(s)
		if i < len(items)-1 {
			b.WriteByte(',')
			col++
		}
	}
	b.WriteByte('\n')
	return b.String()
}

func cWords(words []uint32) string {
	items := make([]string, len(words))
	for i, w := range words {
		items[i] = fmt.Sprintf("0x%08X", w)
	}
	return cList(items)
}

func cBytes(data []byte) string {
	items := make([]string, len(data))
	for i, b := range data {
		items[i] = strconv.Itoa(int(b))
	}
	return cList(items)
}

func cInts(values []int64) string {
	items := make([]string, len(values))
	for i, v := range values {
		items[i] = strconv.FormatInt(v, 10)
		if v == math.MinInt32 {
			items[i] = "(-2147483647 - 1)" // C has no literal for it
		}
	}
	return cList(items)
}

func cFloats(values []float32) string {
	items := make([]string, len(values))
	for i, v := range values {
		items[i] = cFloat(v)
	}
	return cList(items)
}

// cFloat writes the shortest decimal float literal that reads back as v.
func cFloat(v float32) string {
	s := strconv.FormatFloat(float64(v), 'g', -1, 32)
	if !strings.ContainsAny(s, ".e") {
		s += ".0"
	}
	return s + "f"
}

// cQuote writes a C string literal: printable ASCII as it is, all else, and what C
// would read as the start of a trigraph, as octal escapes.
func cQuote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteByte(c)
		case c < 0x20 || c >= 0x7F || c == '?' && i > 0 && s[i-1] == '?':
			fmt.Fprintf(&b, "\\%03o", c)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}

// cComment makes text safe inside a C comment.
func cComment(s string) string {
	var b strings.Builder
	for _, r := range s {
		if r < 0x20 || r >= 0x7F {
			r = '?'
		}
		b.WriteRune(r)
	}
	return strings.NewReplacer("*/", "* /", "/*", "/ *").Replace(b.String())
}

// leWords reads bytes, a multiple of four, as little-endian words.
func leWords(b []byte) []uint32 {
	w := make([]uint32, len(b)/4)
	for i := range w {
		w[i] = binary.LittleEndian.Uint32(b[4*i:])
	}
	return w
}

// leValues reads raw little-endian values of a type.
func leValues(t graph.DType, b []byte) []int64 {
	n := t.Size()
	v := make([]int64, len(b)/n)
	for i := range v {
		e := b[i*n:]
		switch t {
		case graph.Int8:
			v[i] = int64(int8(e[0]))
		case graph.Int16:
			v[i] = int64(int16(binary.LittleEndian.Uint16(e)))
		case graph.Int32:
			v[i] = int64(int32(binary.LittleEndian.Uint32(e)))
		case graph.Float32: // the bits, since C has no word for what is no number
			v[i] = int64(binary.LittleEndian.Uint32(e))
		default: // uint8, bool
			v[i] = int64(e[0])
		}
	}
	return v
}

var cTypes = map[graph.DType]struct {
	name   string
	lo, hi int
}{
	graph.Int8:  {"int8_t", -128, 127},
	graph.Uint8: {"uint8_t", 0, 255},
	graph.Int16: {"int16_t", -32768, 32767},
	graph.Int32: {"int32_t", 0, 0},
	graph.Bool:  {"uint8_t", 0, 0},

	graph.Float32: {"float", 0, 0},
}
