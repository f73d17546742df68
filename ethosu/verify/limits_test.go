// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// scattered is the beginning of what is said where a stream takes too much work.
const scattered = "the rest of the stream is not judged"

// TestSpend: work may be spent to the last unit, its end is told once, and nothing may be
// spent after it.
func TestSpend(t *testing.T) {
	for _, c := range []struct {
		before, n int
		may, told bool
	}{
		{0, 0, true, false}, {0, maxWork, true, false}, {maxWork - 1, 1, true, false}, {maxWork, 0, true, false},
		{maxWork, 1, false, true}, {0, maxWork + 1, false, true}, {maxWork + 1, 1, false, false}, {maxWork + 1, 0, false, false},
	} {
		check := checkerOf(t, "ethos-u55-128")
		check.work = c.before
		if may := check.spend(c.n); may != c.may || (len(check.findings) == 1) != c.told || check.work != c.before+c.n {
			t.Errorf("%d after %d: may be spent: %v, %v; expected %v, and a finding: %v", c.n, c.before, may, check.findings, c.may, c.told)
		}
	}
}

// TestOutOfWork: what would take more work than is left is not judged, and said once.
func TestOutOfWork(t *testing.T) {
	far := plain(1024, 1, 1<<17, 1, typeS8) // of half as many ranges as are listed
	far.StrideX = 2
	further := far // of as many, with the second row
	further.H, further.Height0, further.StrideY = 2, 2, 1<<18
	point := isa.Kernel{H: 1, W: 1, StrideY: 1, StrideX: 1, DilationY: 1, DilationX: 1, DilatedH: 1, DilatedW: 1}
	for _, c := range []struct {
		name  string
		left  int // of the work
		f     func(c *checker)
		spent int
		found int // findings beside that the work is at its end
	}{
		{"a transfer", 0, func(c *checker) {
			c.dma(lastOperation(t, "NPU_SET_DMA0_SRC_REGION\nNPU_SET_DMA0_SRC addr=8\nNPU_SET_DMA0_DST_REGION region=1\nNPU_SET_DMA0_DST\nNPU_SET_DMA0_LEN length=16\nNPU_OP_DMA_START"))
		}, 1, 0}, // the source of which is not aligned, which nobody looks at
		{"maps that meet", 0, func(c *checker) {
			a, b := plain(0, 1, 1, 8, typeS8), plain(8, 1, 1, 8, typeS8)
			if !c.meet(&a, whole(&a), &b, whole(&b)) {
				t.Error("maps that nobody compared do not meet")
			}
		}, 2 + maxRuns, 0},
		{"maps that are too scattered to compare", maxWork, func(c *checker) {
			a := plain(0, 1, 1, 8, typeS8)
			if !c.meet(&further, whole(&further), &a, whole(&a)) || !c.meet(&a, whole(&a), &further, whole(&further)) {
				t.Error("maps that nobody compared do not meet")
			}
		}, 2 * maxRuns, 0},
		{"an input", 0, func(c *checker) {
			if at := c.readBox(&isa.FeatureMap{Region: 1, Type: typeS8, H: 1, W: 1, C: 8, Height0: 1, Width0: 1}, nil); at != -1 {
				t.Errorf("byte %d of an input that nobody looked at", at)
			}
		}, 2, 0},
		{"an input that is too scattered to list", maxWork, func(c *checker) {
			if at := c.readBox(&further, nil); at != -1 {
				t.Errorf("byte %d of an input that nobody looked at", at)
			}
		}, maxRuns, 0},
		{"an input of which too many pieces are read", maxWork, func(c *checker) {
			f := plain(0, 1025, 1025, 1, typeS8)
			k := &kernel{ofm: plain(0, 513, 513, 1, typeS8), k: point, up: 1}
			k.k.StrideY, k.k.StrideX = 2, 2
			if at := c.readBox(&f, k); at != -1 {
				t.Errorf("byte %d of an input that nobody looked at", at)
			}
		}, maxRuns, 0},
		{"an output", 0, func(c *checker) {
			k := &kernel{ofm: plain(64, 1, 1, 16, typeS8)}
			k.out = k.ofm.Spans()
			if c.writes(k); len(c.defined[1]) > 0 {
				t.Errorf("%v is written", c.defined[1])
			}
		}, 1, 0},
		{"an output that is too scattered to list", maxWork, func(c *checker) {
			k := &kernel{ofm: further}
			k.out = k.ofm.Spans()
			if c.writes(k); !slices.Equal(c.defined[1], ranges{{1024, k.out[0].End}}) { // all between counts as written
				t.Errorf("%v is written, expected %v", c.defined[1], k.out)
			}
		}, maxRuns, 0},
		{"values", 0, func(c *checker) {
			f := plain(0, 1, 1, 4, typeS32)
			putWords(c, 1, 0, 1, 2, 3, 4)
			if v, _ := c.valueOf(&f); v.hull() != int32s {
				t.Errorf("%v of a map that nobody looked at", v)
			}
		}, 1, 0},
		{"what depends on nothing", 0, func(c *checker) {
			k := &kernel{ifm: plain(0, 1, 1, 16, typeS8), ofm: plain(64, 1, 1, 16, typeS8), k: point, up: 1}
			if list := c.dependents(k); !slices.Equal(list, ranges{{64, 80}}) {
				t.Errorf("%v depends on bytes without a value, expected all", list)
			}
		}, 8, 0},
		{"a pool by its maximum", 0, func(c *checker) {
			c.writes(&kernel{ofm: plain(64, 1, 1, 16, typeS8), out: []isa.Span{{Region: 1, Start: 64, End: 80}}})
			c.writes(&kernel{ofm: plain(64, 1, 1, 16, typeS8), out: []isa.Span{{Region: 1, Start: 64, End: 80}}})
		}, 2, 0},
	} {
		check := checkerOf(t, "ethos-u65-256")
		check.work = maxWork - c.left
		c.f(check)
		told := slices.DeleteFunc(slices.Clone(check.findings), func(f Finding) bool { return !strings.HasPrefix(f.Msg, scattered) })
		if want := c.left == 0; (len(told) == 1) != want || len(check.findings) != len(told)+c.found || check.work-maxWork+c.left != c.spent {
			t.Errorf("%s: %v, with %d of work; expected %d and that its end is told: %v", c.name, check.findings, check.work-maxWork+c.left, c.spent, want)
		}
	}
}

// TestMostRanges: a map may have as many ranges of bytes as are listed, less one.
func TestMostRanges(t *testing.T) {
	for n, want := range map[int]bool{maxRuns - 1: true, maxRuns: false} {
		f := plain(0, 1, n, 1, typeS8)
		f.StrideX = 2
		if list, ok := bytesOf(&f, whole(&f)); ok != want || ok && len(list) != n {
			t.Errorf("%d ranges: %d, listed %v, expected %v", n, len(list), ok, want)
		}
	}
}

// TestReportEnds: at most so many findings are kept, proven or not, and those after them
// change none.
func TestReportEnds(t *testing.T) {
	check := checkerOf(t, "ethos-u55-128")
	for range maxFindings - 1 {
		check.report(RuleDMA, "one of many")
	}
	check.unproven(RuleType, "the last")
	check.unproven(RuleType, "one too many")
	check.report(RuleDMA, "another too many")
	check.stale[1] = []stale{{Range{0, 1}, Finding{Word: 7}}}
	check.left()
	r := reportOf(3, check.findings)
	if len(r.Findings) != maxFindings-1 || len(r.Unproven) != 1 || r.Unproven[0].Msg != "the last" || r.Operations != 3 || r.Proven() || len(r.All()) != maxFindings {
		t.Errorf("%d findings and %v", len(r.Findings), r.Unproven)
	}
	if r := reportOf(3, append(check.findings, Finding{Unproven: true}, Finding{})); len(r.Findings) != maxFindings-1 || len(r.Unproven) != 1 {
		t.Errorf("%d findings and %d unproven, expected %d together", len(r.Findings), len(r.Unproven), maxFindings)
	}
}

// TestProven: a report with a finding of either class shows nothing to be right.
func TestProven(t *testing.T) {
	for _, c := range []struct {
		r    Report
		want bool
	}{
		{Report{}, true}, {Report{Findings: []Finding{{}}}, false}, {Report{Unproven: []Finding{{}}}, false}, {Report{Findings: []Finding{{}}, Unproven: []Finding{{}}}, false},
		{Report{Operations: 5}, true},
	} {
		if got := c.r.Proven(); got != c.want {
			t.Errorf("%+v is proven: %v, expected %v", c.r, got, c.want)
		}
	}
}

// TestLeftOnce: what a stream leaves without a value is told once for each place where
// that began.
func TestLeftOnce(t *testing.T) {
	check := checkerOf(t, "ethos-u55-128")
	check.stale[1] = []stale{{Range{0, 1}, Finding{Word: 7}}, {Range{4, 5}, Finding{Word: 7}}, {Range{8, 9}, Finding{Word: 9}}}
	check.stale[2] = []stale{{Range{0, 1}, Finding{Word: 7}}, {Range{0, 1}, Finding{Word: 11}}}
	check.left()
	var words []int
	for _, f := range check.findings {
		words = append(words, f.Word)
	}
	if !slices.Equal(words, []int{7, 9, 11}) {
		t.Errorf("findings at words %v, expected 7, 9 and 11", words)
	}
}

// TestFindingText: the text of a finding says what it is of, and whether it is proven.
func TestFindingText(t *testing.T) {
	for _, c := range []struct {
		f    Finding
		want string
	}{
		{Finding{Word: 3, Op: -1, Name: "NPU_OP_STOP", Rule: RuleStream, Msg: "too early"}, "word 3: NPU_OP_STOP: stream: too early"},
		{Finding{Word: 3, Op: 0, Name: "copy", Rule: RuleDMA, Msg: "length is 0"}, "word 3: operation 0 (copy): dma: length is 0"},
		{Finding{Word: 3, Op: 1, Name: "copy", Rule: RuleDMA, Msg: "rows", Unproven: true}, "word 3: operation 1 (copy): dma (unproven): rows"},
	} {
		if got := c.f.String(); got != c.want {
			t.Errorf("%q, expected %q", got, c.want)
		}
	}
}

// TestLongStreams: the first length that a stream may not have, and the one before it.
func TestLongStreams(t *testing.T) {
	for _, name := range []string{"ethos-u55-128", "ethos-u85-256"} {
		a, err := ethosu.ParseAccelerator(name)
		if err != nil {
			t.Fatal(err)
		}
		words := make([]uint32, maxStreamWords)
		for n, want := range map[int]bool{maxStreamWords: true, maxStreamWords - 1: false} {
			all := Stream(a, words[:n], Regions{}).All()
			if got := len(all) == 1 && all[0] == (Finding{Op: -1, Name: "stream", Rule: RuleStream, Msg: "4194304 words, expected less than 4194304"}); got != want {
				t.Errorf("%s, %d words: %v", name, n, all)
			}
		}
	}
}

// TestStreamEnds: a stream of nothing but bad commands is not walked to its end, and one
// whose work is done is not judged further.
func TestStreamEnds(t *testing.T) {
	for name, lines := range map[string]string{"ethos-u55-128": "NPU_OP_IRQ mask=1\n", "ethos-u65-256": "NPU_OP_PMU_MASK\n"} {
		a, err := ethosu.ParseAccelerator(name)
		if err != nil {
			t.Fatal(err)
		}
		words, err := isa.Assemble(strings.Repeat(lines, 300) + "NPU_OP_DMA_START\nNPU_OP_STOP mask=65535")
		if err != nil {
			t.Fatal(err)
		}
		if r := Stream(a, words, Regions{}); len(r.Findings) != maxFindings || r.Findings[maxFindings-1].Word != maxFindings-1 || r.Operations != 0 {
			t.Errorf("%s: %d findings, the last %v", name, len(r.Findings), r.Findings[len(r.Findings)-1])
		}
	}
	copies := "NPU_SET_DMA0_SRC_REGION\nNPU_SET_DMA0_SRC\nNPU_SET_DMA0_DST_REGION region=1\nNPU_SET_DMA0_DST\nNPU_SET_DMA0_LEN length=16\nNPU_OP_DMA_START\nNPU_OP_DMA_START\nNPU_OP_STOP mask=65535"
	words, err := isa.Assemble(copies)
	if err != nil {
		t.Fatal(err)
	}
	for left, want := range map[int]int{0: 1, 1: 2, 2: 2} { // operations that are looked at
		check := checkerOf(t, "ethos-u55-128")
		check.work = maxWork - left
		if check.walk(words); check.operations != want {
			t.Errorf("with %d of work left %d transfers are looked at, expected %d", left, check.operations, want)
		}
	}
}

// TestParallelMode: what runs on several cores is told once where a stream does not say on
// how many; configurations of one core and one product do not have to say it.
func TestParallelMode(t *testing.T) {
	copies := "NPU_SET_DMA0_SRC_REGION\nNPU_SET_DMA0_SRC\nNPU_SET_DMA0_DST_REGION region=1\nNPU_SET_DMA0_DST\nNPU_SET_DMA0_LEN length=16\nNPU_OP_DMA_WAIT\nNPU_OP_DMA_START\nNPU_OP_DMA_WAIT\nNPU_OP_DMA_START\nNPU_OP_STOP mask=65535"
	for _, c := range []struct {
		accel, first string
		found        int
	}{{"ethos-u55-128", "", 0}, {"ethos-u65-256", "", 1}, {"ethos-u65-256", "NPU_SET_PARALLEL_MODE\n", 0}, {"ethos-u65-512", "NPU_SET_PARALLEL_MODE\n", 0}, {"ethos-u65-512", "", 1}} {
		a, err := ethosu.ParseAccelerator(c.accel)
		if err != nil {
			t.Fatal(err)
		}
		words, err := isa.Assemble(c.first + copies)
		if err != nil {
			t.Fatal(err)
		}
		all := Stream(a, words, Regions{{Size: 64, Constant: true}, {Size: 64}}).All()
		if len(all) != c.found || c.found > 0 && (all[0].Rule != RuleRegister || all[0].Op != 0) {
			t.Errorf("%s after %q: %v, expected %d findings", c.accel, c.first, all, c.found)
		}
	}
}
