// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"github.com/unroll-npu/unroll/ethosu/isa"
)

// mutation is one kind of damage to a stream. It returns nothing where the stream
// has no place for it.
type mutation struct {
	name  string
	apply func(r *rand.Rand, list []isa.Command) ([]isa.Command, string)
}

// mutations are damages of whole commands, such as a wrong compiler or a wrong patch
// makes; bit flips are those of a wrong memory.
var mutations = []mutation{
	{"shift_address", changeOne(isAddress, func(r *rand.Rand, c *isa.Command) {
		c.Payload += uint32(pick(r, -256, -64, -16, -1, 1, 2, 16, 64, 256))
	})},
	{"move_address", changeOne(isAddress, func(r *rand.Rand, c *isa.Command) { c.Payload = 16 * r.Uint32N(512) })},
	{"length", changeOne(isLength, func(r *rand.Rand, c *isa.Command) { c.Payload += uint32(pick(r, -64, -16, 16, 64)) })},
	{"stride", changeOne(isStride, func(r *rand.Rand, c *isa.Command) { c.Payload += uint32(pick(r, -32, -16, -1, 1, 16, 32)) })},
	{"value", changeOne(isParameter, func(r *rand.Rand, c *isa.Command) { c.Param += uint16(pick(r, -16, -1, 1, 16)) })},
	{"random_value", changeOne(isParameter, func(r *rand.Rand, c *isa.Command) { c.Param = uint16(r.Uint32() >> r.IntN(32)) })},
	{"scale", changeOne(isScale, func(r *rand.Rand, c *isa.Command) {
		if r.IntN(2) == 0 {
			c.Param = uint16(r.IntN(64))
		} else {
			c.Payload = r.Uint32() >> r.IntN(32)
		}
	})},
	{"drop_SET", func(r *rand.Rand, list []isa.Command) ([]isa.Command, string) {
		return drop(r, list, func(c isa.Command) bool { return kindOf(c) != isa.Op })
	}},
	{"drop_wait", func(r *rand.Rand, list []isa.Command) ([]isa.Command, string) {
		return drop(r, list, func(c isa.Command) bool { return c.Code == isa.OpDMAWait || c.Code == isa.OpKernelWait })
	}},
	{"drop_operation", func(r *rand.Rand, list []isa.Command) ([]isa.Command, string) {
		return drop(r, list, func(c isa.Command) bool { return kindOf(c) == isa.Op })
	}},
	{"wait", changeOne(func(c isa.Command) bool {
		return c.Code == isa.OpDMAWait || c.Code == isa.OpKernelWait || c.Code == isa.SetBlockdep
	}, func(r *rand.Rand, c *isa.Command) { c.Param = uint16(r.IntN(4)) })},
	{"mode", changeOne(func(c isa.Command) bool { return kindOf(c) == isa.Op }, func(r *rand.Rand, c *isa.Command) {
		switch c.Code {
		case isa.OpPool:
			c.Param = uint16(r.IntN(3))
		case isa.OpElementwise:
			c.Param = uint16(r.IntN(10))
		case isa.OpConv:
			c.Code = isa.OpDepthwise
		case isa.OpDepthwise:
			c.Code = isa.OpConv
		default:
			c.Param++
		}
	})},
	{"swap", func(r *rand.Rand, list []isa.Command) ([]isa.Command, string) {
		i := r.IntN(len(list) - 1)
		out := slices.Clone(list)
		out[i], out[i+1] = out[i+1], out[i]
		return out, fmt.Sprintf("command %d %s after %s", i, list[i].Text(), list[i+1].Text())
	}},
	{"repeat", func(r *rand.Rand, list []isa.Command) ([]isa.Command, string) {
		i, j := r.IntN(len(list)), r.IntN(len(list))
		return slices.Insert(slices.Clone(list), j, list[i]), fmt.Sprintf("%s again before command %d %s", list[i].Text(), j, list[j].Text())
	}},
	{"borrow", func(r *rand.Rand, list []isa.Command) ([]isa.Command, string) {
		// A register gets the value that it has elsewhere in the stream.
		i := r.IntN(len(list))
		var others []isa.Command
		for _, c := range list {
			if c.Code == list[i].Code && c != list[i] {
				others = append(others, c)
			}
		}
		if len(others) == 0 {
			return nil, ""
		}
		out := slices.Clone(list)
		out[i] = others[r.IntN(len(others))]
		return out, fmt.Sprintf("command %d %s to %s", i, list[i].Text(), out[i].Text())
	}},
	{"bit", func(r *rand.Rand, list []isa.Command) ([]isa.Command, string) {
		out, i := slices.Clone(list), r.IntN(len(list))
		if bit := r.IntN(32); list[i].Code.HasPayload() && bit < 24 {
			out[i].Payload ^= 1 << bit
		} else {
			out[i].Param ^= 1 << (bit & 15)
		}
		return out, fmt.Sprintf("command %d %s to %s", i, list[i].Text(), out[i].Text())
	}},
}

func pick(r *rand.Rand, values ...int) int { return values[r.IntN(len(values))] }

func kindOf(c isa.Command) isa.Kind {
	r := isa.Lookup(c.Code)
	if r == nil {
		r = isa.U85.Lookup(c.Code)
	}
	return r.Kind
}

func isLength(c isa.Command) bool {
	switch c.Code {
	case isa.SetDMA0Len, isa.SetWeightLength, isa.SetScaleLength, isa.SetWeight1Length, isa.SetScale1Length, isa.SetWeight3Length:
		return true
	}
	return false
}

func isStride(c isa.Command) bool {
	switch c.Code {
	case isa.SetIFMStrideX, isa.SetIFMStrideY, isa.SetIFMStrideC, isa.SetIFM2StrideX, isa.SetIFM2StrideY, isa.SetIFM2StrideC,
		isa.SetOFMStrideX, isa.SetOFMStrideY, isa.SetOFMStrideC, isa.SetDMA0Skip0, isa.SetDMA0Skip1, isa.SetDMA0DstStride0, isa.SetDMA0DstStride1:
		return true
	}
	return false
}

func isScale(c isa.Command) bool {
	return c.Code == isa.SetOFMScale || c.Code == isa.SetOPAScale || c.Code == isa.SetOPBScale
}

func isAddress(c isa.Command) bool {
	return c.Code.HasPayload() && !isLength(c) && !isStride(c) && !isScale(c)
}

func isParameter(c isa.Command) bool { return kindOf(c) == isa.Set }

// changeOne changes one of the commands that fit.
func changeOne(fits func(isa.Command) bool, change func(*rand.Rand, *isa.Command)) func(*rand.Rand, []isa.Command) ([]isa.Command, string) {
	return func(r *rand.Rand, list []isa.Command) ([]isa.Command, string) {
		i := choose(r, list, fits)
		if i < 0 {
			return nil, ""
		}
		out := slices.Clone(list)
		if change(r, &out[i]); out[i] == list[i] {
			return nil, ""
		}
		return out, fmt.Sprintf("command %d %s to %s", i, list[i].Text(), out[i].Text())
	}
}

func drop(r *rand.Rand, list []isa.Command, fits func(isa.Command) bool) ([]isa.Command, string) {
	i := choose(r, list, fits)
	if i < 0 {
		return nil, ""
	}
	return slices.Delete(slices.Clone(list), i, i+1), fmt.Sprintf("without command %d %s", i, list[i].Text())
}

// choose returns the number of a command that fits, or -1.
func choose(r *rand.Rand, list []isa.Command, fits func(isa.Command) bool) int {
	var at []int
	for i, c := range list {
		if fits(c) {
			at = append(at, i)
		}
	}
	if len(at) == 0 {
		return -1
	}
	return at[r.IntN(len(at))]
}
