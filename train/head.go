// SPDX-License-Identifier: Apache-2.0

package train

import (
	"math"
	"slices"

	"github.com/unroll-npu/unroll/train/cell"
	"github.com/unroll-npu/unroll/train/gemm"
	"github.com/unroll-npu/unroll/train/nn"
)

// head is the dense layer over the last state, or over every state, with its
// loss. After forward, out holds logits; loss replaces them by the gradient of
// the mean loss.
type head struct {
	outputs int
	task    nn.Task
	perStep bool

	rows int // of one sequence: 1, or the number of steps
	from int // row of the last layer's output that the first of them takes
	in   cell.Operand
	w    *cell.Matrix
	out  cell.Operand // outputs padded to a panel

	labels  []int32   // of each row of the batch
	targets []float32 // rows of outputs values, for a regression
	weight  []float32 // of each class, mean 1; nil means all 1
	smooth  float64   // label smoothing

	rowLoss []float64 // of each row of the batch
	hit     []bool    // the largest logit is that of the label
	counts  []bool    // the row has a label or target
	scratch []float64 // outputs values a worker could need, one set a sequence
}

func newHead(net *nn.Network, in cell.Operand, length, batch int, forwardOnly bool) *head {
	h := &head{outputs: net.Outputs, task: net.Task, perStep: net.PerStep, rows: 1, in: in}
	if h.perStep {
		h.rows = net.Steps
	} else {
		h.from = length - 1
		h.in.Data = in.Data[h.from*in.Row:]
	}
	rows, cols := batch*h.rows, cell.Pad(h.outputs)
	h.out = cell.Operand{Sequence: h.rows * cols, Row: cols, Width: cols, Data: make([]float32, rows*cols)}
	h.w = cell.NewMatrix(h.in, true, 0, cols, rows, forwardOnly)
	h.rowLoss, h.hit, h.counts = make([]float64, rows), make([]bool, rows), make([]bool, rows)
	h.labels, h.targets = make([]int32, rows), make([]float32, rows*h.outputs)
	h.scratch = make([]float64, batch*h.outputs)
	if !forwardOnly {
		h.w.NeedTranspose(in.Width)
	}
	return h
}

func (h *head) forward(first, after int) {
	for b := first; b < after; b++ {
		h.w.Mul(h.rows, h.in.At(b, 0), h.in.Row, 0, h.w.Cols/gemm.Width, h.out.At(b, 0), h.out.Row, false)
	}
}

// loss fills rowLoss and hit and turns out into gradients for a batch of n
// sequences.
func (h *head) loss(first, after, n int) {
	for b := first; b < after; b++ {
		for t := range h.rows {
			row := b*h.rows + t
			out := h.out.At(b, t)[:h.outputs]
			scale := 1 / float64(n*h.rows)
			if h.counts[row] = h.counted(row); !h.counts[row] {
				clear(out)
				h.rowLoss[row], h.hit[row] = 0, false
				continue
			}
			if h.task == nn.Regression {
				h.rowLoss[row] = squares(out, h.targets[row*h.outputs:], scale)
				continue
			}
			label := int(h.labels[row])
			h.hit[row] = largest(out) == label
			w := 1.0
			if h.weight != nil {
				w = float64(h.weight[label])
			}
			h.rowLoss[row] = w * crossEntropy(out, label, h.smooth, scale*w, h.scratch[b*h.outputs:][:h.outputs])
		}
	}
}

// counted reports whether a row has a label or target.
func (h *head) counted(row int) bool {
	if h.task == nn.Regression {
		return !slices.ContainsFunc(h.targets[row*h.outputs:(row+1)*h.outputs], func(v float32) bool { return v != v })
	}
	return h.labels[row] >= 0
}

// crossEntropy returns the cross entropy of the softmax of the logits and turns
// them into its gradient times scale. The target is 1-smooth on the label plus
// smooth spread evenly.
func crossEntropy(logits []float32, label int, smooth, scale float64, p []float64) float64 {
	top := logits[0]
	for _, v := range logits[1:] {
		top = max(top, v)
	}
	sum := 0.0
	for j, v := range logits {
		p[j] = math.Exp(float64(v - top))
		sum += p[j]
	}
	logSum := math.Log(sum)
	even := smooth / float64(len(logits))
	loss := 0.0
	for j, v := range logits {
		target := even
		if j == label {
			target += 1 - smooth
		}
		loss -= float64(target * (float64(v-top) - logSum))
		logits[j] = float32((p[j]/sum - target) * scale)
	}
	return loss
}

// squares returns the mean squared error of one row and turns the outputs into
// its gradient times scale.
func squares(out, target []float32, scale float64) float64 {
	sum := 0.0
	for j, v := range out {
		d := float64(v) - float64(target[j])
		sum += float64(d * d)
		out[j] = float32(2 * d * scale / float64(len(out)))
	}
	return sum / float64(len(out))
}

// largest returns the index of the first largest value.
func largest(v []float32) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}

// backward writes the gradients of what the head takes into those of the last layer's
// output.
func (h *head) backward(to cell.Operand, first, after int) {
	for b := first; b < after; b++ {
		if !h.perStep {
			clearRows(to, b, h.from+1)
		}
		h.w.MulTransposed(h.rows, h.out.At(b, 0), h.out.Row, to.At(b, h.from), max(to.Row, to.Width), false)
		for t := range h.rows {
			h.w.Columns.SetRow(b*h.rows+t, h.in.At(b, t)[:h.w.Inner])
		}
	}
}
