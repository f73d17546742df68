// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
)

// Check reports an invariant of plans that does not hold: kernels that are wrong by
// themselves or read what nothing wrote, blocks that do not fit, encoded constants that
// are not those of their kernel, transfers that come too late. What later passes decide
// is checked from when it is there.
func (pl *Plan) Check() error {
	for _, o := range pl.Ops {
		err := o.Check()
		if err == nil {
			err = pl.checkOp(o)
		}
		if err != nil {
			return err
		}
	}
	if len(pl.Operations) > 0 {
		return pl.checkOperations()
	}
	for _, x := range pl.uploads {
		if x.Use >= len(pl.Ops) || x.After >= x.Use || !pl.looksUp(x.Use) {
			return fmt.Errorf("the upload of %q is due for kernel %d, behind %d", x.op.Src.Name, x.Use, x.After)
		}
	}
	return kernel.CheckOrder(pl.Ops, func(b *kernel.Buffer) bool { return pl.operands != nil && b == pl.operands.dst })
}

// looksUp reports whether a kernel, or one of the chain that it begins, has a table.
func (pl *Plan) looksUp(i int) bool {
	for ; i < len(pl.Ops); i++ {
		if pl.Ops[i].Table != nil {
			return true
		}
		if pl.Ops[i].Chain.Out == 0 {
			break
		}
	}
	return false
}

func (pl *Plan) checkOp(o *Op) error {
	fail := func(format string, args ...any) error {
		return fmt.Errorf("%s (output %q): %s", o.Name, o.Source, fmt.Sprintf(format, args...))
	}
	if o.Layout != (block.SHRAM{}) {
		l, err := pl.Memo.Cost.Target.Fits(pl.work(o).Op, o.Block)
		if err != nil {
			return fail("%v", err)
		}
		if l != o.Layout {
			return fail("block %v has the layout %+v, expected %+v", o.Block, o.Layout, l)
		}
	}
	if t := o.Table; t != nil && (o.Slot < 0 || o.Slot%t.Slots() != 0 || o.Slot+t.Slots() > 8) {
		return fail("a table of %d slots in slot %d", t.Slots(), o.Slot)
	}
	if s := o.Stream; s != nil && s.w != o.Weights {
		return fail("the stream of weights %q for weights %q", s.w.Name, o.Weights.Name)
	}
	if (o.Stream != nil || o.Scales != nil) && o.Weights == nil {
		return fail("encoded constants without weights")
	}
	for _, c := range o.constants() {
		for i := range c.Len {
			if c.Len[i] < 0 || c.Len[i]%16 != 0 || c.Off[i]%16 != 0 || c.Off[i]+c.Len[i] > c.Home().Size {
				return fail("part %d of %q is %d bytes at %d of %d", i, c.Home().Name, c.Len[i], c.Off[i], c.Home().Size)
			}
		}
	}
	return nil
}

// constants returns what of a kernel's weights and records is encoded.
func (o *Op) constants() []*Coded {
	var list []*Coded
	if o.Stream != nil {
		list = append(list, &o.Stream.Coded)
	}
	if o.Scales != nil {
		list = append(list, o.Scales)
	}
	return list
}

// checkOperations checks that the stream has every kernel in its order and that every
// transfer is inside its buffers and in front of what it is for.
func (pl *Plan) checkOperations() error {
	n := 0
	for i, o := range pl.Operations {
		t := o.Transfer
		switch {
		case (t == nil) == (o.Kernel == nil):
			return fmt.Errorf("operation %d is not one of kernel and transfer", i)
		case t == nil && (n >= len(pl.Ops) || o.Kernel != pl.Ops[n]):
			return fmt.Errorf("operation %d is not kernel %d of the plan", i, n)
		case t == nil:
			n++
		case t.Length < 1 || t.From+t.Length > t.Src.Size || t.Dst != nil && t.To+t.Length > t.Dst.Size || t.Dst == nil && (t.Table < pl.Accel.LUTBase() || t.Table+t.Length > pl.Accel.LUTBase()+2048):
			return fmt.Errorf("operation %d: %s copies bytes %d to %d of %q, which has %d", i, t.Name, t.From, t.From+t.Length, t.Src.Name, t.Src.Size)
		}
	}
	if n != len(pl.Ops) {
		return fmt.Errorf("the stream has %d kernels of %d", n, len(pl.Ops))
	}
	if err := pl.checkContents(); err != nil {
		return err
	}
	return kernel.CheckOrder(pl.Operations, func(*kernel.Buffer) bool { return false })
}

// stored is what a memory holds, as far as that is known.
type stored struct {
	data  []byte
	known []bool
}

func newStored(n int) *stored { return &stored{make([]byte, n), make([]bool, n)} }

// put stores data.
func (s *stored) put(at int, data []byte) {
	copy(s.data[at:], data)
	for b := range data {
		s.known[at+b] = true
	}
}

// other returns the first byte that is not known to be that of the data, or -1.
func (s *stored) other(at int, data []byte) int {
	for b, x := range data {
		if !s.known[at+b] || s.data[at+b] != x {
			return b
		}
	}
	return -1
}

// checkContents follows what is in table memory and in copies of constants: every kernel
// finds its table there, and records that were made of a part of them.
func (pl *Plan) checkContents() error {
	tables, copies := newStored(2048), map[*kernel.Buffer]*stored{}
	for i, o := range pl.Operations {
		if t := o.Transfer; t != nil {
			data := t.Src.Data
			if src := copies[t.Src]; src != nil {
				data = src.data
				if b := slices.Index(src.known[t.From:t.From+t.Length], false); b >= 0 {
					return fmt.Errorf("operation %d: %s copies %d bytes of %q, of which byte %d is not there", i, t.Name, t.Length, t.Src.Name, t.From+b)
				}
			} else if !t.Src.Constant() {
				return fmt.Errorf("operation %d: %s copies %d bytes of %q, of which nothing is there", i, t.Name, t.Length, t.Src.Name)
			}
			data = data[t.From : t.From+t.Length]
			if t.Dst == nil {
				tables.put(t.Table-pl.Accel.LUTBase(), data)
				continue
			}
			if copies[t.Dst] == nil {
				copies[t.Dst] = newStored(t.Dst.Size)
			}
			copies[t.Dst].put(t.To, data)
			continue
		}
		if s := o.Kernel.Scales; s != nil && s.made != nil {
			if c := copies[s.copy]; c == nil || c.other(0, s.made) >= 0 {
				return fmt.Errorf("operation %d reads records in %q, which are not what was made of %d bytes", i, s.copy.Name, s.buf.Size)
			}
		}
		t := o.Kernel.Table
		if t == nil {
			if pl.volatile() { // its buffers take the memory
				clear(tables.known)
			}
			continue
		}
		if b := tables.other(256*o.Kernel.Slot+t.From, t.Loaded()); b >= 0 {
			return fmt.Errorf("operation %d looks up %q in slot %d, where byte %d of it is not loaded", i, t.Name, o.Kernel.Slot, t.From+b)
		}
	}
	return nil
}
