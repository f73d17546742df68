// SPDX-License-Identifier: Apache-2.0

package finetune

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"math"

	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/npy"
)

// State is a run between two steps: enough to go on with the same result as if it had
// never stopped.
type State struct {
	// Options describes what the result depends on: options, weights and data, the float
	// graph's outputs included, whose last bits the kind of vector kernel decides.
	Options string

	Step  int
	Least float64

	// By the names of constants: their values, Adam's moments, and the values that lost
	// least, which are absent where those at the start did.
	Values, M, V, Best map[string][]float32
}

// fingerprint describes options, weights and data.
func (d *distillation) fingerprint() string {
	h := sha256.New()
	note := func(v []float32) {
		b := make([]byte, 0, 4*len(v))
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
		}
		h.Write(b)
	}
	for _, id := range d.p.order {
		c := d.p.consts[id]
		note(c.value)
		note(c.scales)
	}
	for _, g := range d.p.grids {
		note([]float32{g.step, g.low, g.high})
	}
	for _, t := range []*taught{d.want, d.start} {
		for _, sequences := range t.values {
			for _, v := range sequences {
				note(v)
			}
		}
	}
	return fmt.Sprintf("%d steps of %d windows of %d calls, rate %v, seed %d, %d levels, %d sequences, %s",
		d.Steps, d.Batch, d.Window, d.Rate, d.Seed, d.Levels, d.calls.Len(), hex.EncodeToString(h.Sum(nil)))
}

// save hands the state out.
func (d *distillation) save() error {
	if d.Save == nil {
		return nil
	}
	s := &State{Options: d.print, Step: d.at, Least: d.least, Values: map[string][]float32{}, M: map[string][]float32{}, V: map[string][]float32{}}
	for _, id := range d.trained {
		c := d.p.consts[id]
		n := len(c.value)
		s.Values[c.name], s.M[c.name], s.V[c.name] = c.value, d.m[id][:n], d.v[id][:n]
		if d.best != nil {
			if s.Best == nil {
				s.Best = map[string][]float32{}
			}
			s.Best[c.name] = d.best[id]
		}
	}
	return d.Save(s)
}

// resume puts the run where s was taken.
func (d *distillation) resume(s *State) error {
	if s.Options != d.print {
		return fmt.Errorf("the saved state was made with other options, weights, data or vector kernels, so going on would not give the same result:\n  saved: %s\n  now:   %s", s.Options, d.print)
	}
	if s.Step < 0 || s.Step > d.Steps {
		return fmt.Errorf("the saved state is at step %d of %d", s.Step, d.Steps)
	}
	if s.Best != nil {
		d.best = map[graph.TensorID][]float32{}
	}
	for _, id := range d.trained {
		c := d.p.consts[id]
		for _, part := range []struct {
			from map[string][]float32
			to   []float32
		}{{s.Values, c.value}, {s.M, d.m[id]}, {s.V, d.v[id]}} {
			if len(part.from[c.name]) != len(c.value) {
				return fmt.Errorf("the saved state has %d values for %q, expected %d", len(part.from[c.name]), c.name, len(c.value))
			}
			copy(part.to, part.from[c.name])
		}
		if s.Best == nil {
			continue
		}
		if d.best[id] = s.Best[c.name]; len(d.best[id]) != len(c.value) {
			return fmt.Errorf("the saved state has %d best values for %q, expected %d", len(d.best[id]), c.name, len(c.value))
		}
	}
	d.at, d.least = s.Step, s.Least
	return nil
}

// Names of the arrays of a state's file, and of its parts by constant.
const (
	nameOptions, nameStep, nameLeast = "options", "step", "least"
)

func (s *State) parts() map[string]*map[string][]float32 {
	return map[string]*map[string][]float32{"values:": &s.Values, "m:": &s.M, "v:": &s.V, "best:": &s.Best}
}

// Write writes the state as an NPZ file.
func (s *State) Write(w io.Writer) error {
	arrays := map[string]*npy.Array{
		nameOptions: {Type: "|u1", Shape: []int{len(s.Options)}, Data: []byte(s.Options)},
		nameStep:    {Type: "<i8", Shape: []int{1}, Data: binary.LittleEndian.AppendUint64(nil, uint64(s.Step))},
		nameLeast:   {Type: "<f8", Shape: []int{1}, Data: binary.LittleEndian.AppendUint64(nil, math.Float64bits(s.Least))},
	}
	for prefix, part := range s.parts() {
		for name, v := range *part {
			arrays[prefix+name] = npy.FromFloats([]int{len(v)}, v)
		}
	}
	return npy.WriteArchive(w, arrays)
}

// ReadState reads a state from the bytes of a file; errors name it.
func ReadState(file string, b []byte) (*State, error) {
	arrays, err := npy.ReadArchive(file, bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, err
	}
	for name, kind := range map[string]string{nameOptions: "|u1", nameStep: "<i8", nameLeast: "<f8"} {
		if a := arrays[name]; a == nil || a.Type != kind || name != nameOptions && a.Elements() != 1 {
			return nil, fmt.Errorf("%s: no array %q of type %s: this is no saved state of a fine-tuning", file, name, kind)
		}
	}
	s := &State{Options: string(arrays[nameOptions].Data), Step: int(arrays[nameStep].Int(0)), Least: arrays[nameLeast].Float(0)}
	for prefix, part := range s.parts() {
		for name, a := range arrays {
			if len(name) <= len(prefix) || name[:len(prefix)] != prefix {
				continue
			}
			if a.Type != "<f4" {
				return nil, fmt.Errorf("%s: array %q is of type %s, expected <f4", file, name, a.Type)
			}
			if *part == nil {
				*part = map[string][]float32{}
			}
			(*part)[name[len(prefix):]] = a.Floats()
		}
	}
	return s, nil
}
