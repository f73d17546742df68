// SPDX-License-Identifier: Apache-2.0

package place

import (
	"fmt"
	"io"

	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
)

// Print writes the operations, each with where its maps or its bytes lie.
func (l *Layout) Print(w io.Writer) error {
	if _, err := fmt.Fprintf(w, "     constants %d bytes, arena %d, fast %d\n", len(l.Blob), l.Arena, l.Fast); err != nil {
		return err
	}
	return schedule.Print(w, l.ops, func(i int) string { return l.Where(l.ops[i]) })
}

// Where says where an operation reads and writes: region:offset of every buffer.
func (l *Layout) Where(o schedule.Operation) string {
	s := "; reads"
	o.Reads(func(b *kernel.Buffer) { s += " " + l.At(b, 0).String() })
	s += ", writes"
	o.Writes(func(b *kernel.Buffer) { s += " " + l.At(b, 0).String() })
	return s
}

func (a Address) String() string { return fmt.Sprintf("%d:%#x", a.Region, a.Offset) }
