// SPDX-License-Identifier: Apache-2.0

package lower

import (
	"math"
	"slices"

	"github.com/unroll-npu/unroll/train/nn"
)

// Metrics are what a score amounts to. Figures that the task or the data does not have
// are nil, as is a ratio of nothing to nothing. The JSON form is stable.
type Metrics struct {
	Decisions int `json:"decisions"`

	// Of a classification.
	Accuracy  *float64       `json:"accuracy,omitempty"`          // fraction of right decisions
	Majority  *float64       `json:"majority_baseline,omitempty"` // what naming the most frequent class always gets
	Confusion [][]int        `json:"confusion,omitempty"`         // decisions by right class (row) and named class
	Classes   []ClassMetrics `json:"classes,omitempty"`

	// Of numbers, in the units of the targets.
	RMSE    *float64        `json:"rmse,omitempty"`
	R2      *float64        `json:"r2,omitempty"` // 1 is perfect, 0 no better than each output's mean
	Outputs []OutputMetrics `json:"outputs,omitempty"`
}

// ClassMetrics are those of one class.
type ClassMetrics struct {
	Name      string   `json:"name,omitempty"`
	Support   int      `json:"support"` // decisions that should name it
	Recall    *float64 `json:"recall"`
	Precision *float64 `json:"precision"`
	F1        *float64 `json:"f1"`
}

// OutputMetrics are those of one output of a regression.
type OutputMetrics struct {
	RMSE float64  `json:"rmse"`
	MAE  float64  `json:"mae"`
	Bias float64  `json:"bias"` // mean of output less target
	R2   *float64 `json:"r2"`
}

// Metrics judges a score. classes names the classes; it may be nil.
func (s Score) Metrics(classes []string) Metrics {
	m := Metrics{Decisions: s.Count}
	switch {
	case s.Count == 0:
	case s.Labels != nil:
		m.classify(s, classes)
	case s.Targets != nil:
		m.regress(s)
	}
	return m
}

func (m *Metrics) classify(s Score, names []string) {
	k := len(s.Outputs[0])
	m.Confusion = make([][]int, k)
	for i := range m.Confusion {
		m.Confusion[i] = make([]int, k)
	}
	for i, out := range s.Outputs {
		m.Confusion[s.Labels[i]][argmax(out)]++
	}
	m.Accuracy = ratio(s.Correct, s.Count)
	most := 0
	for c, row := range m.Confusion {
		cm := ClassMetrics{}
		if c < len(names) {
			cm.Name = names[c]
		}
		named := 0
		for r := range m.Confusion {
			named += m.Confusion[r][c]
			cm.Support += row[r]
		}
		hits := row[c]
		cm.Recall, cm.Precision, cm.F1 = ratio(hits, cm.Support), ratio(hits, named), ratio(2*hits, cm.Support+named)
		most = max(most, cm.Support)
		m.Classes = append(m.Classes, cm)
	}
	m.Majority = ratio(most, s.Count)
}

func (m *Metrics) regress(s Score) {
	var error2, spread2 float64
	n := float64(s.Count)
	for k := range s.Targets[0] {
		var o OutputMetrics
		var spread deviation
		sum2 := 0.0
		for i, out := range s.Outputs {
			target := s.Targets[i][k]
			d := float64(out[k]) - float64(target)
			o.MAE += math.Abs(d) / n
			o.Bias += d / n
			sum2 += float64(d * d)
			spread.see([]float32{target})
		}
		o.RMSE, o.R2 = math.Sqrt(sum2/n), determination(sum2, spread.total())
		error2 += sum2
		spread2 += spread.total()
		m.Outputs = append(m.Outputs, o)
	}
	rmse := math.Sqrt(error2 / (n * float64(len(m.Outputs))))
	m.RMSE, m.R2 = &rmse, determination(error2, spread2)
}

// ratio returns a/b, nil for nothing of nothing.
func ratio(a, b int) *float64 {
	if b == 0 {
		return nil
	}
	v := float64(a) / float64(b)
	return &v
}

// determination returns R² of a sum of squared errors and one of squared deviations from
// the mean, nil where nothing deviates.
func determination(errors, deviations float64) *float64 {
	if deviations == 0 {
		return nil
	}
	v := 1 - errors/deviations
	return &v
}

// deviation sums the squared deviations of vectors from their mean, by Welford's update.
type deviation struct {
	n    int
	mean []float64
	sum  []float64
}

func (d *deviation) see(v []float32) {
	if d.mean == nil {
		d.mean, d.sum = make([]float64, len(v)), make([]float64, len(v))
	}
	d.n++
	for i, x := range v {
		off := float64(x) - d.mean[i]
		d.mean[i] += off / float64(d.n)
		d.sum[i] += float64(off * (float64(x) - d.mean[i]))
	}
}

func (d *deviation) total() float64 {
	t := 0.0
	for _, s := range d.sum {
		t += s
	}
	return t
}

// targets is what a set with numbers to predict offers: one row of outputs for each
// sequence, or one for each of its steps.
type targets interface{ Target(i int, dst []float32) }

// aim fills in the targets of a regression's decisions.
func (s *Score) aim(net *nn.Network, set Samples) {
	known, ok := set.(targets)
	if net.Task != nn.Regression || !ok {
		return
	}
	rows := 1
	if net.PerStep {
		rows = net.Steps
	}
	all, of, kept := make([]float32, rows*net.Outputs), -1, 0
	for i, sequence := range s.Sequence {
		if sequence != of {
			known.Target(sequence, all)
			of = sequence
		}
		at := 0
		if net.PerStep {
			at = s.Step[i] * net.Outputs
		}
		row := all[at : at+net.Outputs]
		if slices.ContainsFunc(row, func(v float32) bool { return v != v }) {
			continue // padding, or a step without a target
		}
		s.Targets = append(s.Targets, slices.Clone(row))
		s.Outputs[kept], s.Sequence[kept], s.Step[kept] = s.Outputs[i], sequence, s.Step[i]
		kept++
	}
	s.Outputs, s.Sequence, s.Step, s.Count = s.Outputs[:kept], s.Sequence[:kept], s.Step[:kept], kept
}
