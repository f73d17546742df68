// SPDX-License-Identifier: Apache-2.0

package report

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// Subject is what a page tells of: a project or a model. All but Name, File and
// Programs may be absent, and is then said to be unknown.
type Subject struct {
	Name   string // how the page calls it
	Folder string // of a project, without the path to it: tells subjects of one name apart
	File   string // the compiled file or the plain one, without folders
	SHA256 string // of File, hex
	Bytes  int    // of File

	Manifest *codegen.Manifest // of a project
	Graph    *graph.Graph      // the operators that were compiled
	Facts    *facts.Facts
	Programs []*ethosu.Program // one, or those of a file with operators for the CPU between
	CPUOps   int               // beside those that are stages of Programs
	Evidence *Evidence

	Curves *Curves
	NoSpan string // why there are no Curves

	// Notes are sentences on what was decided for the report, Commands repeat what was done.
	Notes    []string
	Commands []Command

	// MapKnown is said of files of this project, which have the memories that they were
	// compiled for, and the names of operations.
	MapKnown bool
}

// Command is a line for a shell and what it does.
type Command struct{ Does, Line string }

// OpenCompiled reads a compiled .tflite, anybody's. name is how it is called, without
// folders.
func OpenCompiled(name string, file []byte) (*Subject, error) {
	m, err := tflite.ReadModel(name, file)
	if err != nil {
		return nil, err
	}
	s := &Subject{}
	s.of(name, file)
	if s.Facts, err = facts.Decode(name, m.Find(facts.Metadata)); err != nil {
		return nil, err
	}
	if p, err := vela.Read(name, file); err == nil {
		s.Programs = []*ethosu.Program{p}
	} else {
		// Operators for the CPU that nobody here can run: the streams can be shown.
		f, streams := vela.Open(name, file)
		if streams != nil {
			return nil, streams
		}
		s.Programs, s.CPUOps = f.Programs, f.CPUOps
		s.Notes = append(s.Notes, fmt.Sprintf("Only the streams of the file are shown, as programs of their own: %v.", err))
	}
	s.MapKnown = true
	for _, p := range s.Programs {
		for i := range p.Stages {
			s.MapKnown = s.MapKnown && (p.Stages[i].CPU != nil || len(p.Stages[i].Ops) > 0)
		}
	}
	s.NoSpan = "The file holds a compiled stream, not the operators that it was compiled from. Give the plain .tflite with --graph and the report compiles it under other budgets."
	return s, nil
}

// of notes the file that the report is of.
func (s *Subject) of(name string, file []byte) {
	sum := sha256.Sum256(file)
	s.Name, s.File, s.SHA256, s.Bytes = strings.TrimSuffix(strings.TrimSuffix(name, ".tflite"), ".npu"), name, hex.EncodeToString(sum[:]), len(file)
}

// TakeGraph adds the plain model that a compiled one was made from.
func (s *Subject) TakeGraph(name string, file []byte) error {
	m, err := tflite.ReadModel(name, file)
	if err != nil {
		return err
	}
	if vela.IsCompiled(m.Graph) {
		return fmt.Errorf("%s is compiled itself: expected the .tflite that %s was compiled from", name, s.File)
	}
	tflite.TakeOffFloat(m)
	if len(s.Programs) == 1 {
		if err := pair(s.Programs[0], m.Graph); err != nil {
			return fmt.Errorf("%s is not what %s was compiled from: %w", name, s.File, err)
		}
	}
	s.Graph = m.Graph
	if s.Facts == nil {
		if s.Facts, err = facts.Decode(name, m.Find(facts.Metadata)); err != nil {
			return err
		}
	}
	return nil
}

// pair reports why a program cannot be a compilation of a graph, and gives the graph the
// program's states where it declares none.
func pair(p *ethosu.Program, g *graph.Graph) error {
	if p.Steps > 0 {
		p = p.Single
	}
	f := vela.File{Graph: &graph.Graph{}}
	add := func(list []ethosu.Binding) (ids []graph.TensorID) {
		for _, b := range list {
			ids = append(ids, f.Graph.Add(&graph.Tensor{Name: b.Name, Type: b.Type, Shape: b.Shape, Quant: b.Quant}))
		}
		return ids
	}
	f.Graph.Inputs, f.Graph.Outputs = add(p.Inputs), add(p.Outputs)
	if err := f.Of(g); err != nil {
		return err
	}
	if len(g.States) == 0 {
		for _, s := range p.States {
			g.States = append(g.States, graph.State{In: g.Inputs[s.In], Out: g.Outputs[s.Out]})
		}
	}
	return nil
}

// OpenPlain makes a subject of a plain model and the program that it was compiled to for
// the report.
func OpenPlain(name string, file []byte, g *graph.Graph, f *facts.Facts, p *ethosu.Program) *Subject {
	s := &Subject{Graph: g, Facts: f, Programs: []*ethosu.Program{p}, MapKnown: true}
	s.of(name, file)
	s.Notes = append(s.Notes, fmt.Sprintf("%s is not compiled: it was compiled for %s for this report.", name, p.Accel.Name))
	return s
}

// Folder is a project on disk or on its way there. Files that it lacks are fs.ErrNotExist.
type Folder interface {
	ReadFile(name string) ([]byte, error)
}

// OpenProject reads a generated project. name is its folder's, without the path to it.
func OpenProject(name string, dir Folder) (*Subject, error) {
	b, err := dir.ReadFile(codegen.ManifestName)
	if err != nil {
		return nil, fmt.Errorf("%s is not a generated project: %w", name, err)
	}
	m := &codegen.Manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", name, codegen.ManifestName, err)
	}
	if m.Prefix == "" {
		return nil, fmt.Errorf("%s: %s names no prefix: it was not written by unroll", name, codegen.ManifestName)
	}
	file := path.Join("model", m.Prefix+".npu.tflite")
	if b, err = dir.ReadFile(file); err != nil {
		return nil, fmt.Errorf("%s: its compiled model is missing: %w", name, err)
	}
	s, err := OpenCompiled(path.Base(file), b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	s.Name, s.Folder, s.Manifest = m.Prefix, name, m
	if m.Facts != nil {
		s.Facts = m.Facts
	}
	s.NoSpan = "The project does not keep the operators that it was compiled from. Give the plain .tflite with --graph and the report compiles it under other budgets."
	for _, p := range s.Programs {
		if p.System, err = m.SystemConfig(); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	if m.Source != "" {
		source := path.Join("model", path.Base(m.Source))
		b, err := dir.ReadFile(source)
		if err == nil {
			err = s.TakeGraph(path.Base(source), b)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
	}
	b, err = dir.ReadFile(EvidenceName)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return nil, fmt.Errorf("%s: %w", name, err)
	default:
		if s.Evidence, err = DecodeEvidence(name+": "+EvidenceName, b); err != nil {
			return nil, err
		}
	}
	return s, nil
}

// Figures adds up the figures of the subject's programs.
func (s *Subject) Figures() (perf.Figures, error) {
	var list []perf.Figures
	for _, p := range s.Programs {
		f, err := perf.FiguresOf(p)
		if err != nil {
			return perf.Figures{}, fmt.Errorf("%s: %w", s.Name, err)
		}
		list = append(list, f)
	}
	if len(list) == 0 {
		return perf.Figures{}, fmt.Errorf("%s: holds no program for the NPU", s.Name)
	}
	cpu := s.CPUOps
	for _, f := range list {
		cpu += f.CPUOps
	}
	return perf.Add(list, cpu), nil
}

// stages decodes and times every stream of the subject.
func (s *Subject) stages() ([]*stage, error) {
	var list []*stage
	for _, p := range s.Programs {
		for i := range p.Stages {
			if p.Stages[i].CPU != nil {
				continue
			}
			st, err := readStage(p, &p.Stages[i])
			if err != nil {
				return nil, fmt.Errorf("%s: %w", s.Name, err)
			}
			list = append(list, st)
		}
	}
	return list, nil
}
