// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// beside is what a stage says beside its stream: the operations by name, and where the
// tensors lie. A stream that does something else is wrong, or what is said of it.
type beside struct {
	ops    []ethosu.OpInfo
	places map[string][]ethosu.Placement
	all    []ethosu.Placement
	found  map[isa.Span]int // the one of all that held a weight or scale stream last
}

func besideOf(s *ethosu.Stage) *beside {
	if len(s.Ops) == 0 {
		return nil // another compiler's stream
	}
	b := &beside{ops: s.Ops, places: map[string][]ethosu.Placement{}, all: s.Map, found: map[isa.Span]int{}}
	for _, p := range s.Map {
		b.places[p.Name] = append(b.places[p.Name], p)
	}
	return b
}

// asSaid checks an operation against what the stage says of it.
func (c *checker) asSaid(o *isa.Operation) {
	b := c.beside
	if b == nil {
		return
	}
	if o.Index >= len(b.ops) || b.ops[o.Index].Word != o.Word {
		c.report(RuleProgram, "the list of operations has none at this word: it is not the list of this stream")
		c.beside = nil
		return
	}
	op := &b.ops[o.Index]
	if o.Product == isa.U85 {
		c.asSaidU85(o, op)
		return
	}
	if o.IsDMA() {
		d := o.DMA()
		if d.SrcStride == 0 && !d.SrcInternal {
			c.lies("source", []string{op.IFM}, o.Index, isa.Span{Region: d.SrcRegion, Start: int64(d.Src), End: int64(d.Src + d.Length)})
		}
		if d.DstStride == 0 && !d.DstInternal {
			c.lies("destination", []string{op.OFM}, o.Index, isa.Span{Region: d.DstRegion, Start: int64(d.Dst), End: int64(d.Dst + d.Length)})
		}
		return
	}
	ifm, ofm := o.IFM(), o.OFM()
	if o.HasIFM2() {
		ifm2 := o.IFM2()
		c.lies("IFM", []string{op.IFM}, o.Index, ifm.Spans()...)
		c.lies("IFM2", []string{op.IFM2}, o.Index, ifm2.Spans()...)
	} else {
		// A sum by pooling reads both operands as tiles of one map.
		c.lies("IFM", []string{op.IFM, op.IFM2}, o.Index, ifm.Spans()...)
	}
	c.lies("OFM", []string{op.OFM}, o.Index, ofm.Spans()...)
}

// lies checks that bytes are part of the tensors that they are said to be of.
func (c *checker) lies(which string, names []string, index int, spans ...isa.Span) {
	var places []ethosu.Placement
	for _, n := range names {
		if n != "" {
			places = append(places, c.beside.places[n]...)
		}
	}
	if len(places) == 0 {
		return
	}
	for _, s := range spans {
		if !holds(places, index, s) {
			c.report(RuleProgram, "the %s is bytes %d to %d of region %d, expected a part of tensor %q, bytes %d to %d of region %d, which is alive from operation %d to %d",
				which, s.Start, s.End, s.Region, places[0].Name, places[0].Offset, places[0].Offset+places[0].Size, places[0].Region, places[0].First, places[0].Last)
			return
		}
	}
}

// holds reports whether one of the tensors that are alive at an operation holds a span.
func holds(places []ethosu.Placement, index int, s isa.Span) bool {
	for i := range places {
		if has(&places[i], index, s) {
			return true
		}
	}
	return false
}

// has reports whether a tensor is alive at an operation and holds a span.
func has(p *ethosu.Placement, index int, s isa.Span) bool {
	return p.First <= index && index <= p.Last && s.Region == p.Region && s.Start >= int64(p.Offset) && s.End <= int64(p.Offset+p.Size)
}

// resident checks that a weight or scale stream is one of the things that are said to lie
// in memory then.
func (c *checker) resident(what string, index int, s isa.Span) {
	b := c.beside
	if b == nil || s.End <= s.Start {
		return
	}
	// The steps of a network read the same streams.
	if at, ok := b.found[s]; ok && has(&b.all[at], index, s) {
		return
	}
	at := slices.IndexFunc(b.all, func(p ethosu.Placement) bool { return has(&p, index, s) })
	if at < 0 {
		c.report(RuleProgram, "the %s is bytes %d to %d of region %d, which no tensor holds at operation %d", what, s.Start, s.End, s.Region, index)
		return
	}
	b.found[s] = at
}
