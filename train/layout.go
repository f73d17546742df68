// SPDX-License-Identifier: Apache-2.0

package train

import (
	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

func (h *head) each(k *nn.Network, pick func(*cell.Matrix) []float32, visit func(keras, panels *float32)) {
	units := len(k.HeadKernel) / k.Outputs
	for j := range k.Outputs {
		for i := range units {
			visit(&k.HeadKernel[i*k.Outputs+j], h.w.Element(pick(h.w), i, j))
		}
		visit(&k.HeadBias[j], h.w.Element(pick(h.w), h.w.Inner-1, j))
	}
}

func weights(m *cell.Matrix) []float32 { return m.W }

// load takes over the weights of a network of the engine's shape.
func (e *engine) load(net *nn.Network) {
	in := func(keras, panels *float32) { *panels = *keras }
	e.visit(net, weights, in)
	for _, m := range e.matrices() {
		for p := range m.Cols / gemm.Width {
			m.TransposePanel(p)
		}
	}
}

// store copies an array of the engine's matrices (weights, gradients, moments)
// into the tensors of net.
func (e *engine) store(net *nn.Network, pick func(*cell.Matrix) []float32) {
	e.visit(net, pick, func(keras, panels *float32) { *keras = *panels })
}

func (e *engine) visit(net *nn.Network, pick func(*cell.Matrix) []float32, f func(keras, panels *float32)) {
	for i, u := range e.units {
		if run, ok := u.(*cell.Run); ok {
			run.Each(&net.Layers[i], pick, f)
		}
	}
	e.head.each(net, pick, f)
}
