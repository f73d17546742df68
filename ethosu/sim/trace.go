// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"bufio"
	"fmt"
	"io"
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
)

// Trace runs the stream on m and writes one line for each operation: its number, the
// word offset, the name, where it wrote, the bytes and the CRC-32 of what it wrote,
// and the tensor when the options of Prepare know it. When the run stops at a fault
// the lines up to it are written.
func (s *Sim) Trace(m Memory, w io.Writer) error {
	out := bufio.NewWriter(w)
	err := s.RunWith(m, Exec{After: func(e *Event) error {
		at := ""
		for _, a := range e.Accesses() {
			if a.Write() && (e.OFM() == nil || a.Region != SHRAM) {
				at = s.place(a)
				break
			}
		}
		if f := e.OFM(); f != nil && f.Region >= firstChain { // what is turned lies in memory
			at = fmt.Sprintf("chaining buffer %d", f.Region-firstChain)
		}
		value := e.Value()
		_, err := fmt.Fprintf(out, "%5d  word %6d  %-28s %-32s %6d B  %08x", e.Index(), e.Word(), e.Name(), at, len(value), e.Checksum())
		if e.Tensor() != "" && err == nil {
			_, err = fmt.Fprintf(out, "  %s", e.Tensor())
		}
		fmt.Fprintln(out)
		return err
	}})
	if flushed := out.Flush(); err == nil {
		err = flushed
	}
	return err
}

// Difference is the first operation whose output is not the expected tensor.
type Difference struct {
	Op        ethosu.OpInfo
	Index     int // of Op in Stage.Ops
	Element   int // row-major index in the tensor
	Got, Want int64
	Count     int // elements that differ
}

func (d *Difference) String() string {
	step := ""
	if d.Op.Step >= 0 {
		step = fmt.Sprintf(", time step %d", d.Op.Step)
	}
	return fmt.Sprintf("operation %d %s (word %d%s): tensor %q differs in %d elements, first element %d is %d, expected %d",
		d.Index, d.Op.Name, d.Op.Word, step, d.Op.OFM, d.Count, d.Element, d.Got, d.Want)
}

// Compare runs a stage on m, prepared as s, and compares every operation's output with the tensor it stands for. expect returns a tensor's value, little
// endian and row-major, or nil when there is none; outputs of another size, such as
// parts of a tensor, are left out. It returns the first difference, or nil, and the
// number of tensors compared.
func (s *Sim) Compare(stage *ethosu.Stage, m Memory, expect func(tensor string) []byte) (first *Difference, compared int, err error) {
	err = s.RunWith(m, Exec{After: func(e *Event) error {
		i := sort.Search(len(stage.Ops), func(i int) bool { return stage.Ops[i].Word >= e.Word() })
		if e.OFM() == nil || i == len(stage.Ops) || stage.Ops[i].Word != e.Word() || stage.Ops[i].OFM == "" {
			return nil
		}
		want, got := expect(stage.Ops[i].OFM), e.Value()
		if len(want) != len(got) {
			return nil
		}
		compared++
		if d := differ(got, want, e.OFM().Type.Bytes()); d != nil && first == nil {
			d.Op, d.Index = stage.Ops[i], i
			first = d
		}
		return nil
	}})
	return first, compared, err
}

// differ compares two lists of signed elements.
func differ(got, want []byte, size int) *Difference {
	var d *Difference
	at := func(b []byte, i int) int64 {
		var v uint64
		for k := range size {
			v |= uint64(b[i+k]) << (8 * k)
		}
		up := 64 - 8*size
		return int64(v<<up) >> up
	}
	for i := 0; i+size <= len(got); i += size {
		g, w := at(got, i), at(want, i)
		if g == w {
			continue
		}
		if d == nil {
			d = &Difference{Element: i / size, Got: g, Want: w}
		}
		d.Count++
	}
	return d
}
