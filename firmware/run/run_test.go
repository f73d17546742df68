package run_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/firmware/link"
	"github.com/unroll-npu/unroll/firmware/run"
)

func define(calls, faults int, flags string) []string {
	return []string{fmt.Sprintf("SELFTEST_CALLS=%d", calls), fmt.Sprintf("SELFTEST_FAULTS=%d", faults), "SELFTEST_FLAGS=" + flags}
}

// TestCalls runs the driver against an NPU that interrupts at once, after a while,
// or both, waits by interrupt and by polling, on every machine.
func TestCalls(t *testing.T) {
	const calls = 300
	delays := map[string]func() uint64{
		"immediate": nil,
		"delayed":   func() uint64 { return 20000 },
		"mixed": func() func() uint64 {
			r := rand.New(rand.NewPCG(7, 7))
			return func() uint64 { return r.Uint64N(3) * r.Uint64N(3000) }
		}(),
	}
	for _, c := range []struct {
		on, delay, flags    string
		plain, nonSecure    bool
		sanitize, wantDelay bool
	}{
		{on: "host", delay: "immediate", flags: "PLATFORM_NPU_FLAGS"},
		{on: "host", delay: "mixed", flags: "PLATFORM_NPU_FLAGS", plain: true},
		{on: "host", delay: "delayed", flags: "PLATFORM_NPU_FLAGS", sanitize: true},
		{on: "host", delay: "immediate", flags: "PLATFORM_NPU_FLAGS|UNROLL_NPU_POLLED", plain: true},
		{on: "qemu", delay: "immediate", flags: "PLATFORM_NPU_FLAGS"},
		{on: "qemu", delay: "delayed", flags: "PLATFORM_NPU_FLAGS"},
		{on: "qemu", delay: "mixed", flags: "PLATFORM_NPU_FLAGS|UNROLL_NPU_KEEP_POWER"},
		{on: "qemu", delay: "immediate", flags: "PLATFORM_NPU_FLAGS|UNROLL_NPU_POLLED"},
		{on: "qemu", delay: "mixed", flags: "PLATFORM_NPU_FLAGS", nonSecure: true},
		{on: "qemu-hook", delay: "mixed", flags: "PLATFORM_NPU_FLAGS"},
	} {
		name := fmt.Sprintf("%s/%s/%s/plain=%v/sanitize=%v/ns=%v", c.on, c.delay, strings.ReplaceAll(c.flags, "|", "+"), c.plain, c.sanitize, c.nonSecure)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			report := mustRun(t, run.Options{
				Dir: selftest(t), On: c.on, PlainCC: c.plain, NonSecure: c.nonSecure, Sanitize: c.sanitize,
				Define: define(calls, 0, c.flags), Delay: delays[c.delay],
				Connect: func(mem link.Memory) link.NPU { return newFake(mem) },
			})
			if !report.Pass || report.Calls != calls || report.Cycles != 1234 {
				t.Errorf("pass=%v calls=%d cycles=%d exit=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Cycles, report.Exit, report.Problem, report.Console)
			}
			if report.Link.Interrupts != calls {
				t.Errorf("%d interrupts, expected %d", report.Link.Interrupts, calls)
			}
			t.Logf("%+v, %d register reads, %d writes", report.Sizes, report.Link.RegisterReads, report.Link.RegisterWrites)
		})
	}
}

// TestFaults injects one fault per round of init, check, run and expects the code
// for it, and a run that works in the next round.
func TestFaults(t *testing.T) {
	rounds := []struct {
		fault fault
		want  string
	}{
		{fault{}, "init=OK check=OK run=OK"},
		{fault{status: 4}, "init=OK check=OK run=ERR_BUS qread=28 again=ERR_BUS"},
		{fault{}, "init=OK check=OK run=OK"},
		{fault{status: 0x10}, "init=OK check=OK run=ERR_PARSE qread=28 again=ERR_PARSE"},
		{fault{status: 0x80}, "init=OK check=OK run=ERR_WEIGHTS qread=28 again=ERR_WEIGHTS"},
		{fault{status: 0x100}, "init=OK check=OK run=ERR_ECC qread=28 again=ERR_ECC"},
		{fault{incomplete: true}, "init=OK check=OK run=ERR_INCOMPLETE qread=28 again=ERR_INCOMPLETE"},
		{fault{silent: true}, "init=OK check=OK run=ERR_TIMEOUT qread=0 again=ERR_TIMEOUT"},
		{fault{}, "init=OK check=OK run=OK"},
		{fault{id: 0x20007001}, "init=OK check=ERR_ARCHITECTURE"},
		{fault{config: 0x00001806}, "init=OK check=ERR_ACCELERATOR"},
		{fault{config: 0x10003008}, "init=OK check=ERR_ACCELERATOR"},
		{fault{protection: 1}, "init=ERR_PROTECTION"},
		{fault{id: 0xffffffff}, "init=ERR_NO_NPU"},
		{fault{}, "init=OK check=OK run=OK"},
	}
	var want strings.Builder
	for i, r := range rounds {
		fmt.Fprintf(&want, "%d: %s\n", i, r.want)
	}
	want.WriteString("RESULT: PASS\n")
	for _, on := range []string{"host", "qemu"} {
		for _, flags := range []string{"PLATFORM_NPU_FLAGS", "PLATFORM_NPU_FLAGS|UNROLL_NPU_POLLED"} {
			t.Run(on+"/"+strings.ReplaceAll(flags, "|", "+"), func(t *testing.T) {
				t.Parallel()
				report := mustRun(t, run.Options{
					Dir: selftest(t), On: on, Define: define(0, len(rounds), flags),
					Connect: func(mem link.Memory) link.NPU {
						npu := &roundsNPU{fakeNPU: newFake(mem)}
						for _, r := range rounds {
							npu.faults = append(npu.faults, r.fault)
						}
						return npu
					},
				})
				if diff := cmp.Diff(want.String(), report.Console); diff != "" {
					t.Errorf("console (-want +got):\n%s\nproblem %q", diff, report.Problem)
				}
			})
		}
	}
}

// roundsNPU takes the next fault when the driver is initialised, which it tells by
// the read of ID, the first of every round.
type roundsNPU struct {
	*fakeNPU
	faults []fault
	afresh bool
}

func (n *roundsNPU) ReadReg(off uint32) uint32 {
	if off == regID {
		n.afresh = !n.afresh // init reads ID before the reset and after it
		if n.afresh && len(n.faults) > 0 {
			n.fault, n.faults = n.faults[0], n.faults[1:]
			n.afresh = n.fault.id != 0xffffffff
		}
	}
	return n.fakeNPU.ReadReg(off)
}

// TestResetHangs is a test of its own: the driver polls many times.
func TestResetHangs(t *testing.T) {
	report := mustRun(t, run.Options{
		Dir: selftest(t), On: "host", PlainCC: true, Define: append(define(0, 1, "PLATFORM_NPU_FLAGS"), "UNROLL_NPU_RESET_POLLS=100"),
		Connect: func(mem link.Memory) link.NPU {
			npu := newFake(mem)
			npu.fault.noReset = true
			return npu
		},
	})
	if want := "0: init=ERR_RESET\nRESULT: PASS\n"; report.Console != want {
		t.Errorf("console %q, expected %q", report.Console, want)
	}
}

// TestWildAccess has the NPU read past its memory: the program sees a bus error and
// the run does not pass.
func TestWildAccess(t *testing.T) {
	report := mustRun(t, run.Options{
		Dir: selftest(t), On: "qemu", Define: define(3, 0, "PLATFORM_NPU_FLAGS"),
		Connect: func(mem link.Memory) link.NPU {
			npu := newFake(mem)
			npu.fault.wild = true
			return npu
		},
	})
	if report.Pass || !strings.Contains(report.Console, "run: ERR_BUS") || !strings.Contains(report.Problem, "outside of the sections") {
		t.Errorf("pass=%v problem=%q console:\n%s", report.Pass, report.Problem, report.Console)
	}
}

// TestNoNPU runs the image for the board on QEMU's machine without anybody behind
// the registers.
func TestExitWithoutLink(t *testing.T) {
	report := mustRun(t, run.Options{
		Dir: selftest(t), On: "host", PlainCC: true, Define: define(1, 0, "PLATFORM_NPU_FLAGS"),
		Connect: func(mem link.Memory) link.NPU { return newFake(mem) },
	})
	if !report.Pass {
		t.Errorf("problem %q", report.Problem)
	}
}
