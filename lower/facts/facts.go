// SPDX-License-Identifier: Apache-2.0

package facts

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"github.com/unroll-npu/unroll/lower/audio"
)

// Metadata is the name of the facts among a file's metadata.
const Metadata = "unroll_facts"

// Tasks of a network.
const (
	Classification = "classification"
	Detection      = "detection"
	Regression     = "regression"
)

// Facts of a network. Every field may be absent: unknown is not zero.
type Facts struct {
	Task    string   `json:"task,omitempty"`
	Classes []string `json:"classes,omitempty"` // names of the first output's elements

	// Steps is the length of the sequences that the network was trained on, PerStep
	// says that it decides at each of them.
	Steps   int  `json:"steps,omitempty"`
	PerStep bool `json:"per_step,omitempty"`

	// Windows is how many windows a call computes, one after the other in the first dimension of
	// every input, state and output; 0 or 1 is one. What else is said here is said of one.
	Windows int `json:"windows,omitempty"`

	// Mean and Std standardize the raw features of the first input before it is
	// quantized: (x-Mean)/Std, an entry for each element of its last dimension.
	Mean []float32 `json:"mean,omitempty"`
	Std  []float32 `json:"std,omitempty"`

	// Audio says how the samples of a recording become the raw features of the first input;
	// nil where they are not made of sound.
	Audio *audio.Parameters `json:"audio,omitempty"`

	// Detector says how decisions of calls without end become alarms; nil where that was not
	// asked for.
	Detector *Detector `json:"detector,omitempty"`

	Data        *Data        `json:"data,omitempty"`        // that it was trained on
	Calibration *Calibration `json:"calibration,omitempty"` // that it was quantized by

	// Figures are what was measured on the test part, by name: loss, float_accuracy,
	// quantized_accuracy, accuracy_carried, rmse, r2.
	Figures map[string]float64 `json:"figures,omitempty"`

	// Assumed are sentences on what the network's file did not say.
	Assumed []string `json:"assumed,omitempty"`
}

// Data says which data set a network was trained on, as the user named it, and how it was
// read and divided.
type Data struct {
	Source         string   `json:"source"`           // digits, stream, mnist, or a path as it was given
	SHA256         string   `json:"sha256,omitempty"` // of the training part's values and labels, hex
	Whole          string   `json:"whole,omitempty"`  // of all sequences, however they are divided, hex
	Seed           uint64   `json:"seed"`             // of the division into parts
	Test           float64  `json:"test,omitempty"`   // fraction set aside where the files have no test part
	Regression     bool     `json:"regression,omitempty"`
	SequenceColumn string   `json:"sequence_column,omitempty"`
	Label          string   `json:"label_column,omitempty"`
	Columns        []string `json:"columns,omitempty"` // names of the features
	Standardize    bool     `json:"standardize,omitempty"`

	// How parts are divided where not as is usual for the data, the columns that say what
	// sequences belong to, that are features and that are not, what is done with empty
	// cells, and the steps that sequences are brought to.
	By           string   `json:"divided_by,omitempty"`
	Group        string   `json:"group_column,omitempty"`
	Features     []string `json:"features,omitempty"`
	Ignore       []string `json:"ignore,omitempty"`
	Empty        string   `json:"empty,omitempty"`
	Length       int      `json:"length,omitempty"`
	RowSequences bool     `json:"row_sequences,omitempty"`
	IgnoreLabel  string   `json:"ignore_label,omitempty"`
	Split        string   `json:"split_column,omitempty"` // says which part a sequence is in
	Layout       string   `json:"layout,omitempty"`       // order of dimensions of samples in arrays
	FirstLabel   int      `json:"first_label,omitempty"`  // the number that arrays have for class 0

	// Of recordings: their features as they were asked for, the rate that they were brought
	// to, and where labels, groups and the test part come from.
	Sound        string `json:"sound,omitempty"`
	Resample     int    `json:"resample,omitempty"`
	Channel      string `json:"channel,omitempty"` // what is taken of several
	List         string `json:"list,omitempty"`
	TestList     string `json:"test_list,omitempty"`
	LabelPattern string `json:"label_pattern,omitempty"`
	GroupPattern string `json:"group_pattern,omitempty"`

	Validation float64 `json:"validation,omitempty"` // fraction of the training part that was kept back

	// OwnValidation says that the files have a validation part, which was kept back.
	OwnValidation bool `json:"own_validation,omitempty"`
}

// Detector is a smoothing of probabilities over calls with a threshold, see package detect.
type Detector struct {
	Background int     `json:"background"` // the class that is no alarm
	Smooth     int     `json:"smooth"`     // calls that are averaged
	Threshold  float64 `json:"threshold"`  // of the average, 0 to 1
	Seconds    float64 `json:"seconds"`    // from call to call
}

// maxSmooth bounds the calls that a detector averages: their outputs are kept in memory.
const maxSmooth = 256

// check reports what a detector of so many classes cannot be.
func (d *Detector) check(classes int) error {
	if d == nil {
		return nil
	}
	if d.Background < 0 || d.Background >= classes || d.Smooth < 1 || d.Smooth > maxSmooth || !(d.Threshold > 0 && d.Threshold <= 1) || !(d.Seconds > 0) || math.IsInf(d.Seconds, 0) {
		return fmt.Errorf("the detector has background %d of %d classes, averages %d calls, threshold %v, %v s from call to call: out of range", d.Background, classes, d.Smooth, d.Threshold, d.Seconds)
	}
	return nil
}

// Calibration says which sequences decided the ranges.
type Calibration struct {
	Source    string `json:"source,omitempty"`
	Sequences int    `json:"sequences"`
	SHA256    string `json:"sha256"` // of their values as the network takes them, hex
}

// Measured notes figures of the test part by name, to four significant digits: what comes
// after them may differ from machine to machine, and files should not. Figures that are
// not finite are left out. Nothing is noted where there are no facts.
func (f *Facts) Measured(figures map[string]float64) {
	if f == nil {
		return
	}
	for name, v := range figures {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			continue
		}
		if f.Figures == nil {
			f.Figures = map[string]float64{}
		}
		rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'g', 4, 64), 64)
		if err != nil {
			panic(fmt.Sprintf("BUG: %v does not survive its own text: %v", v, err))
		}
		f.Figures[name] = rounded
	}
}

// Encode returns the facts as they stand in a file. The bytes depend on f alone.
func (f *Facts) Encode() ([]byte, error) { return json.Marshal(f) }

// Decode reads facts. file says in errors where they came from; b may end in zero bytes.
// No facts are nil.
func Decode(file string, b []byte) (*Facts, error) {
	b = bytes.TrimRight(b, "\x00")
	if len(b) == 0 {
		return nil, nil
	}
	f := &Facts{}
	if err := json.Unmarshal(b, f); err != nil {
		return nil, fmt.Errorf("%s: metadata %s: %w", file, Metadata, err)
	}
	if err := f.check(); err != nil {
		return nil, fmt.Errorf("%s: metadata %s: %w", file, Metadata, err)
	}
	return f, nil
}

// maxWindows bounds the windows of a call, as package batch does.
const maxWindows = 64

// OfWindows returns what is known of the network with n windows a call, and what such a call
// does not have: functions that take samples of one microphone or detect events in one stream.
func (f *Facts) OfWindows(n int) (many *Facts, lost []string) {
	c := *f
	if c.Windows = n; c.Audio != nil {
		c.Audio, lost = nil, append(lost, "samples of a microphone")
	}
	if c.Detector != nil {
		c.Detector, lost = nil, append(lost, "alarms")
	}
	return &c, lost
}

func (f *Facts) check() error {
	switch f.Task {
	case "", Classification, Detection, Regression:
	default:
		return fmt.Errorf("task is %q, expected %s, %s or %s", f.Task, Classification, Detection, Regression)
	}
	if len(f.Mean) != len(f.Std) {
		return fmt.Errorf("%d means and %d deviations, expected as many", len(f.Mean), len(f.Std))
	}
	for i, s := range f.Std {
		if m := float64(f.Mean[i]); !(s > 0) || math.IsInf(float64(s), 0) || math.IsNaN(m) || math.IsInf(m, 0) {
			return fmt.Errorf("feature %d has mean %v and deviation %v, expected finite numbers and a deviation above 0", i, f.Mean[i], s)
		}
	}
	if f.Audio != nil {
		if err := f.Audio.Check(); err != nil {
			return err
		}
		if f.Mean != nil && len(f.Mean) != f.Audio.Features() {
			return fmt.Errorf("%d means for %d features of sound", len(f.Mean), f.Audio.Features())
		}
	}
	if f.Windows < 0 || f.Windows > maxWindows {
		return fmt.Errorf("%d windows a call, expected at most %d", f.Windows, maxWindows)
	}
	if f.Steps < 0 {
		return fmt.Errorf("%d steps, expected 0 or more", f.Steps)
	}
	return f.Detector.check(len(f.Classes))
}

// Standardize applies the facts to real rows of the first input, in place. Without
// constants the rows stay as they are.
func (f *Facts) Standardize(x []float32) {
	if f == nil || f.Mean == nil {
		return
	}
	for i := range x {
		c := i % len(f.Mean)
		x[i] = (x[i] - f.Mean[c]) / f.Std[c]
	}
}

// Fits reports why the standardization is not for an input of the given features.
func (f *Facts) Fits(features int) error {
	if f == nil || f.Mean == nil || len(f.Mean) == features {
		return nil
	}
	return fmt.Errorf("the file standardizes %d features, but its first input has %d", len(f.Mean), features)
}
