// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/facts"
)

// ManifestName is the file that makes a folder a generated project.
const ManifestName = "manifest.json"

// ReportName is the page for people that a project may have.
const ReportName = "report.html"

const manifestTool = "unroll"

// Manifest records what a tree was made from and the hash of each of its files.
type Manifest struct {
	Tool        string `json:"tool"`
	Version     string `json:"version"`
	Prefix      string `json:"prefix"`
	Accelerator string `json:"accelerator"`
	System      string `json:"system_config"`
	Mode        string `json:"memory_mode"`
	// Memories are those of a system configuration that is not one of the known ones.
	Memories     *ethosu.SystemConfig `json:"memories,omitempty"`
	Source       string               `json:"source,omitempty"`
	SourceSHA256 string               `json:"source_sha256,omitempty"`
	Settings     map[string]string    `json:"settings,omitempty"`
	Facts        *facts.Facts         `json:"facts,omitempty"`
	Sequence     *ManifestSequence    `json:"sequence,omitempty"` // nil: a run is one stream
	Files        map[string]string    `json:"files"`              // SHA-256 by path; this file is not in it
}

// ManifestSequence says how a run that is not one stream goes on.
type ManifestSequence struct {
	Steps   int             `json:"steps"`    // time steps of one run; 0 when stages are no steps
	WakeUps int             `json:"wake_ups"` // starts of the NPU in one run, an interrupt each
	Stages  []ManifestStage `json:"stages"`   // in order
}

// ManifestStage is a stream that is started so many times, or an operator of the CPU.
type ManifestStage struct {
	Name  string `json:"name"`
	Times int    `json:"times"`
	Bytes int    `json:"bytes"`

	CPU *ManifestOperator `json:"cpu,omitempty"`
}

// ManifestOperator is an operator of the CPU.
type ManifestOperator struct {
	Name   string `json:"name"`
	Tensor string `json:"tensor"` // its first output
	Reason string `json:"reason"` // why not the NPU
}

// buildFolders hold what compilers and other tools leave in a project. They are
// nobody's work and no reason to keep a folder.
var buildFolders = map[string]bool{"build": true}

// newManifest lists the files of the tree as it is now.
func newManifest(p *Project, t Tree) *Manifest {
	m := &Manifest{
		Tool: manifestTool, Version: p.Version, Prefix: p.Prefix,
		Accelerator: p.Program.Accel.Name, System: p.Program.System.Name, Mode: p.Program.Mode.Name,
		Source: p.Source, SourceSHA256: p.SourceSHA256, Settings: p.Settings, Facts: p.Facts,
		Files: map[string]string{},
	}
	if known, err := ethosu.ParseSystemConfig(m.System); p.Program.System.Clock > 0 && (err != nil || known != p.Program.System) {
		system := p.Program.System
		m.Memories = &system
	}
	if q := p.Program; q.Steps > 0 || len(q.Stages) > 1 {
		m.Sequence = &ManifestSequence{Steps: q.Steps, WakeUps: q.WakeUps()}
		for _, s := range q.Stages {
			m.Sequence.Stages = append(m.Sequence.Stages, ManifestStage{s.Name, s.Times, 4 * len(s.Commands), operatorOf(&s)})
		}
	}
	for path, b := range t {
		m.Files[path] = hash(b)
	}
	return m
}

// operatorOf describes an operator of the CPU; nil for a stream.
func operatorOf(s *ethosu.Stage) *ManifestOperator {
	if s.CPU == nil {
		return nil
	}
	return &ManifestOperator{s.CPU.Kind().String(), s.CPU.Output(), s.CPU.Why}
}

// SystemConfig is the one that the project was compiled for.
func (m *Manifest) SystemConfig() (ethosu.SystemConfig, error) {
	if m.Memories != nil {
		return *m.Memories, nil
	}
	return ethosu.ParseSystemConfig(m.System)
}

func (m *Manifest) encode() []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(m); err != nil {
		panic(fmt.Sprintf("BUG: the manifest cannot be encoded: %v", err))
	}
	return b.Bytes()
}

func readManifest(dir string) (*Manifest, error) {
	name := filepath.Join(dir, ManifestName)
	b, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("it has no %s", ManifestName)
	}
	if err != nil {
		return nil, err
	}
	m := &Manifest{}
	if err := json.Unmarshal(b, m); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	if m.Tool != manifestTool || len(m.Files) == 0 {
		return nil, fmt.Errorf("%s was not written by %s", name, manifestTool)
	}
	for p := range m.Files {
		if !fs.ValidPath(p) {
			return nil, fmt.Errorf("%s lists %q, which is no path inside the folder", name, p)
		}
	}
	return m, nil
}

// ReadManifest reads the manifest of the project in folder dir.
func ReadManifest(dir string) (*Manifest, error) {
	m, err := readManifest(dir)
	if err != nil {
		return nil, fmt.Errorf("folder %s is not a generated project: %w; generate it first", dir, err)
	}
	return m, nil
}

// DifferenceKind says how a file differs from what was generated.
type DifferenceKind int

// Differences.
const (
	Missing DifferenceKind = iota // listed, but not there
	Changed                       // there with other content
	Extra                         // there, but not listed
)

// Difference is a file of a folder that is not as it was generated.
type Difference struct {
	Path string
	Kind DifferenceKind
}

func (d Difference) String() string {
	switch d.Kind {
	case Missing:
		return d.Path + " is missing"
	case Changed:
		return d.Path + " was changed"
	case Extra:
		return d.Path + " was not generated"
	}
	return fmt.Sprintf("%s: DifferenceKind(%d)", d.Path, int(d.Kind))
}

// Check compares the project in folder dir with its own manifest. Build folders
// are not looked at. The result is in order of paths, empty when all is as
// generated.
func Check(dir string) ([]Difference, error) {
	m, err := ReadManifest(dir)
	if err != nil {
		return nil, err
	}
	return m.compare(dir)
}

// Check compares the project in folder dir with the tree: is what lies there what
// would be generated now?
func (t Tree) Check(dir string) ([]Difference, error) {
	m := &Manifest{Files: map[string]string{}}
	for p, b := range t {
		if p != ManifestName {
			m.Files[p] = hash(b)
		}
	}
	diffs, err := m.compare(dir)
	if err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(dir, ManifestName))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		diffs = append(diffs, Difference{ManifestName, Missing})
	case err != nil:
		return nil, err
	case !bytes.Equal(b, t[ManifestName]):
		diffs = append(diffs, Difference{ManifestName, Changed})
	}
	sortDifferences(diffs)
	return diffs, nil
}

func (m *Manifest) compare(dir string) ([]Difference, error) {
	var diffs []Difference
	seen := map[string]bool{}
	err := filepath.WalkDir(dir, func(name string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(dir, name)
		if err != nil {
			return err
		}
		path := filepath.ToSlash(rel)
		if e.IsDir() {
			if buildFolders[path] {
				return filepath.SkipDir
			}
			return nil
		}
		if path == ManifestName {
			return nil
		}
		want, listed := m.Files[path]
		if !listed {
			diffs = append(diffs, Difference{path, Extra})
			return nil
		}
		seen[path] = true
		b, err := os.ReadFile(name)
		if err != nil {
			return err
		}
		if !strings.EqualFold(hash(b), want) {
			diffs = append(diffs, Difference{path, Changed})
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", dir, err)
	}
	for p := range m.Files {
		if !seen[p] {
			diffs = append(diffs, Difference{p, Missing})
		}
	}
	sortDifferences(diffs)
	return diffs, nil
}

func sortDifferences(d []Difference) {
	sort.Slice(d, func(i, j int) bool { return d[i].Path < d[j].Path })
}
