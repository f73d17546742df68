// SPDX-License-Identifier: Apache-2.0

package sim

import "github.com/unroll-npu/unroll/ethosu/isa"

// jobU85 is how an operation of the U85 cuts its inputs and its output. Of an output that
// is turned, of the input of RESIZE and of weights that are a feature map every block
// counts as the whole.
func (b *builder) jobU85(p *blockPlan, k *kernelU85, written *isa.FeatureMap, two bool) *job {
	j := &job{dep: k.Dep, block: isa.Block{H: k.H, W: k.W, D: k.D}, kernel: k.Window, factor: k.Factor(), ofm: p.ofm.FeatureMap,
		reserved: true, elementwise: k.Op == isa.OpElementwise}
	if p.ofm.Region == turnRegion {
		j.written = written.Spans()
	}
	j.ifm = p.ifm.FeatureMap
	switch {
	case k.Op == isa.OpResize, k.MatMul:
		j.read = append(p.ifm.Spans(), p.ifm2.Spans()...)
	case k.passes():
		j.ifm = p.ifm2.FeatureMap
	default:
		j.ifm2, j.two = p.ifm2.FeatureMap, two
	}
	if k.SumsDepth() {
		if m := microblock(b.accel, k.Acc.Micro); m != nil {
			j.depth = min(b.inputDepth(k, m), k.IFM.C)
		}
	}
	return j
}
