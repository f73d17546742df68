// SPDX-License-Identifier: Apache-2.0

package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/firmware/board"
)

var generateVerb = verb{
	name:    "generate",
	args:    "MODEL.tflite",
	summary: "Write the C firmware project of an int8 .tflite, with golden vectors and a Go test.",
	example: `unroll generate gru.tflite --accel ethos-u55-128 -o fw
unroll generate step.tflite --steps 28 --sequence step -o fw   # a model of one step, 28 of them a run
unroll generate --check fw`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var p programFlags
		p.add(f)
		var g generateFlags
		g.add(f)
		var gold goldenFlags
		gold.add(f)
		out := f.StringP("output", "o", "", "folder of the project (default: the model's name)")
		asJSON := f.Bool("json", false, "print what was generated, or with --check what differs, as JSON")
		check := f.String("check", "", "only tell whether the tree in this folder is as it was generated")
		return func(c *cli) error {
			if *check != "" {
				if len(c.args) != 0 {
					return usagef("--check %s only looks at that folder: leave out %s", *check, strings.Join(c.args, " "))
				}
				return checkTree(c, *check, *asJSON)
			}
			name, err := c.oneArg("the .tflite to generate firmware for")
			if err != nil {
				return err
			}
			o, err := p.check()
			if err != nil {
				return err
			}
			if err := g.check(); err != nil {
				return err
			}
			if err := g.bound(&o); err != nil {
				return err
			}
			if err := gold.check(); err != nil {
				return err
			}
			m, ch, err := p.compile(c, name, o)
			if err != nil {
				return err
			}
			if !*asJSON {
				printChoice(c, ch)
			}
			ref, err := p.sequence.reference(m.graph)
			if err != nil {
				return err
			}
			golden, err := gold.record(c, m, ref)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			dst := *out
			if dst == "" {
				dst = strings.TrimSuffix(filepath.Base(name), filepath.Ext(name))
			}
			settings := p.settings()
			settings["golden"] = gold.used
			pr := g.project(ch.Program, golden, name, m.file, settings)
			pr.Know(m.facts)
			if pr.Heard, err = heard(ref, m.facts, gold.test); err != nil {
				return fmt.Errorf("%s: golden samples: %w", name, err)
			}
			pr.Report = pageOf(c, dst)
			if err := writeProject(pr, dst, g.force); err != nil {
				return err
			}
			c.sayUnproven(ch.Unproven, filepath.ToSlash(dst)+"/model/"+pr.Prefix+".npu.tflite")
			if *asJSON {
				fig, err := perf.FiguresOf(ch.Program)
				if err != nil {
					return err
				}
				return printJSON(c.stdout, generated{withSequence(fig, ch), pr.Prefix, gold.used, len(golden), dst})
			}
			fmt.Fprintf(c.stdout, "carried from call to call: %s\nwrote %s\n", orNothing(ch.Program.Carried()), dst)
			for i, line := range g.next(dst) {
				fmt.Fprintf(c.stdout, "%-6s%s\n", map[bool]string{true: "next:"}[i == 0], line)
			}
			return nil
		}
	},
}

// next are the commands that run a project, each with what it does: where its boards run, and
// for a board whose images nothing here runs the one that writes them.
func (g *generateFlags) next(dir string) []string {
	var lines []string
	for _, b := range g.options.Boards {
		on := func(verb string) string { return command(verb, operand(dir), "--on", b.On) }
		switch {
		case b.Hidden:
		case b.Host():
			lines = append(lines, on("run")+"  (builds the C with the host's compiler)")
		case b.Linked:
			line := on("run") + "  (runs it on a Cortex-M55"
			if g.driver == "arm" {
				line += "; with Arm's own driver add --ethosu-driver and the folder of its source"
			}
			lines = append(lines, line+")")
		case !b.Runs():
			lines = append(lines, on("flash")+"  (writes the images for the board's loader)")
		}
	}
	return lines
}

// generated is what generate prints with --json.
type generated struct {
	sequenceFigures
	Prefix string `json:"prefix"`
	Golden string `json:"golden"` // what the golden calls are made of
	Calls  int    `json:"calls"`  // golden ones
	Output string `json:"output"`
}

// checked is what generate --check prints with --json.
type checked struct {
	Differences []string `json:"differences"`
}

// generateFlags choose the form of the project.
type generateFlags struct {
	prefix, driver, board string
	force                 bool

	options codegen.Options
}

func (g *generateFlags) add(f *pflag.FlagSet) {
	f.StringVar(&g.prefix, "prefix", "", "prefix of every C symbol (default: from the model's name)")
	f.StringVar(&g.driver, "driver", "own", "NPU driver: own, or arm for glue to Arm's core driver")
	f.StringVar(&g.board, "board", "", "board of the project: the name of one that comes with unroll, or a folder of your own with a "+board.ManifestName+" (default: "+board.Default+", or "+board.DefaultFor("ethos-u85")+" for a U85)")
	f.BoolVar(&g.force, "force", false, "replace what is in the output folder")
}

// check finds mistakes in the flags before any work.
func (g *generateFlags) check() error {
	if _, err := choose("--driver", g.driver, map[string]bool{"own": true, "arm": true}); err != nil {
		return err
	}
	if g.board != "" {
		if err := g.choose(g.board); err != nil {
			return err
		}
	}
	if g.prefix == "" {
		return nil
	}
	if err := codegen.CheckPrefix(g.prefix); err != nil {
		return usagef("--prefix: %v", err)
	}
	return nil
}

// choose takes a board.
func (g *generateFlags) choose(name string) (err error) {
	if g.options.Board, g.options.Boards, err = board.Project(name); err != nil {
		return usagef("--board: %v", err)
	}
	return nil
}

// bound lets a program take no more SRAM than the board has where the arena lies, unless
// flags say how much. The accelerator decides for the board where no flag does.
func (g *generateFlags) bound(o *compile.Options) error {
	name := g.board
	if name == "" {
		name = board.DefaultFor(o.Accel.Generation.ProductName())
	}
	if err := g.choose(name); err != nil {
		return err
	}
	b := g.options.Board
	if err := b.Serves(o.Accel.Generation.ProductName(), o.Accel.MACs); err != nil {
		return usagef("--board: %v", err)
	}
	if o.SRAMBudget == 0 && !o.Mode.Spills() && !o.WeightsInSRAM {
		o.SRAMBudget = b.ArenaBytes()
	}
	return nil
}

func (g *generateFlags) project(p *ethosu.Program, golden []codegen.Call, source string, model []byte, settings map[string]string) codegen.Project {
	sum := sha256.Sum256(model)
	prefix := g.prefix
	if prefix == "" {
		prefix = codegen.PrefixFrom(strings.TrimSuffix(filepath.Base(source), filepath.Ext(source)))
	}
	pr := codegen.Project{
		Prefix: prefix, Program: p, Golden: golden,
		Source: filepath.Base(source), SourceSHA256: hex.EncodeToString(sum[:]),
		Version: version, Settings: settings, Options: g.options,
	}
	pr.Options.ConstantsInRAM = settings["weights"] == "sram"
	if g.driver == "arm" {
		pr.Options.Driver = codegen.ArmDriver
	}
	return pr
}

func writeProject(pr codegen.Project, dst string, force bool) error {
	known, err := metadataOf(pr.Facts)
	if err != nil {
		return err
	}
	file, err := vela.Write(pr.Program, known...)
	if err != nil {
		return err
	}
	pr.Model = file
	tree, err := codegen.Generate(pr)
	if err != nil {
		return err
	}
	return tree.WriteTo(dst, force)
}

// pageOf makes the page of a project. What nobody measured it calls unknown; a network that
// is too large for a page has none.
func pageOf(c *cli, dst string) func(codegen.Tree) ([]byte, error) {
	return func(t codegen.Tree) ([]byte, error) {
		s, err := report.OpenProject(filepath.Base(dst), t)
		if err != nil {
			return nil, err
		}
		s.Commands = report.ProjectCommands(s.Manifest)
		page, err := reportPage(c, []*report.Subject{s}, true)
		var large *report.TooLargeError
		if errors.As(err, &large) {
			c.say("note: the project has no %s: %v", codegen.ReportName, err)
			return nil, nil
		}
		return page, err
	}
}

func orNothing(pairs []string) string {
	if len(pairs) == 0 {
		return "nothing"
	}
	return strings.Join(pairs, ", ")
}

// goldenCalls runs the reference interpreter for the bytes that the firmware has to
// give. The state starts from reset at call 0 and wherever feed says so.
func goldenCalls(m runner.Model, n int, feed runner.Feed) ([]codegen.Call, error) {
	rec, err := runner.Record(m, n, feed)
	if err != nil {
		return nil, err
	}
	calls := make([]codegen.Call, len(rec))
	for i, r := range rec {
		calls[i] = codegen.Call{Reset: r.Reset, Inputs: r.Inputs, Outputs: r.Outputs}
	}
	return calls, nil
}

func checkTree(c *cli, dir string, asJSON bool) error {
	diffs, err := codegen.Check(dir)
	if err != nil {
		return err
	}
	list := checked{Differences: []string{}}
	for _, d := range diffs {
		list.Differences = append(list.Differences, d.String())
		if !asJSON {
			fmt.Fprintln(c.stdout, d)
		}
	}
	if asJSON {
		if err := printJSON(c.stdout, list); err != nil {
			return err
		}
	}
	if len(diffs) > 0 {
		return fmt.Errorf("%s differs from what was generated in %d files", dir, len(diffs))
	}
	if !asJSON {
		fmt.Fprintf(c.stdout, "%s is as it was generated\n", dir)
	}
	return nil
}
