// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// asSaidU85 checks an operation of the U85 against what the stage says of it.
func (c *checker) asSaidU85(o *isa.Operation, op *ethosu.OpInfo) {
	if o.IsDMA() {
		d := o.DMAU85()
		if d.Mode > 0 || d.Gather || d.Scatter {
			return
		}
		if !d.SrcInternal {
			c.lies("source", []string{op.IFM}, o.Index, isa.Span{Region: d.SrcRegion, Start: int64(d.Src), End: int64(d.Src + d.Length)})
		}
		if !d.DstInternal {
			c.lies("destination", []string{op.OFM}, o.Index, isa.Span{Region: d.DstRegion, Start: int64(d.Dst), End: int64(d.Dst + d.Length)})
		}
		return
	}
	k := &kernelU85{KernelU85: o.KernelU85()}
	for _, m := range k.inputs() {
		names := []string{op.IFM}
		switch {
		case k.HasIFM2() && m.which == "IFM2":
			names = []string{op.IFM2}
		case !k.HasIFM2(): // a sum by pooling reads both operands as tiles of one map
			names = []string{op.IFM, op.IFM2}
		}
		c.lies(m.which, names, o.Index, m.f.Spans()...)
	}
	written := k.Written()
	c.lies("OFM", []string{op.OFM}, o.Index, written.Spans()...)
}
