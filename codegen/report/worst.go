// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/lower"
)

// Sample is a sequence of the test part that the quantized network does badly on.
type Sample struct {
	Sequence int     `json:"sequence"`
	Step     int     `json:"step"`       // of the decision, -1: of the sequence
	Label    int     `json:"label"`      // the right class
	Named    int     `json:"named"`      // by the quantized network
	Float    int     `json:"float"`      // named by the float network
	Sure     float64 `json:"confidence"` // output of the class that was named
	Right    float64 `json:"right"`      // output of the right class
	Steps    int     `json:"steps"`      // of Values
	Features int     `json:"features"`
	Values   []byte  `json:"values"` // the input from its smallest to its largest value, row by row
}

// mostWorst is the number of samples in a report, mostValues bounds the picture of each.
const (
	mostWorst  = 12
	mostValues = 4096
)

// Samples is a test part as Worst looks at it.
type Samples interface {
	Len() int
	Sample(i int, dst []float32)
}

// Worst picks the sequences of a classification that are named wrong with the largest
// output, in order; nil where all are right.
func Worst(e *lower.Evaluation, set Samples, steps, features int) []Sample {
	q, f := &e.Scores.Quantized, &e.Scores.Float
	if len(q.Labels) == 0 || e.Sequences == 0 {
		return nil
	}
	per := len(q.Labels) / e.Sequences
	var list []Sample
	for i, label := range q.Labels {
		named := argmax(q.Outputs[i])
		if named == label || label < 0 || label >= len(q.Outputs[i]) {
			continue
		}
		s := Sample{Sequence: i / per, Step: -1, Label: label, Named: named, Float: argmax(f.Outputs[i]),
			Sure: float64(q.Outputs[i][named]), Right: float64(q.Outputs[i][label])}
		if per > 1 {
			s.Step = i % per
		}
		list = append(list, s)
	}
	slices.SortStableFunc(list, func(a, b Sample) int { return cmp.Compare(b.Sure-b.Right, a.Sure-a.Right) })
	list = list[:min(len(list), mostWorst)]
	row := make([]float32, steps*features)
	for i := range list {
		set.Sample(list[i].Sequence, row)
		list[i].picture(row, steps, features)
	}
	return list
}

// picture keeps every n-th step or feature where there are too many to draw.
func (s *Sample) picture(row []float32, steps, features int) {
	every, each := 1, 1
	for (steps+every-1)/every*((features+each-1)/each) > mostValues {
		if steps/every >= features/each {
			every++
		} else {
			each++
		}
	}
	lo, hi := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range row {
		lo, hi = min(lo, v), max(hi, v)
	}
	scale := float32(0)
	if hi > lo {
		scale = 255 / (hi - lo)
	}
	for t := 0; t < steps; t += every {
		s.Steps++
		for k := 0; k < features; k += each {
			v := float32((row[t*features+k] - lo) * scale)
			s.Values = append(s.Values, byte(min(max(v+0.5, 0), 255)))
		}
	}
	s.Features = (features + each - 1) / each
}

func argmax(v []float32) int {
	best := 0
	for i, x := range v {
		if x > v[best] {
			best = i
		}
	}
	return best
}
