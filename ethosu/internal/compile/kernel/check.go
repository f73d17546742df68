// SPDX-License-Identifier: Apache-2.0

package kernel

import (
	"fmt"
)

// Check reports what is wrong with a kernel by itself: what every pass may rely on.
func (k *Kernel) Check() error {
	if err := k.check(); err != nil {
		return fmt.Errorf("%s (output %q): %w", k.Name, k.Source, err)
	}
	return nil
}

func (k *Kernel) check() error {
	if k.IFM == nil || k.OFM == nil {
		return fmt.Errorf("no input or no output")
	}
	maps := []*Map{k.IFM, k.OFM}
	switch {
	case k.IFM2 == nil && (k.Scalar || k.Swapped):
		return fmt.Errorf("a scalar or a swap without a second operand")
	case k.IFM2 != nil && k.Kind != Elementwise:
		return fmt.Errorf("a second operand of a kernel that is not elementwise")
	case k.Scalar && k.IFM2.Buf != nil:
		return fmt.Errorf("the scalar %q has a buffer", k.IFM2.Name)
	case k.IFM2 != nil && !k.Scalar:
		maps = append(maps, k.IFM2)
	}
	for _, f := range maps {
		if err := f.check(); err != nil {
			return fmt.Errorf("map %q: %w", f.Name, err)
		}
	}
	if k.OFM.Buf.Constant() || k.OFM.Low != nil && k.OFM.Low.Constant() {
		return fmt.Errorf("writes the constant %q", k.OFM.Buf.Name)
	}
	if min(k.KH, k.KW, k.StrideH, k.StrideW, k.DilH, k.DilW) < 1 || min(k.PadTop, k.PadLeft, k.PadBottom, k.PadRight) < 0 {
		return fmt.Errorf("window %+v", k.Window)
	}
	if k.Lo > k.Hi {
		return fmt.Errorf("results from %d to %d", k.Lo, k.Hi)
	}
	if err := k.checkTable(); err != nil {
		return err
	}
	return k.checkWeights()
}

func (k *Kernel) checkTable() error {
	if (k.Table != nil) != (k.Fn == FnTable) && (k.Fn == FnNone || k.Fn == FnTable) {
		return fmt.Errorf("function %d with a table: %t", k.Fn, k.Table != nil)
	}
	if t := k.Table; t != nil {
		if n := t.Slots(); 256*n != len(t.Data) || n != 1 && n != 4 && n != 8 || t.From < 0 || t.From > t.To || t.To > len(t.Data) {
			return fmt.Errorf("a table of %d bytes, loaded from %d to %d", len(t.Data), t.From, t.To)
		}
	}
	return nil
}

func (k *Kernel) checkWeights() error {
	w := k.Weights
	if (w != nil) != (k.Kind == Conv || k.Kind == Depthwise) {
		return fmt.Errorf("kind %d with weights: %t", k.Kind, w != nil)
	}
	if w == nil {
		return nil
	}
	in := w.I
	if k.Kind == Depthwise {
		in = w.O
	}
	if w.Depthwise != (k.Kind == Depthwise) || w.KH != k.KH || w.KW != k.KW || in != k.IFM.C || w.O != k.OFM.C || len(w.Values) != w.O*w.KH*w.KW*w.I {
		return fmt.Errorf("weights %q of %dx%dx%dx%d with %d values, for %d channels to %d by %dx%d", w.Name, w.O, w.KH, w.KW, w.I, len(w.Values), k.IFM.C, k.OFM.C, k.KH, k.KW)
	}
	if len(k.Records) != w.O {
		return fmt.Errorf("%d records of bias and scale for %d channels", len(k.Records), w.O)
	}
	return nil
}

// check reports a map that is empty or leaves its buffers.
func (f *Map) check() error {
	if f.Buf == nil {
		return fmt.Errorf("no buffer")
	}
	if min(f.H, f.W, f.C) < 1 || f.Off < 0 || f.LowOff < 0 || f.StrideX < 0 || f.StrideY < 0 {
		return fmt.Errorf("%dx%dx%d at %d and %d, strides %d and %d", f.H, f.W, f.C, f.Off, f.LowOff, f.StrideY, f.StrideX)
	}
	row := (f.W-1)*f.StrideX + f.C*f.Type.Size()
	end := f.Off + (f.H-1)*f.StrideY + row
	if f.Low != nil {
		end = f.Off + row
		if low := f.LowOff + (f.H-2)*f.StrideY + row; f.H < 2 || low > f.Low.Size {
			return fmt.Errorf("ends at byte %d of %q, which has %d", low, f.Low.Name, f.Low.Size)
		}
	}
	if end > f.Buf.Size {
		return fmt.Errorf("ends at byte %d of %q, which has %d", end, f.Buf.Name, f.Buf.Size)
	}
	return nil
}

// Reader is anything that reads and writes buffers in its turn.
type Reader interface {
	Reads(func(*Buffer))
	Writes(func(*Buffer))
}

// CheckOrder reports a buffer that is read before anything wrote it, or that is written
// although it is constant. Those for which except returns true may be read.
func CheckOrder[R Reader](list []R, except func(*Buffer) bool) error {
	written := map[*Buffer]bool{}
	for i, r := range list {
		var err error
		r.Reads(func(b *Buffer) {
			if !written[b] && !b.Constant() && !b.FromCall && !except(b) && err == nil {
				err = fmt.Errorf("operation %d reads %q before anything is written there", i, b.Name)
			}
		})
		r.Writes(func(b *Buffer) {
			written[b] = true
			if b.Constant() && err == nil {
				err = fmt.Errorf("operation %d writes the constant %q", i, b.Name)
			}
		})
		if err != nil {
			return err
		}
	}
	return nil
}
