// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/pflag"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/codegen/projectfile"
	"github.com/unroll-npu/unroll/codegen/report"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/runner"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/budget"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

var buildVerb = verb{
	name:    "build",
	args:    "",
	summary: "Everything: train, lower, compile, generate the C project and prove it on the simulator.",
	example: `unroll build
unroll build --data path/to/mnist --units 128 -o out/gru128
unroll build -f out/gru128/unroll.toml -o out/again   # what another build was given
unroll build --sequence step      # a small stream that is started for every time step`,
	setup: func(f *pflag.FlagSet) func(*cli) error {
		var b buildFlags
		b.add(f)
		b.generate.add(f)
		f.StringVarP(&b.file, "file", "f", "", "TOML file with a key for every flag, such as the "+projectfile.Name+" that build writes; what the command line says wins. Paths in it are from the current folder")
		f.StringVarP(&b.out, "output", "o", "", "folder for everything that is written (default: out/DATA-CELLUNITS)")
		f.IntVar(&b.compare, "compare", 1000, "test sequences on which simulator and reference are compared byte for byte")
		f.IntVar(&b.chain, "chain", 200, "further calls, compared with the state carried from each to the next")
		f.BoolVar(&b.json, "json", false, "print the summary as JSON")
		return func(c *cli) error { return runBuild(c, &b) }
	},
}

type buildFlags struct {
	set            *pflag.FlagSet
	file           string
	settled        []byte // the project's own file of flags
	data           dataFlags
	train          trainFlags
	lower          lowerFlags
	npu            npuFlags
	generate       generateFlags
	sequence, out  string
	compare, chain int
	trained        bool // a network is in kept
	running        *runFile
	evidence       report.Evidence
	json           bool
}

// add defines the flags that decide what the network is and how it is compiled.
func (b *buildFlags) add(f *pflag.FlagSet) {
	b.set = f
	b.data.add(f)
	b.train.add(f)
	b.lower.add(f)
	b.npu.add(f)
	f.StringVar(&b.sequence, "sequence", compile.FormUnrolled.String(), "unrolled (one stream with all steps), step (one step's stream, started for every step, weights kept in SRAM) or auto (by flash and cycles)")
}

// goldenPerBuild is the number of golden calls in the generated project: two chains of
// eight with carried states.
const goldenPerBuild = 16

// built is what build prints at the end, and with --json.
type built struct {
	accuracies
	Compared   int              `json:"compared"` // distinct calls
	Mismatches int              `json:"mismatches"`
	carried    int              // of Compared
	Detection  *lower.Detection `json:"detection,omitempty"`
	sequenceFigures
	Windows int    `json:"windows,omitempty"` // of a call, where there are several
	Output  string `json:"output"`
}

// buildPlan is what the flags of build say.
type buildPlan struct {
	train   train.Config
	lower   lower.Options
	compile compile.Options
	form    compile.Form
}

// plan reads the flags and finds every mistake in them: minutes of work must not end at
// what was wrong from the start.
func (b *buildFlags) plan() (p buildPlan, err error) {
	if p.train, err = b.train.config(b.data.seed, recipeDefault); err != nil {
		return p, err
	}
	if p.lower, err = b.lower.options(); err != nil {
		return p, err
	}
	if p.compile, err = b.npu.options(); err != nil {
		return p, err
	}
	if err := b.generate.bound(&p.compile); err != nil {
		return p, err
	}
	if p.form, err = choose("--sequence", b.sequence, compile.FormNames()); err != nil {
		return p, err
	}
	if b.lower.set.Changed("equalize") {
		return p, usagef("--equalize is for graphs (.onnx, float .tflite), which lower takes; build trains layers")
	}
	if b.lower.detection.background != "" && b.train.validation == 0 {
		return p, usagef("--detect %s: add --validation, the fraction of the training part that decides smoothing and threshold", b.lower.detection.background)
	}
	for _, file := range []string{b.train.state, b.train.history} {
		if file != "" {
			if err := checkOutput(file, true); err != nil {
				return p, err
			}
		}
	}
	if b.lower.whole(p.train.Stack, &p.lower) && p.form == compile.FormAuto {
		p.form = compile.FormUnrolled
	}
	if p.form != compile.FormUnrolled && !p.lower.StateIO {
		return p, usagef("--sequence %s with --no-state: the state has to pass from one step to the next", b.sequence)
	}
	if p.form != compile.FormUnrolled && b.lower.windows.n > 1 {
		return p, usagef("--sequence %s --%s %d: several windows a call are one stream with all steps (--sequence unrolled)", b.sequence, windowsFlag, b.lower.windows.n)
	}
	if b.compare < 0 || b.chain < 0 || b.compare+b.chain == 0 {
		return p, usagef("--compare %d --chain %d: expected counts of calls, at least one in all, or nothing is proven", b.compare, b.chain)
	}
	return p, nil
}

// name completes what is named after the network, and checks that its folder can be
// written: before anything is trained.
func (b *buildFlags) name(network string) error {
	if b.out == "" {
		b.out = filepath.Join("out", strings.ToLower(filepath.Base(b.data.data))+"-"+network)
	}
	if b.generate.prefix == "" {
		b.generate.prefix = codegen.PrefixFrom(network)
	}
	if err := b.generate.check(); err != nil {
		return err
	}
	return codegen.CheckWritable(b.out, b.generate.force)
}

// kept is the file that holds what was trained until the project, which has it too, is
// written.
func (b *buildFlags) kept() string { return b.out + ".trained.safetensors" }

// keep writes the network, so that nothing that fails later, or an interruption, loses it.
func (b *buildFlags) keep(net *nn.Network) error {
	file, err := encodeNetwork(net)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(b.kept()), 0o777); err != nil {
		return err
	}
	b.trained = true
	return writeFile(b.kept(), file, true)
}

// runBuild is the verb; it says where the trained network is when something failed later.
func runBuild(c *cli, b *buildFlags) error {
	err := b.run(c)
	if !b.trained {
		return err
	}
	if err == nil || errors.Is(err, errReported) {
		return errors.Join(err, os.Remove(b.kept()), b.running.done())
	}
	return fmt.Errorf("%w\nthe trained network is in %s; the same command goes on from there", err, b.kept())
}

// settle takes the flags of a file, and writes down all of them as they were given, before
// anything completes them.
func (b *buildFlags) settle() (err error) {
	var before []byte
	var given []string
	b.set.Visit(func(f *pflag.Flag) { given = append(given, f.Name) })
	if b.file != "" {
		if before, err = budget.ReadFile(b.file); err != nil {
			return err
		}
		if err := projectfile.Apply(b.set, b.file, before, "file", "max-memory"); err != nil {
			return usageError{err.Error()}
		}
	}
	b.settled, err = projectfile.Write(b.set, before, given, "file", "max-memory", "output", "force", "json")
	return err
}

func (b *buildFlags) run(c *cli) error {
	if err := c.noArgs(); err != nil {
		return err
	}
	if err := b.settle(); err != nil {
		return err
	}
	plan, err := b.plan()
	if err != nil {
		return err
	}
	set, test, err := b.data.open(c)
	if err != nil {
		return err
	}
	net, set, err := b.network(c, &plan, set, test)
	if err != nil {
		return err
	}
	low, step, call, err := b.lowered(c, &plan, net, set)
	if err != nil {
		return err
	}
	r := built{Output: b.out}
	if b.lower.windows.n > 1 {
		r.Windows = b.lower.windows.n
	}
	if err := r.measure(c, low, test, low.Streaming()); err != nil {
		return err
	}
	if r.Detection, err = b.lower.detection.choose(c, low, plan.train.Validation, test); err != nil {
		return err
	}
	net.Facts.Measured(r.figures())
	c.say("compiling for %s", plan.compile.Accel.Name)
	ch, err := compile.CompileCall(call, plan.compile)
	if err != nil {
		return err
	}
	figures, err := perf.FiguresOf(ch.Program)
	if err != nil {
		return err
	}
	r.sequenceFigures = withSequence(figures, ch)
	if r.curve, err = curveOf(ch, figures); err != nil {
		return err
	}
	if err := b.prove(c, low, call.Whole, ch.Program, test, &r); err != nil {
		return err
	}
	if err := b.measure(c, low, set, test, &r); err != nil {
		return err
	}
	if err := b.write(c, low, step, call.Whole, net, ch, test); err != nil {
		return err
	}
	c.sayUnproven(r.Unproven, b.compiledFile())
	if b.json {
		err = printJSON(c.stdout, r)
	} else {
		printWidths(c, low)
		printChoice(c, ch)
		err = b.summary(c, &r)
	}
	if err == nil && r.Mismatches > 0 {
		err = errReported
	}
	return err
}

// network trains. It returns the part of the set that was
// trained on, too.
func (b *buildFlags) network(c *cli, plan *buildPlan, set, test *dataset.Set) (*nn.Network, *dataset.Set, error) {
	set, err := b.train.fitTo(c, &plan.train, set, test, b.data.seed)
	if err != nil {
		return nil, nil, err
	}
	if err := b.name(plan.train.Name); err != nil {
		return nil, nil, err
	}
	if err := b.rehearse(c, plan, set); err != nil {
		return nil, nil, err
	}
	if b.running, err = b.train.keepRun(c, &plan.train, b.out); err != nil {
		return nil, nil, err
	}
	b.running.curve = &b.evidence
	net, err := b.running.fit(c, &b.train, plan.train, set)
	if net != nil {
		err = errors.Join(err, b.keep(net))
	}
	if err != nil {
		return nil, nil, err
	}
	return net, set, nil
}

// lowered quantizes the network of whole sequences, and that of one step where a form
// needs it. The step is calibrated on whole sequences like the unrolled network, so that
// both quantize alike; prove compares them.
func (b *buildFlags) lowered(c *cli, plan *buildPlan, net *nn.Network, set *dataset.Set) (low, step *lower.Result, call compile.Call, err error) {
	call.Form = plan.form
	c.say("lowering: unroll, calibrate on %d sequences, quantize", min(plan.lower.CalibrationSamples, set.Len()))
	low, err = b.lower.lower(c, net, set, plan.lower, plan.compile)
	if err != nil {
		return nil, nil, call, err
	}
	if call.Whole, _, err = b.lower.windows.of(c, low.Int8, nil); err != nil {
		return nil, nil, call, err
	}
	if plan.form == compile.FormUnrolled {
		return low, nil, call, nil
	}
	c.say("lowering: one step")
	one := plan.lower
	one.Steps, one.Learned = 1, low.Learned()
	if one.Activations == lower.Auto { // the same widths as the whole sequence
		if one.Activations = lower.Int8; low.Widths.Choice != nil {
			one.Activations, one.Wide = lower.Auto, low.Widths.Choice.Wide
		}
	}
	step, err = lower.Lower(c.ctx, net, set, one)
	if err != nil {
		return nil, nil, call, err
	}
	call.Step = step.Int8
	call.SequenceOptions = compile.SequenceOptions{Steps: low.Int8.Tensors[low.Int8.Inputs[0]].Shape[1], PerStep: one.PerStep || net.PerStep}
	return low, step, call, nil
}

// prove compares simulator and reference on the test part, no sequence of it twice.
func (b *buildFlags) prove(c *cli, low *lower.Result, g *graph.Graph, p *ethosu.Program, test *dataset.Set, r *built) error {
	feed, err := b.feed(low, test)
	if err != nil {
		return err
	}
	o := runner.ProofOptions{Single: min(b.compare, max(low.Calls(test)/b.lower.windows.n, 1)), Chain: b.chain}
	pr := newProgress(c.stderr)
	o.Progress = func(done int, carried bool) {
		what := "comparing simulator and reference"
		if carried {
			what = "comparing with carried state"
		}
		pr.update(done, o.Single+o.Chain, what)
	}
	proof, err := runner.Prove(g, p, feed, o)
	pr.finish()
	if err != nil {
		return err
	}
	r.Compared, r.carried, r.Mismatches = proof.Calls, proof.Carried, proof.Mismatches
	for _, m := range proof.First {
		fmt.Fprintln(c.stderr, m)
	}
	return nil
}

// measure completes the evidence that the project's report shows.
func (b *buildFlags) measure(c *cli, low *lower.Result, set, test *dataset.Set, r *built) error {
	e := &b.evidence
	c.say("measuring what quantization does to every value")
	if err := low.Measure(c.ctx, set, 0); err != nil {
		return err
	}
	e.Report, e.Evaluation, e.Widened, e.Widths = &low.Report, r.Evaluation, widened(low), report.WidthsOf(low.Widths)
	e.Worst = report.Worst(r.Evaluation, test, test.Steps, test.Features)
	e.Proof = &report.Proof{Compared: r.Compared, Carried: r.carried, Mismatches: r.Mismatches}
	if len(low.Float.States) == 0 {
		return nil
	}
	drift, err := low.Drift(c.ctx, test, reportDrift)
	e.Drift = &drift
	return err
}

// feed has every window of a call run through sequences of its own.
func (b *buildFlags) feed(low *lower.Result, test *dataset.Set) (runner.Feed, error) {
	one, err := low.Feed(test)
	if err != nil {
		return nil, err
	}
	return b.lower.windows.feed(one, max(low.Calls(test)/max(test.Len(), 1), 1)), nil
}

func (b *buildFlags) write(c *cli, low, step *lower.Result, g *graph.Graph, net *nn.Network, ch *compile.Choice, test *dataset.Set) error {
	known := low.Facts
	if b.lower.windows.n > 1 {
		var lost []string
		if known, lost = low.Facts.OfWindows(b.lower.windows.n); len(lost) > 0 {
			c.say("note: a call of %d windows takes and gives values of each; the project has no functions for %s", b.lower.windows.n, strings.Join(lost, " and "))
		}
	}
	feed, err := b.feed(low, test)
	if err != nil {
		return err
	}
	ref, err := runner.NewReference(g)
	if err != nil {
		return err
	}
	golden, err := goldenCalls(ref, goldenPerBuild, func(call int, in [][]byte) bool {
		feed(call, in)
		return call%8 == 0
	})
	if err != nil {
		return err
	}
	weights, err := encodeNetwork(net)
	if err != nil {
		return err
	}
	plain, err := lower.Encode(g, known)
	if err != nil {
		return err
	}
	evidence, err := b.evidence.Encode()
	if err != nil {
		return err
	}
	extra := map[string][]byte{
		report.EvidenceName: evidence,
		projectfile.Name:    b.settled,
		"model/" + b.generate.prefix + ".safetensors": weights,
		"model/" + b.generate.prefix + ".tflite":      plain,
	}
	source, compiled := b.generate.prefix+".tflite", plain
	if ch.Form == compile.FormStep {
		source = b.generate.prefix + ".step.tflite"
		if compiled, err = step.Encode(); err != nil {
			return err
		}
		extra["model/"+source] = compiled
	}
	pr := b.generate.project(ch.Program, golden, source, compiled, b.settings())
	pr.Extra = extra
	pr.Know(known)
	if pr.Heard, err = heard(ref, known, test); err != nil {
		return err
	}
	pr.Report = pageOf(c, b.out)
	return writeProject(pr, b.out, b.generate.force)
}

func (b *buildFlags) settings() map[string]string {
	s := b.npu.settings()
	s["data"] = filepath.Base(b.data.data)
	s["seed"] = fmt.Sprint(b.data.seed)
	if s["cell"] = b.train.cell; b.train.layers != "1" {
		s["layers"] = b.train.layers
	}
	s["units"] = fmt.Sprint(b.train.units)
	s["recipe"] = b.train.recipe
	s["form"] = b.lower.form
	s["sequence"] = b.sequence
	s["activations"] = b.lower.activations
	if n := b.lower.windows.n; n > 1 {
		s[windowsFlag] = fmt.Sprint(n)
	}
	return s
}

func (b *buildFlags) summary(c *cli, r *built) error {
	exact := "yes"
	if r.Mismatches > 0 {
		exact = fmt.Sprintf("NO, %d differ", r.Mismatches)
	}
	stream := "proven by the verifier"
	if n := len(r.Unproven); n > 0 {
		stream = fmt.Sprintf("%d %s unproven", n, plural(n, "place"))
	}
	var rows [][2]string
	rows = append(rows, r.accuracies.rows()...)
	if r.Detection != nil {
		rows = append(rows, [2]string{"detection", detectionText(r.Detection)})
	}
	rows = append(rows, [][2]string{
		{"bit-exact", fmt.Sprintf("%s, over %s different calls (simulator against reference, %s with carried state)", exact, commas(r.Compared), commas(r.carried))},
		{"accelerator", r.Accelerator},
		{"operations", fmt.Sprintf("%s on the NPU, %d on the CPU", commas(r.NPUOps), r.CPUOps)},
		{"command stream", fmt.Sprintf("%s bytes, %s %s a call, %s", commas(r.StreamBytes), commas(r.WakeUps), plural(r.WakeUps, "start"), stream)},
		{"weights", commas(r.WeightBytes) + " bytes encoded"},
		{"flash", commas(r.FlashBytes) + " bytes (stream and constants)"},
		{"SRAM", commas(r.SRAMBytes) + " bytes"},
		{"estimated cycles", b.lower.windows.cycles(r.Cycles)},
		{"written to", b.out},
	}...)
	fmt.Fprintln(c.stdout)
	for _, row := range rows {
		fmt.Fprintf(c.stdout, "%-17s %s\n", row[0], row[1])
	}
	c.printCurve(r.curve)
	dir := filepath.ToSlash(b.out)
	pkg := dir
	if !filepath.IsAbs(b.out) {
		pkg = "./" + dir
	}
	_, err := fmt.Fprintf(c.stdout, `
look: %s
next: go test %s            (inside a Go module that requires unroll)
      %s  (builds the C with the host's compiler)
      %s  (runs it on a Cortex-M55)
      %s
`, quoted(filepath.ToSlash(filepath.Join(b.out, codegen.ReportName))), quoted(pkg), command("run", operand(dir), "--on", "host"), command("run", operand(dir), "--on", "qemu"), command("inspect", operand(b.compiledFile())))
	return err
}

// compiledFile is the compiled model in the project.
func (b *buildFlags) compiledFile() string {
	return filepath.ToSlash(b.out) + "/model/" + b.generate.prefix + ".npu.tflite"
}

func plural(n int, word string) string {
	if n == 1 {
		return word
	}
	return word + "s"
}

// say reports a stage on stderr.
func (c *cli) say(format string, args ...any) { fmt.Fprintf(c.stderr, format+"\n", args...) }
