// SPDX-License-Identifier: Apache-2.0

package report

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/unroll-npu/unroll/codegen"
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
	"github.com/unroll-npu/unroll/lower"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/tflite"
	"github.com/unroll-npu/unroll/testdata"
	"github.com/unroll-npu/unroll/train"
	"github.com/unroll-npu/unroll/train/dataset"
	"github.com/unroll-npu/unroll/train/nn"
)

var update = flag.Bool("update", false, "write the golden files anew")

// sections are what every page has of every subject.
var sections = []string{"about", "accuracy", "quantization", "graph", "time", "memory", "flash", "curves", "reproduce"}

// digits is a small network with everything that a build records of it.
func digits(t testing.TB, form compile.Form) codegen.Tree {
	t.Helper()
	if made[form] == nil {
		made[form] = makeDigits(t, form)
	}
	return made[form]
}

var made = map[compile.Form]codegen.Tree{} // by the tests of one run

func makeDigits(t testing.TB, form compile.Form) codegen.Tree {
	t.Helper()
	ctx := t.Context()
	set, test := dataset.Digits(1, 1500, 200)
	e := &Evidence{}
	net, err := train.Fit(ctx, train.Config{Name: "gru12", Cell: nn.GRU, Units: 12, Epochs: 2, Batch: 16, Rate: 0.01, Seed: 1}, set, e.Learn)
	if err != nil {
		t.Fatal(err)
	}
	low, err := lower.Lower(ctx, net, set, lower.Options{StateIO: true, CalibrationSamples: 8, WeightLevels: 127})
	if err != nil {
		t.Fatal(err)
	}
	if e.Evaluation, err = low.Compare(ctx, test, true); err != nil {
		t.Fatal(err)
	}
	if err := low.Measure(ctx, set, 4); err != nil {
		t.Fatal(err)
	}
	drift, err := low.Drift(ctx, test, 600)
	if err != nil {
		t.Fatal(err)
	}
	e.Report, e.Drift, e.Widened = &low.Report, &drift, []string{}
	e.Worst = Worst(e.Evaluation, test, test.Steps, test.Features)
	e.Proof = &Proof{Compared: 40, Carried: 8}
	graph := low
	call := compile.Call{Whole: low.Int8, Form: form}
	if form == compile.FormStep {
		graph, err = lower.Lower(ctx, net, set, lower.Options{StateIO: true, CalibrationSamples: 8, WeightLevels: 127, Steps: 1})
		if err != nil {
			t.Fatal(err)
		}
		call.Step, call.Steps = graph.Int8, 28
	}
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	ch, err := compile.CompileCall(call, compile.Options{Accel: accel})
	if err != nil {
		t.Fatal(err)
	}
	plain, err := graph.Encode()
	if err != nil {
		t.Fatal(err)
	}
	known, err := low.Facts.Encode()
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := vela.Write(ch.Program, tflite.Metadata{Name: facts.Metadata, Data: known})
	if err != nil {
		t.Fatal(err)
	}
	evidence, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	m, err := json.Marshal(&codegen.Manifest{Tool: "unroll", Version: "1.2.3", Prefix: "gru12", Accelerator: accel.Name, System: ch.Program.System.Name, Mode: ch.Program.Mode.Name,
		Source: "gru12.tflite", Settings: map[string]string{"cell": "gru", "units": "12"}, Facts: low.Facts, Files: map[string]string{}})
	if err != nil {
		t.Fatal(err)
	}
	return codegen.Tree{codegen.ManifestName: m, "model/gru12.tflite": plain, "model/gru12.npu.tflite": compiled, EvidenceName: evidence}
}

func openTree(t testing.TB, tree codegen.Tree) *Subject {
	t.Helper()
	s, err := OpenProject("project", tree)
	if err != nil {
		t.Fatal(err)
	}
	s.Commands = ProjectCommands(s.Manifest)
	if err := s.MeasureCurves(context.Background()); err != nil {
		t.Fatal(err)
	}
	return s
}

// foreign is a model that the Vela compiler compiled.
func foreign(t testing.TB, name string) *Subject {
	t.Helper()
	name += ".vela51-u55-128.tflite"
	s, err := OpenCompiled(name, testdata.ReadShared(t, "data/models", name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func page(t testing.TB, subjects ...*Subject) []byte {
	t.Helper()
	b, err := Write("1.2.3", subjects)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// void are the elements without an end.
var void = []string{"meta", "link", "img", "br", "input"}

// checkPage holds a page to HTML's form: elements end where they must, names are given
// once, links lead somewhere in the page, and nothing is loaded from elsewhere.
func checkPage(t *testing.T, b []byte) (ids []string) {
	t.Helper()
	if len(b) > MostBytes {
		t.Errorf("%d bytes, at most %d are allowed", len(b), MostBytes)
	}
	z := html.NewTokenizer(bytes.NewReader(b))
	var open, links []string
	for {
		switch z.Next() {
		case html.ErrorToken:
			if err := z.Err(); !errors.Is(err, io.EOF) {
				t.Fatal(err)
			}
			if len(open) > 0 {
				t.Errorf("left open: %v", open)
			}
			for _, l := range links {
				if !slices.Contains(ids, l) {
					t.Errorf("a link leads to #%s, which is not there", l)
				}
			}
			return ids
		case html.StartTagToken:
			k := z.Token()
			if !slices.Contains(void, k.Data) {
				open = append(open, k.Data)
			}
			for _, a := range k.Attr {
				switch {
				case a.Key == "id" && slices.Contains(ids, a.Val):
					t.Errorf("id %q is given twice", a.Val)
				case a.Key == "id":
					ids = append(ids, a.Val)
				case a.Key == "href" && strings.HasPrefix(a.Val, "#"):
					links = append(links, a.Val[1:])
				case (a.Key == "src" || a.Key == "href") && !strings.HasPrefix(a.Val, "data:"):
					t.Errorf("%s loads %q from elsewhere", k.Data, a.Val)
				case a.Key == "aria-labelledby":
					links = append(links, a.Val)
				}
			}
			if k.Data == "img" && !slices.ContainsFunc(k.Attr, func(a html.Attribute) bool { return a.Key == "alt" && a.Val != "" }) {
				t.Error("a picture has no text in its place")
			}
		case html.EndTagToken:
			k := z.Token()
			if len(open) == 0 || open[len(open)-1] != k.Data {
				t.Fatalf("</%s> ends %v", k.Data, open)
			}
			open = open[:len(open)-1]
		}
	}
}

// TestPages writes pages of all kinds of subjects: whole, with every section, and the same
// bytes again.
func TestPages(t *testing.T) {
	unrolled, step := digits(t, compile.FormUnrolled), digits(t, compile.FormStep)
	for _, test := range []struct {
		name     string
		subjects func() []*Subject
		want     []string
	}{
		{"project", func() []*Subject { return []*Subject{openTree(t, unrolled)} },
			[]string{"Worst samples", "Confusion", "one of 2", "sram-budget", "Every value has 8 bits", "Drift over a stream", "operators to kernels", "unroll run . --on host"}},
		{"sequence of streams", func() []*Subject { return []*Subject{openTree(t, step)} },
			[]string{"Timeline: step", "started 28 times a call"}},
		{"foreign", func() []*Subject { return []*Subject{foreign(t, "gru32x40_stream")} },
			[]string{"The file does not hold the operators", "Unknown.", "weights or records of operation"}},
		{"side by side", func() []*Subject {
			return []*Subject{openTree(t, unrolled), openTree(t, step), foreign(t, "lstm64_mnist_state")}
		}, []string{"Side by side", "gru12 (project) (1)", "gru12 (project) (2)"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			subjects := test.subjects()
			b := page(t, subjects...)
			if again := page(t, subjects...); !bytes.Equal(b, again) {
				t.Error("the same subjects give another page")
			}
			ids := checkPage(t, b)
			for n := range subjects {
				for _, s := range sections {
					if id := fmt.Sprintf("s%d-%s", n, s); !slices.Contains(ids, id) {
						t.Errorf("section %s is missing", id)
					}
				}
			}
			for _, w := range test.want {
				if !bytes.Contains(b, []byte(w)) {
					t.Errorf("the page does not say %q", w)
				}
			}
		})
	}
}

// TestForeignNames puts everything that a file's author can choose through the page: none
// of it becomes markup.
func TestForeignNames(t *testing.T) {
	s := foreign(t, "gru16_t4")
	const evil = `</title><script>alert("x")</script>&'`
	s.Name, s.File = evil, evil
	s.Programs[0].Inputs[0].Name = evil
	s.Facts = &facts.Facts{Classes: []string{evil}, Assumed: []string{evil}, Data: &facts.Data{Source: evil}}
	for i := range s.Programs[0].Stages[0].Map {
		s.Programs[0].Stages[0].Map[i].Name = evil
	}
	s.Evidence = &Evidence{Errors: []lower.OutputError{{Name: evil}}, Widened: []string{evil}}
	b := page(t, s)
	checkPage(t, b)
	if bytes.Contains(b, []byte(`<script>alert`)) {
		t.Error("a name of the file became a script")
	}
}

// TestTimelineAddsUp holds the picture to the estimate: what kernels and gaps of a stage are
// drawn with add up to its cycles.
func TestTimelineAddsUp(t *testing.T) {
	for _, name := range []string{"gru16_t4", "gru32x40_stream", "lstm64_mnist_state", "rnn64_mnist"} {
		s := foreign(t, name)
		stages, err := s.stages()
		if err != nil {
			t.Fatal(err)
		}
		for _, st := range stages {
			var by float64
			for _, w := range st.axis.windows {
				by += w.Each * float64(w.Count)
			}
			if d := by - float64(st.report.Total); d > 1 || d < -1 {
				t.Errorf("%s: windows hold %.1f of %d cycles", name, by, st.report.Total)
			}
			var sum perf.Report
			if sum, err = perf.StageOf(st.program, &st.Stage); err != nil || len(sum.Ops) != len(st.ops) {
				t.Errorf("%s: %d operations drawn, %d estimated: %v", name, len(st.ops), len(sum.Ops), err)
			}
		}
	}
}

// TestTraced holds what is read off a foreign stream to what its compiler reserved: no byte
// beyond the arena, and most of it in use at some time.
func TestTraced(t *testing.T) {
	for _, name := range []string{"gru16_t4", "gru32x40_stream", "lstm64_mnist_state", "rnn64_mnist"} {
		s := foreign(t, name)
		stages, err := s.stages()
		if err != nil {
			t.Fatal(err)
		}
		u := stages[0].usage(ethosu.RegionArena)
		if arena := s.Programs[0].ArenaSize; u.Top > arena || u.Peak > u.Top || u.Peak < arena/2 {
			t.Errorf("%s: up to byte %d, %d at once, of an arena of %d", name, u.Top, u.Peak, arena)
		}
		pieces, size := flashPieces(s.Programs[0], stages), int64(0)
		for _, p := range pieces {
			if p.Start != size {
				t.Errorf("%s: %q begins at %d, expected %d", name, p.Name, p.Start, size)
			}
			size += p.Size
		}
		if size != int64(len(s.Programs[0].Constants)) {
			t.Errorf("%s: pieces hold %d of %d bytes", name, size, len(s.Programs[0].Constants))
		}
	}
}

// TestWriters follows bytes from kernel to kernel: what a transfer of constants writes over is
// nobody's work any more, and a part that is left stays its writer's.
func TestWriters(t *testing.T) {
	span := func(from, to int64) isa.Span { return isa.Span{Region: 1, Start: from, End: to} }
	var w writers
	w.note(span(0, 100), 0)
	w.note(span(40, 60), 1)
	w.note(span(80, 100), -1)
	for _, test := range []struct {
		read isa.Span
		want []int
	}{{span(0, 40), []int{0}}, {span(40, 60), []int{1}}, {span(30, 50), []int{0, 1}}, {span(80, 90), []int{-1}}, {span(100, 120), nil}} {
		got := w.of(test.read)
		slices.Sort(got)
		if !slices.Equal(got, test.want) {
			t.Errorf("%v was written by %v, expected %v", test.read, got, test.want)
		}
	}
}

// TestGolden compares the parts of a page that depend on a recorded stream alone.
func TestGolden(t *testing.T) {
	s := foreign(t, "gru32x40_stream")
	stages, err := s.stages()
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string]string{
		"timeline.svg": string(stages[0].drawTimeline()),
		"memory.svg":   string(stages[0].drawMemory(ethosu.RegionArena)),
		"graph.svg":    string(s.drawGraph(stages).Drawing),
		"flash.svg":    string(drawFlash(flashPieces(s.Programs[0], stages), 4*len(stages[0].Commands))),
	} {
		got = strings.ReplaceAll(got, "><", ">\n<") + "\n"
		testdata.Recorded(t, name, got, *update)
	}
}

func TestEvidenceIsChecked(t *testing.T) {
	for text, want := range map[string]string{
		`[`:             "expected what unroll lower --json prints",
		`{}`:            "holds nothing that was measured",
		`{"cycles": 3}`: "holds nothing that was measured",
		`{"widened": [], "worst": [{"steps": 2, "features": 3, "values": "AAA="}]}`:                                             "2 values for 2 steps of 3 features",
		`{"evaluation": {"float": {"confusion": [[1]]}, "quantized": {}}}`:                                                      "1 rows for 0 classes",
		`{"evaluation": {"float": {"confusion": [[1]], "classes": [{"support": 1}, {"support": 2}]}, "quantized": {}}}`:         "1 rows for 2 classes",
		`{"evaluation": {"float": {"confusion": [[1], [2, 3]], "classes": [{"support": 1}, {"support": 2}]}, "quantized": {}}}`: "has 1 entries for 2 classes",
	} {
		if _, err := DecodeEvidence("e.json", []byte(text)); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "e.json") {
			t.Errorf("%s: error %v, expected one with %q", text, err, want)
		}
	}
}
