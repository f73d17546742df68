package train

import (
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// place says where one gate block of Keras' matrices lies in the panels: block
// numbers within w, and within u or v.
type place struct {
	w         int
	recurrent *matrix
	r         int
}

// places returns the place of every gate in Keras' order.
func (l *layer) places() []place {
	switch {
	case l.cell == nn.GRU && l.resetAfter: // Keras z, r, h; ours n, z, r and z, r, hn
		return []place{{1, l.u, 0}, {2, l.u, 1}, {0, l.u, 2}}
	case l.cell == nn.GRU:
		return []place{{1, l.u, 0}, {2, l.u, 1}, {0, l.v, 0}}
	case l.cell == nn.LSTM:
		return []place{{0, l.u, 0}, {1, l.u, 1}, {2, l.u, 2}, {3, l.u, 3}}
	}
	return []place{{0, l.u, 0}}
}

// each visits every real weight of the layer together with its place in the
// panel array pick returns: the way into the panels and out of them.
func (l *layer) each(k *nn.Layer, pick func(*matrix) []float32, visit func(keras, panels *float32)) {
	cols := k.Cell.Gates() * k.Units
	features := k.Features
	for gate, at := range l.places() {
		for j := range k.Units {
			col, kcol := at.w*l.n+j, gate*k.Units+j
			r := at.r*l.n + j
			for i := range features {
				visit(&k.Kernel[i*cols+kcol], element(l.w, pick(l.w), i, col))
			}
			visit(&k.Bias[kcol], element(l.w, pick(l.w), l.w.inner-1, col))
			for i := range k.Units {
				visit(&k.Recurrent[i*cols+kcol], element(at.recurrent, pick(at.recurrent), i, r))
			}
			if l.cell == nn.GRU && l.resetAfter {
				visit(&k.Bias[cols+kcol], element(l.u, pick(l.u), l.u.inner-1, r))
			}
		}
	}
}

func (h *head) each(k *nn.Network, pick func(*matrix) []float32, visit func(keras, panels *float32)) {
	units := len(k.HeadKernel) / k.Outputs
	for j := range k.Outputs {
		for i := range units {
			visit(&k.HeadKernel[i*k.Outputs+j], element(h.w, pick(h.w), i, j))
		}
		visit(&k.HeadBias[j], element(h.w, pick(h.w), h.w.inner-1, j))
	}
}

// element returns the address of row i, column j of panels shaped like m.
func element(m *matrix, panels []float32, i, j int) *float32 {
	return &panels[(j/gemm.Width*m.inner+i)*gemm.Width+j%gemm.Width]
}

func weights(m *matrix) []float32 { return m.w }

// load takes over the weights of a network of the engine's shape.
func (e *engine) load(net *nn.Network) {
	in := func(keras, panels *float32) { *panels = *keras }
	e.visit(net, weights, in)
	for _, m := range e.matrices() {
		for p := range m.cols / gemm.Width {
			m.transposePanel(p)
		}
	}
}

// store copies an array of the engine's matrices (weights, gradients, moments)
// into the tensors of net.
func (e *engine) store(net *nn.Network, pick func(*matrix) []float32) {
	e.visit(net, pick, func(keras, panels *float32) { *keras = *panels })
}

func (e *engine) visit(net *nn.Network, pick func(*matrix) []float32, f func(keras, panels *float32)) {
	for i, l := range e.layers {
		l.each(&net.Layers[i], pick, f)
	}
	e.head.each(net, pick, f)
}

// shapes describes net layer by layer, as newEngine takes it.
func shapes(net *nn.Network) []shape {
	var all []shape
	for _, l := range net.Layers {
		all = append(all, shape{cell: l.Cell, relu: l.Activation == nn.Relu, resetAfter: l.ResetAfter, units: l.Units,
			steps: net.Steps, features: l.Features, outputs: net.Outputs, task: net.Task, perStep: net.PerStep})
	}
	return all
}

// allocate makes zero tensors of the right sizes for the shapes set in net.
func allocate(net *nn.Network) {
	for i := range net.Layers {
		l := &net.Layers[i]
		cols := l.Cell.Gates() * l.Units
		l.Kernel, l.Recurrent = make([]float32, l.Features*cols), make([]float32, l.Units*cols)
		l.Bias = make([]float32, cols)
		if l.Cell == nn.GRU && l.ResetAfter {
			l.Bias = make([]float32, 2*cols)
		}
	}
	units := net.Layers[len(net.Layers)-1].Units
	net.HeadKernel, net.HeadBias = make([]float32, units*net.Outputs), make([]float32, net.Outputs)
}
