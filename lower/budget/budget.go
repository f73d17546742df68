// SPDX-License-Identifier: Apache-2.0

// Package budget bounds the memory of a run: whoever is about to allocate what an input
// or an option asks for asks here first, so that too much is an error that names who
// asked, instead of a machine that runs full.
package budget

import (
	"fmt"
	"math"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"strings"
	"sync/atomic"
)

var limit atomic.Int64

// Limit returns the most bytes that a run may hold: what SetLimit said, else GOMEMLIMIT,
// else three quarters of the machine's memory.
func Limit() int64 {
	if n := limit.Load(); n > 0 {
		return n
	}
	n := debug.SetMemoryLimit(-1)
	if n == math.MaxInt64 {
		n = machine() / 4 * 3
	}
	limit.CompareAndSwap(0, n)
	return limit.Load()
}

// SetLimit bounds the run and lets the collector work harder before that.
func SetLimit(bytes int64) {
	limit.Store(bytes)
	debug.SetMemoryLimit(bytes)
}

// Error says that something asked for more than is left.
type Error struct {
	What      string // what asked, as the subject of a sentence
	Bytes     int64
	Left, All int64
}

func (e *Error) Error() string {
	return fmt.Sprintf("%s takes %s of memory, and of the %s that a run may hold %s are left: give less, or more with --max-memory", e.What, Text(e.Bytes), Text(e.All), Text(e.Left))
}

// Ask returns an error where bytes more than are held now would pass the limit. what is
// the subject of the sentence, such as a file or an option. It takes nothing.
func Ask(what string, bytes int64) error {
	if bytes < 1<<20 {
		return nil
	}
	all := Limit()
	left := max(all-held(), 0)
	if bytes > left && bytes <= all { // some of what is held may be in nobody's use any more
		runtime.GC()
		left = max(all-held(), 0)
	}
	if bytes > left {
		return &Error{What: what, Bytes: bytes, Left: left, All: all}
	}
	return nil
}

// Times multiplies sizes of which some come from an input, without overflow.
func Times(sizes ...int64) int64 {
	product := int64(1)
	for _, n := range sizes {
		switch {
		case n <= 0:
			return 0
		case product > math.MaxInt64/n:
			return math.MaxInt64
		}
		product *= n
	}
	return product
}

// held returns the bytes of objects that are in use or not collected yet.
func held() int64 {
	s := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return int64(s[0].Value.Uint64())
}

var units = []struct {
	name  string
	bytes float64
}{{"GB", 1 << 30}, {"MB", 1 << 20}, {"kB", 1 << 10}}

// Text writes a number of bytes for people.
func Text(bytes int64) string {
	if bytes == math.MaxInt64 {
		return "more than can be counted"
	}
	for _, u := range units {
		if v := float64(bytes) / u.bytes; v >= 1 {
			return strconv.FormatFloat(v, 'f', 1, 64) + " " + u.name
		}
	}
	return fmt.Sprintf("%d bytes", bytes)
}

// Parse reads a size such as 800M, 2GB, 1.5GiB or a number of bytes; K, M and G are powers
// of 1024.
func Parse(text string) (int64, error) {
	number := strings.ToUpper(strings.TrimSpace(text))
	number = strings.TrimSuffix(strings.TrimSuffix(number, "B"), "I")
	scale := 1.0
	for i, u := range []string{"K", "M", "G", "T"} {
		if rest, ok := strings.CutSuffix(number, u); ok {
			number, scale = strings.TrimSpace(rest), math.Pow(1024, float64(i+1))
		}
	}
	v, err := strconv.ParseFloat(number, 64)
	if v *= scale; err != nil || !(v >= 1<<20 && v < 1<<62) {
		return 0, fmt.Errorf("%q is no size: expected one of at least a megabyte, such as 800M or 2G", text)
	}
	return int64(v), nil
}
