// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/train/nn"
)

// Set is an immutable collection of labelled sequences of one shape. All methods
// are safe for concurrent use.
type Set struct {
	Name     string
	Steps    int // T
	Features int // F
	Outputs  int // K: classes, or target values of a regression
	Task     nn.Task
	PerStep  bool     // a label or target for every step, not one a sequence
	Classes  []string // class names, len K, or nil
	named    bool     // an array names its classes
	first    int      // the number that arrays have for class 0: 1 where their labels begin there
	Columns  []string // names of the features, len F, or nil

	// Origin says where the set comes from, where OpenSource opened it; else nil.
	Origin *facts.Data

	// Mean and Std are the standardization constants of the training part, per
	// feature, or nil. Sample does not apply them: they travel with the network.
	Mean, Std []float32

	// Audio says how the features were made of samples, where the set is of recordings.
	Audio *audio.Parameters

	// Notes are sentences on what was dropped, filled, padded or taken for something when
	// the set was read.
	Notes []string
	// Pad has the features of a step before the first one of a sequence that is shorter
	// than Steps; nil is zeros. Standardize sets it to the means, which a network then
	// takes for zeros.
	Pad []float32

	n       int
	pixels  []uint8   // N*T*F, or nil; the value is pixel/255
	values  []float32 // N*T*F, or nil
	labels  []int32   // N or N*T class numbers; nil for a regression
	targets []float32 // N*K or N*T*K; nil for a classification
	lengths []int32   // N, steps at the end of each sequence that are its own; nil where all are
	groups  []string  // N, what each sequence belongs to, for divisions; or nil
	masked  bool      // some steps have no label or target: noLabel, NaN
	divide  division  // how Split divides
	sounds  []string  // N, the recording of each sequence, with soundsIn their folder; or nil
	index   []int32   // sequence numbers of a subset in the arrays above, or nil
	origin  [2]string // the files of samples and labels, for messages
	held    *Set      // of a training part: the validation part that the files have, or nil

	soundsIn string
	channel  string // what is taken of recordings with several
}

// noLabel is the label of a step that has none.
const noLabel = -1

// unit is pixel/255 for every pixel value.
var unit = func() (u [256]float32) {
	for i := range u {
		u[i] = float32(i) / 255
	}
	return u
}()

// Len returns the number of sequences.
func (s *Set) Len() int { return s.n }

// Source returns where the set comes from, as the user named it, else its name.
func (s *Set) Source() string {
	if s.Origin != nil {
		return s.Origin.Source
	}
	return s.Name
}

func (s *Set) at(i int) int {
	if s.index != nil {
		return int(s.index[i])
	}
	return i
}

// Sample writes sequence i into dst, [Steps][Features] in row-major order.
func (s *Set) Sample(i int, dst []float32) {
	size := s.Steps * s.Features
	if len(dst) != size {
		panic(fmt.Sprintf("BUG: sample of %d values wanted in a buffer of %d", size, len(dst)))
	}
	own := s.Length(i)
	i = s.at(i)
	if s.pixels == nil {
		copy(dst, s.values[i*size:])
	} else {
		for j, p := range s.pixels[i*size : (i+1)*size] {
			dst[j] = unit[p]
		}
	}
	for t := range s.Steps - own {
		row := dst[t*s.Features:][:s.Features]
		clear(row)
		copy(row, s.Pad)
	}
}

// Fullest returns the raw features of n sequences, or of all where there are fewer, as an
// array of the returned shape [sequences Steps Features]: those whose first steps say
// something come first, since nothing is proven by calls of padding or silence, and
// sequences that are alike in this are in the order of the set.
func (s *Set) Fullest(n int) (shape []int, values []float32) {
	n = min(n, s.n)
	size := s.Steps * s.Features
	row, idle, order := make([]float32, size), make([]int, s.n), make([]int, s.n)
	for i := range order {
		s.Sample(i, row)
		order[i] = i
		for t := 1; t < s.Steps && slices.Equal(row[(t-1)*s.Features:t*s.Features], row[t*s.Features:(t+1)*s.Features]); t++ {
			idle[i] = t
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(idle[a], idle[b]) })
	values = make([]float32, n*size)
	for i := range n {
		s.Sample(order[i], values[i*size:(i+1)*size])
	}
	return []int{n, s.Steps, s.Features}, values
}

// Length returns the number of steps of sequence i that are its own: the last ones. Those
// before them are padding.
func (s *Set) Length(i int) int {
	if s.lengths == nil {
		return s.Steps
	}
	return int(s.lengths[s.at(i)])
}

// Group returns what sequence i belongs to, "" where that is not known.
func (s *Set) Group(i int) string {
	if s.groups == nil {
		return ""
	}
	return s.groups[s.at(i)]
}

// Label returns the class of sequence i; with PerStep, that of its last step.
// It is 0 for a regression.
func (s *Set) Label(i int) int {
	if s.labels == nil {
		return 0
	}
	if s.PerStep {
		return s.StepLabel(i, s.Steps-1)
	}
	return int(s.labels[s.at(i)])
}

// StepLabel returns the class of step t of sequence i of a PerStep set, -1 where it has
// none: such steps do not count.
func (s *Set) StepLabel(i, t int) int { return int(s.labels[s.at(i)*s.Steps+t]) }

// Target writes the regression target of sequence i into dst, K values; with
// PerStep, T*K values. Steps without one have NaN: they do not count.
func (s *Set) Target(i int, dst []float32) {
	n := s.Outputs
	if s.PerStep {
		n *= s.Steps
	}
	copy(dst[:n], s.targets[s.at(i)*n:])
}

// Subset returns the sequences with the given numbers, in that order. It shares
// the memory of s, and has no validation part.
func (s *Set) Subset(name string, numbers []int) *Set {
	sub := *s
	sub.Name, sub.n, sub.held = name, len(numbers), nil
	sub.index = make([]int32, len(numbers))
	for i, j := range numbers {
		sub.index[i] = int32(s.at(j))
	}
	return &sub
}

// Counts returns the number of labels of each class, len K.
func (s *Set) Counts() []int {
	c := make([]int, s.Outputs)
	per := 1
	if s.PerStep {
		per = s.Steps
	}
	if s.labels == nil {
		return c
	}
	for i := range s.n {
		for _, l := range s.labels[s.at(i)*per : (s.at(i)+1)*per] {
			if l != noLabel {
				c[l]++
			}
		}
	}
	return c
}

// Judged returns how many labels or targets count: those of the sequences or, with PerStep, of
// their steps.
func (s *Set) Judged() int {
	n := 0
	if s.Task != nn.Regression {
		for _, c := range s.Counts() {
			n += c
		}
		return n
	}
	row := make([]float32, s.Outputs*s.perSequence())
	for i := range s.n {
		s.Target(i, row)
		for t := range slices.Chunk(row, s.Outputs) {
			if !slices.ContainsFunc(t, func(v float32) bool { return v != v }) {
				n++
			}
		}
	}
	return n
}

// Check reports what would keep a network from learning from the set: no
// sequences, a value that is not finite, fewer than two classes in use.
func (s *Set) Check() error {
	if s.n == 0 {
		return fmt.Errorf("%s: the set is empty: at least one sequence is needed", s.Name)
	}
	if err := s.checkValues(); err != nil {
		return err
	}
	if s.Task == nn.Regression {
		return s.checkTargets()
	}
	used, last := 0, 0
	for class, n := range s.Counts() {
		if n > 0 {
			used, last = used+1, class
		}
	}
	if used == 0 {
		return fmt.Errorf("%s: no label of the part to train on counts: all are the one to be ignored, or are behind a mask", s.Name)
	}
	if used < 2 {
		name := strconv.Itoa(last)
		if last < len(s.Classes) {
			name = s.Classes[last]
		}
		return fmt.Errorf("%s: every label of the part to train on is %s: at least two classes with sequences in it are needed to train a classifier", s.Name, name)
	}
	return nil
}

// checkTargets reports that there is nothing to predict.
func (s *Set) checkTargets() error {
	for _, t := range s.targetSpreads() {
		if t.max > t.min {
			return nil
		}
	}
	if s.Judged() == 0 {
		return fmt.Errorf("%s: no number of the part to train on counts: all are empty or behind a mask", s.Name)
	}
	return fmt.Errorf("%s: what is to be predicted is the same number in all of the part to train on: there is nothing to learn", s.Name)
}

// checkValues reports the first value or target that is not finite.
func (s *Set) checkValues() error {
	if err := s.finite(s.values, s.Steps*s.Features, s.origin[0]); err != nil {
		return err
	}
	per := s.Outputs
	if s.PerStep {
		per *= s.Steps
	}
	return s.finite(s.targets, per, s.origin[1])
}

func (s *Set) finite(v []float32, per int, file string) error {
	if file == "" {
		file = s.Name
	}
	targets := len(s.targets) > 0 && len(v) > 0 && &v[0] == &s.targets[0]
	for i, x := range v {
		if f := float64(x); math.IsNaN(f) && !(s.masked && targets) || math.IsInf(f, 0) {
			return fmt.Errorf("%s: %s is %v: every value must be finite; repair or remove the sequence", file, s.place(i, per, targets), x)
		}
	}
	return nil
}

// place says which value of a sequence is number i of all values or targets, per of which are of
// one sequence.
func (s *Set) place(i, per int, targets bool) string {
	width, what, names := s.Features, "feature", s.Columns
	if targets {
		width, what, names = s.Outputs, "output", nil
	}
	at := fmt.Sprintf("sequence %d", i/per)
	if !targets || s.PerStep {
		at += fmt.Sprintf(", step %d", i%per/width)
	}
	if f := i % width; f < len(names) {
		return at + fmt.Sprintf(", feature %q", names[f])
	}
	return at + fmt.Sprintf(", %s %d", what, i%width)
}

// checked returns a set that has just been read, or what is wrong with its values.
func checked(s *Set) (*Set, error) {
	if err := s.checkValues(); err != nil {
		return nil, err
	}
	return s, nil
}
