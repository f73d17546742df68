// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/train/nn"
)

// LabelledSequences are calls with what is right for each sequence.
type LabelledSequences interface {
	Sequences
	Sample(i int, dst []float32)
	Label(i int) int
}

// Truth says how the labels of sequences are meant.
type Truth struct {
	Task    nn.Task
	Outputs int // classes, or numbers to predict
	Steps   int // of a sequence
	PerStep bool
	Classes []string

	// Threshold is the value of a single output from which on it names the second of
	// two classes.
	Threshold float32
}

// Fits returns nil where an output can be judged by the truth, else an error that says what
// does not fit.
func (t Truth) Fits(output *graph.Tensor) error {
	_, _, err := t.row(output)
	return err
}

// rows is how many decisions, or rows of numbers, a sequence has.
func (t Truth) rows() int {
	if t.PerStep {
		return t.Steps
	}
	return 1
}

// row returns how many values of an output are one decision, or one row of numbers, and
// whether that is the single value of a detector. Values of several outputs are not those of
// several steps: what is one row has to show.
func (t Truth) row(output *graph.Tensor) (width int, single bool, err error) {
	shape, size := output.Shape, output.Elems()
	width = t.Outputs
	if t.Task == nn.Classification && width == 2 && !endsIn(shape, 2) {
		width, single = 1, true
	}
	squeezed := width == 1 && t.PerStep && (size == t.Steps || size == 1)
	if endsIn(shape, width) || squeezed {
		return width, single, nil
	}
	what := "classes"
	if t.Task == nn.Regression {
		what = "numbers to predict"
	}
	return 0, false, fmt.Errorf("output %q has shape %v, and does not end in as many values as the data has %s, %d: give labels of what the output holds, or arrays of inputs without labels", output.Name, shape, what, t.Outputs)
}

// Compare evaluates the float and the quantized graph on labelled sequences, by the
// first data output: its last values of a sequence, or all of them with PerStep.
func (r *GraphResult) Compare(ctx context.Context, calls LabelledSequences, truth Truth) (*Evaluation, error) {
	id := dataOutputs(r.Float)[0]
	size := r.Float.Tensors[id].Elems()
	net := &nn.Network{Task: truth.Task, Outputs: truth.Outputs, Steps: truth.Steps, PerStep: truth.PerStep, Classes: truth.Classes}
	rows := truth.rows()
	width, single, err := truth.row(r.Float.Tensors[id])
	if err != nil {
		return nil, err
	}
	for i := range calls.Len() {
		if have := calls.Calls(i) * size; have < rows*width {
			return nil, fmt.Errorf("output %q has shape %v: %d values a sequence, but the data has %d classes or targets for %d decisions",
				r.Float.Tensors[id].Name, r.Float.Tensors[id].Shape, have, truth.Outputs, rows)
		}
	}
	float, err := calibrate.TraceSequences(r.Float, id, calls)
	if err != nil {
		return nil, err
	}
	quantized, err := r.Run(ctx, calls)
	if err != nil {
		return nil, err
	}
	score := func(all []float32) Score {
		s := Score{}
		at := 0
		for i := range calls.Len() {
			n := calls.Calls(i) * size
			row := all[at+n-rows*width : at+n]
			if single {
				both := make([]float32, 0, 2*len(row))
				for _, v := range row {
					both = append(both, truth.Threshold-v, v-truth.Threshold)
				}
				row = both
			}
			s.Outputs = append(s.Outputs, row)
			at += n
		}
		s.count(net, calls)
		return s
	}
	e := &Evaluation{Sequences: calls.Len(), Changed: []int{}}
	e.Scores.Float, e.Scores.Quantized = score(float), score(quantized[0])
	e.Float, e.Quantized = e.Scores.Float.Metrics(truth.Classes), e.Scores.Quantized.Metrics(truth.Classes)
	e.OutputRMSE, e.OutputRMSEEach = e.Scores.Float.RMSE(e.Scores.Quantized), e.Scores.Float.rmseEach(e.Scores.Quantized)
	e.changes(truth.Task)
	return e, nil
}

// Encode returns the quantized graph as a .tflite file that carries the facts.
func (r *GraphResult) Encode(f *facts.Facts) ([]byte, error) {
	b, err := f.Encode()
	if err != nil {
		return nil, err
	}
	return tflite.WriteModel(&tflite.Model{Graph: r.Int8, Metadata: []tflite.Metadata{{Name: facts.Metadata, Data: b}}})
}

// endsIn reports whether the last dimensions of a shape hold so many values together: one row
// of a decision or of numbers.
func endsIn(shape []int, values int) bool {
	row := 1
	for i := len(shape) - 1; i >= 0 && row < values; i-- {
		row *= shape[i]
	}
	return row == values && (values > 1 || len(shape) == 0 || shape[len(shape)-1] == 1)
}
