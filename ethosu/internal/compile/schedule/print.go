// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
	"io"
)

var copyNames = [...]string{readDirect: "weights read in place", copyWeights: "weights copied", copyBoth: "weights and records copied", copyEach: "weights copied for every use"}

// Print writes the plan, one line for each operation: what it computes, and what was
// decided about it so far.
func (pl *Plan) Print(w io.Writer) error {
	if len(pl.Operations) > 0 {
		return Print(w, pl.Operations, func(i int) string { return pl.decided(pl.Operations[i].Kernel) })
	}
	for i, o := range pl.Ops {
		if _, err := fmt.Fprintf(w, "%4d %v%s\n", i, &o.Kernel, pl.decided(o)); err != nil {
			return err
		}
	}
	for _, x := range pl.uploads {
		if _, err := fmt.Fprintf(w, "     upload of %d bytes of %q to %#x for %d, behind %d\n", x.op.Length, x.op.Src.Name, x.op.Table, x.Use, x.After); err != nil {
			return err
		}
	}
	return nil
}

// decided says what was decided about a kernel, which is nil for a transfer.
func (pl *Plan) decided(o *Op) string {
	if o == nil {
		return ""
	}
	s := ""
	if o.Block.D > 0 {
		s += fmt.Sprintf("; block %dx%dx%d", o.Block.H, o.Block.W, o.Block.D)
	}
	if o.Weights != nil && pl.prefetch {
		s += "; " + copyNames[pl.copies[o.Weights]]
	}
	if o.fetchRecords {
		s += "; records fetched"
	}
	if o.Stream != nil {
		s += fmt.Sprintf("; %d bytes in %q", o.Stream.Total(), o.Stream.Home().Name)
	}
	if o.Table != nil && len(pl.uploads) > 0 {
		s += fmt.Sprintf("; slot %d", o.Slot)
	}
	return s
}

// Print writes operations, one line each, followed by what more says of it.
func Print(w io.Writer, ops []Operation, more func(i int) string) error {
	for i, o := range ops {
		line := ""
		if t := o.Transfer; t == nil {
			line = o.Kernel.Kernel.String()
		} else if line = fmt.Sprintf("%s %q: %d bytes %q -> ", t.Name, t.Source, t.Length, t.Src.Name); t.Dst != nil {
			line += fmt.Sprintf("%q", t.Dst.Name)
		} else {
			line += fmt.Sprintf("table memory %#x", t.Table)
		}
		if _, err := fmt.Fprintf(w, "%4d %s%s\n", i, line, more(i)); err != nil {
			return err
		}
	}
	return nil
}
