// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"context"
	"fmt"

	"github.com/unroll-npu/unroll/lower/calibrate"
	"github.com/unroll-npu/unroll/lower/facts"
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

// Compare evaluates the float and the quantized graph on labelled sequences, by the
// first data output: its last values of a sequence, or all of them with PerStep.
func (r *GraphResult) Compare(ctx context.Context, calls LabelledSequences, truth Truth) (*Evaluation, error) {
	id := dataOutputs(r.Float)[0]
	size := r.Float.Tensors[id].Elems()
	net := &nn.Network{Task: truth.Task, Outputs: truth.Outputs, Steps: truth.Steps, PerStep: truth.PerStep, Classes: truth.Classes}
	single := truth.Task == nn.Classification && truth.Outputs == 2 && size%2 == 1
	width := truth.Outputs
	if single {
		width = 1
	}
	rows := 1
	if truth.PerStep {
		rows = truth.Steps
	}
	for i := range calls.Len() {
		if have := calls.Calls(i) * size; size%width != 0 || have < rows*width {
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
