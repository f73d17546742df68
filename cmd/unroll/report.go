// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/tflite"
)

var reportVerb = verb{
	name:    "report",
	args:    "PROJECT|MODEL...|STUDY",
	summary: "Write one HTML page on projects and models: accuracy, quantization, graph, NPU timeline, memory, flash; several side by side.",
	example: `unroll report out/digits-gru256 -o report.html
unroll report ours.npu.tflite vela.tflite -o compared.html     # any compiled model
unroll report net.tflite --accel ethos-u65-256 --force         # a plain one is compiled for the report
unroll report net.npu.tflite --graph net.tflite --evidence lower.json   # with what unroll lower --report --json printed
unroll report out/study -o study.html                # the folder of a search: its front and all trials`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var n npuFlags
		n.add(f)
		r := reportVerbFlags{npu: &n}
		r.states = addStates(f)
		f.StringVar(&r.graph, "graph", "", "plain .tflite that the one compiled model was made from, for its operators and other choices")
		f.StringVar(&r.evidence, "evidence", "", "what unroll lower --report --json printed for the one model")
		f.BoolVar(&r.noCurves, "no-curves", false, "do not compile the network under other budgets")
		f.StringVarP(&r.out, "output", "o", codegen.ReportName, "the page to write, - for standard output")
		f.BoolVar(&r.force, "force", false, "replace an existing file")
		f.BoolVar(&r.json, "json", false, "print what was written as JSON")
		return func(c *cli) error { return r.run(c) }
	},
}

type reportVerbFlags struct {
	npu                  *npuFlags
	states               *[]string
	graph, evidence, out string
	noCurves, force      bool
	json                 bool
}

// reported is what report prints with --json.
type reported struct {
	Subjects []string `json:"subjects"`
	Bytes    int      `json:"bytes"`
	Output   string   `json:"output"`
}

func (r *reportVerbFlags) run(c *cli) error {
	if len(c.args) == 0 {
		return usagef("expected folders of projects or .tflite files to report on")
	}
	if len(c.args) > 1 && (r.graph != "" || r.evidence != "") {
		return usagef("--graph and --evidence belong to one model, found %d", len(c.args))
	}
	o, err := r.npu.options()
	if err != nil {
		return err
	}
	if r.out == dash && r.json {
		return usagef("--output - leaves no room for --json")
	}
	if r.out != dash {
		if err := checkOutput(r.out, r.force, c.args...); err != nil {
			return err
		}
	}
	if study, err := r.study(c); study || err != nil {
		return err
	}
	if err := r.plainOnly(c); err != nil {
		return err
	}
	var subjects []*report.Subject
	done := reported{Output: r.out}
	for _, name := range c.args {
		s, err := r.open(c, name, o)
		if err != nil {
			return err
		}
		subjects = append(subjects, s)
		done.Subjects = append(done.Subjects, s.Name)
	}
	page, err := reportPage(c, subjects, !r.noCurves)
	if err != nil {
		return err
	}
	return r.write(c, page, done)
}

// write writes a page and tells of it.
func (r *reportVerbFlags) write(c *cli, page []byte, done reported) error {
	if r.out == dash {
		_, err := c.stdout.Write(page)
		return err
	}
	if err := writeFile(r.out, page, r.force); err != nil {
		return err
	}
	done.Bytes = len(page)
	if r.json {
		return printJSON(c.stdout, done)
	}
	_, err := fmt.Fprintf(c.stdout, "wrote %s: %s bytes, one file that loads nothing from elsewhere\n", r.out, commas(len(page)))
	return err
}

// reportPage renders subjects, with other ways to compile them where that is asked for.
func reportPage(c *cli, subjects []*report.Subject, curves bool) ([]byte, error) {
	for _, s := range subjects {
		if !curves {
			s.NoSpan = "Other choices were not compiled for this report."
			continue
		}
		if s.Graph != nil {
			c.say("compiling %s under other budgets", s.Name)
		}
		if err := s.MeasureCurves(c.ctx); err != nil {
			return nil, err
		}
	}
	return report.Write(version, subjects)
}

func (r *reportVerbFlags) open(c *cli, name string, o compile.Options) (*report.Subject, error) {
	s, err := r.subject(c, name, o)
	if err != nil {
		return nil, err
	}
	if r.graph != "" {
		file, err := budget.ReadFile(r.graph)
		if err != nil {
			return nil, err
		}
		if err := s.TakeGraph(filepath.Base(r.graph), file); err != nil {
			return nil, fmt.Errorf("--graph: %w", err)
		}
	}
	if r.evidence != "" {
		file, err := budget.ReadFile(r.evidence)
		if err != nil {
			return nil, err
		}
		if s.Evidence, err = report.DecodeEvidence(r.evidence, file); err != nil {
			return nil, fmt.Errorf("--evidence: %w", err)
		}
	}
	return s, nil
}

func (r *reportVerbFlags) subject(c *cli, name string, o compile.Options) (*report.Subject, error) {
	folder, err := isFolder(name)
	if err != nil {
		return nil, err
	}
	short := filepath.Base(name)
	if name == dash {
		short = "stdin.tflite"
	}
	if folder {
		folder, err := filepath.Abs(name)
		if err != nil {
			return nil, err
		}
		s, err := report.OpenProject(filepath.Base(folder), projectFolder(name))
		if err != nil {
			return nil, err
		}
		s.Commands = report.ProjectCommands(s.Manifest)
		return s, nil
	}
	compiled, err := isCompiled(name)
	if err != nil {
		return nil, err
	}
	var s *report.Subject
	if compiled {
		file, err := readInput(name)
		if err != nil {
			return nil, err
		}
		if s, err = report.OpenCompiled(short, file); err != nil {
			return nil, err
		}
		for _, p := range s.Programs {
			if err := r.npu.given(p.Accel, &p.System, &p.Mode); err != nil {
				return nil, err
			}
		}
		s.Commands = []report.Command{{Does: "Figures, cycles of every operation, memory map and disassembly:", Line: command("inspect", operand(short), "--ops", "--memory")}}
	} else {
		m, err := readPaired(c, name, *r.states)
		if err != nil {
			return nil, err
		}
		pr := c.compiling(&o)
		p, err := compile.Compile(m.graph, o)
		pr.finish()
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		s = report.OpenPlain(short, m.file, m.graph, m.facts, p)
		args := append([]string{operand(short)}, repeated(r.npu.set, append(npuFlagNames, "state")...)...)
		s.Commands = []report.Command{{Does: "The same program as a file of its own:", Line: command("compile", args...)}, {Does: "Firmware of it:", Line: command("generate", append(args, "-o", "fw")...)}}
	}
	again := append([]string{operand(short)}, repeated(r.npu.set, append(npuFlagNames, "state", "graph", "evidence")...)...)
	s.Commands = append(s.Commands, report.Command{Does: "This page:", Line: command("report", append(again, "-o", codegen.ReportName)...)})
	return s, nil
}

// plainOnly refuses flags that say how to compile where nothing is left to compile.
func (r *reportVerbFlags) plainOnly(c *cli) error {
	for _, name := range c.args {
		if folder, err := isFolder(name); err != nil {
			return err
		} else if folder {
			continue
		}
		if compiled, err := isCompiled(name); err != nil || !compiled {
			return err
		}
	}
	for _, flag := range []string{"accel", "sram-budget", "weights", "state"} {
		if r.npu.set.Changed(flag) {
			return usagef("--%s is for plain models, which are compiled for the report; all of these are compiled already", flag)
		}
	}
	return nil
}

// isCompiled tells whether a .tflite holds streams for the NPU.
func isCompiled(name string) (bool, error) {
	file, err := readInput(name)
	if err != nil {
		return false, err
	}
	m, err := tflite.ReadModel(name, file)
	if err != nil {
		return false, err
	}
	return vela.IsCompiled(m.Graph), nil
}

// isFolder tells a project from a model.
func isFolder(name string) (bool, error) {
	if name == dash {
		return false, nil
	}
	info, err := os.Stat(name)
	return err == nil && info.IsDir(), err
}

// projectFolder reads the files of a project's folder, within the bounds of memory.
type projectFolder string

func (p projectFolder) ReadFile(name string) ([]byte, error) {
	return budget.ReadFile(filepath.Join(string(p), filepath.FromSlash(name)))
}
