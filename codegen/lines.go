// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
)

// lineRange is a part of the arena in whole cache lines.
type lineRange struct{ Offset, Bytes int }

// addLines finds the cache lines of the arena that the CPU touches: before a run it
// writes inputs and states, after it it reads outputs and states. Between runs
// nothing else of the arena is alive, so no other line needs maintenance: what the
// cache still holds of one is clean, and is read or written by nobody before it is in
// a range of these again.
func (v *view) addLines(prog *ethosu.Program) {
	var before, after []lineRange
	for _, t := range v.Inputs {
		before = append(before, linesOf(&prog.Inputs[t.binding]))
	}
	for _, t := range v.Outputs {
		after = append(after, linesOf(&prog.Outputs[t.binding]))
	}
	for _, s := range prog.States {
		before = append(before, linesOf(&prog.Inputs[s.In]))
		after = append(after, linesOf(&prog.Outputs[s.Out]))
	}
	for i := range prog.Variables {
		before = append(before, linesOf(&prog.Variables[i]))
		after = append(after, linesOf(&prog.Variables[i]))
	}
	v.Written, v.ReadBack = joined(before), joined(after)
}

func linesOf(b *ethosu.Binding) lineRange {
	first := b.Offset / cacheLine * cacheLine
	return lineRange{first, roundUp(b.Offset+b.Extent(), cacheLine) - first}
}

// joined sorts ranges and makes one of those that meet.
func joined(list []lineRange) []lineRange {
	slices.SortFunc(list, func(a, b lineRange) int { return a.Offset - b.Offset })
	var out []lineRange
	for _, r := range list {
		if n := len(out); n > 0 && r.Offset <= out[n-1].Offset+out[n-1].Bytes {
			out[n-1].Bytes = max(out[n-1].Bytes, r.Offset+r.Bytes-out[n-1].Offset)
			continue
		}
		out = append(out, r)
	}
	return out
}

// lines counts them.
func lines(list []lineRange) int {
	n := 0
	for _, r := range list {
		n += r.Bytes / cacheLine
	}
	return n
}

// LinesWritten and LinesRead are how many cache lines a run maintains.
func (v *view) LinesWritten() int { return lines(v.Written) }
func (v *view) LinesRead() int    { return lines(v.ReadBack) }
