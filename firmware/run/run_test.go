// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"context"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/firmware/internal/link"
	"github.com/unroll-npu/unroll/firmware/run"
)

var calls = flag.Int("calls", callsOf(os.Getenv("UNROLL_TEST_CALLS")), "how often TestCalls calls the driver")

// callsOf returns the number that the environment has for -calls, which packages without
// that flag would not take.
func callsOf(s string) int {
	if n, err := strconv.Atoi(s); err == nil && n > 0 {
		return n
	}
	return 120
}

// TestCalls runs the driver against an NPU that interrupts at once, after a while,
// or both, waits by interrupt and by polling, on every machine.
func TestCalls(t *testing.T) {
	calls := *calls
	if calls < 1 || calls > mostCount {
		t.Fatalf("-calls %d: expected 1 to %d", calls, mostCount)
	}
	delays := map[string]func() uint64{
		"immediate": nil,
		"delayed":   func() uint64 { return 20000 },
		"mixed": func() func() uint64 {
			r := rand.New(rand.NewPCG(7, 7))
			return func() uint64 { return r.Uint64N(3) * r.Uint64N(3000) }
		}(),
	}
	type variant struct {
		build
		delay string
		flags uint32
	}
	variants := []variant{
		{build{on: "host"}, "immediate", 0},
		{build{on: "host"}, "mixed", 0},
		{build{on: "host"}, "immediate", flagPolled},
		{build{on: "host", plain: true, sanitize: true}, "delayed", 0},
		{build{on: "qemu"}, "immediate", 0},
		{build{on: "qemu"}, "delayed", 0},
		{build{on: "qemu"}, "mixed", flagKeepPower},
		{build{on: "qemu"}, "immediate", flagPolled},
		{build{on: "qemu", nonSecure: true}, "mixed", 0},
		{build{on: "qemu", system: "FreeRTOS"}, "mixed", 0},
		{build{on: "qemu", system: "CMSIS-RTOS2"}, "mixed", 0},
		{build{on: "qemu", system: "Zephyr"}, "mixed", 0},
	}
	more := []variant{
		{build{on: "qemu-hook"}, "mixed", 0},
		{build{on: "qemu", kind: "Debug"}, "mixed", 0},
		{build{on: "qemu", kind: "Release"}, "immediate", 0},
		{build{on: "qemu", toolchain: "cmake/llvm.cmake"}, "mixed", 0},
		{build{on: "qemu", system: "FreeRTOS", define: "NARROW_TICKS"}, "delayed", 0}, // ticks of 16 bits, 32768 a second
	}
	if *everything {
		variants = append(variants, more...)
	}
	for _, c := range variants {
		t.Run(fmt.Sprintf("%+v/%s/flags=%#x", c.build, c.delay, c.flags), func(t *testing.T) {
			t.Parallel()
			if c.toolchain != "" {
				for _, name := range []string{"clang", "ld.lld"} {
					if _, err := run.Find(name); err != nil {
						t.Skipf("SKIPPED: %v", err)
					}
				}
			}
			report := start(t, c.build, func(mem link.Memory) link.NPU { return newFake(mem, taskCalls, calls, c.flags) }, delays[c.delay])
			if !report.Pass || report.Calls != calls || report.Cycles != 1234 {
				t.Errorf("pass=%v calls=%d cycles=%d exit=%d problem=%q console:\n%s", report.Pass, report.Calls, report.Cycles, report.Exit, report.Problem, report.Console)
			}
			if report.Link.Interrupts != calls {
				t.Errorf("%d interrupts, expected %d", report.Link.Interrupts, calls)
			}
		})
	}
}

// TestFaults injects one fault per round of init, check, run and expects the code
// for it, and a run that works in the next round: on bare machines, and as a task of
// every operating system that has a port.
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
		{fault{mute: true}, "init=OK check=OK run=ERR_INTERRUPT qread=28 again=ERR_INTERRUPT"},
		{fault{id: 0x20007001}, "init=OK check=ERR_ARCHITECTURE"},
		{fault{config: 0x00001806}, "init=OK check=ERR_ACCELERATOR"},
		{fault{config: 0x10003008}, "init=OK check=ERR_ACCELERATOR"},
		{fault{protection: 1}, "init=ERR_PROTECTION"},
		{fault{id: 0xffffffff}, "init=ERR_NO_NPU"},
		{fault{}, "init=OK check=OK run=OK"},
	}
	machines := []build{{on: "host"}, {on: "qemu"}}
	for _, s := range systems {
		machines = append(machines, build{on: "qemu", system: s.name})
	}
	for _, machine := range machines {
		for _, flags := range []uint32{0, flagPolled} {
			var want strings.Builder
			for i, r := range rounds {
				if r.fault.mute && flags == flagPolled {
					r.want = "init=OK check=OK run=OK" // nobody waits for an interrupt
				}
				fmt.Fprintf(&want, "%d: %s\n", i, r.want)
			}
			want.WriteString("RESULT: PASS\n")
			t.Run(fmt.Sprintf("%s%s/flags=%#x", machine.on, machine.system, flags), func(t *testing.T) {
				t.Parallel()
				report := start(t, machine, func(mem link.Memory) link.NPU {
					npu := &roundsNPU{fakeNPU: newFake(mem, taskRounds, len(rounds), flags)}
					for _, r := range rounds {
						npu.faults = append(npu.faults, r.fault)
					}
					return npu
				}, nil)
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
	report := start(t, build{on: "host"}, func(mem link.Memory) link.NPU {
		npu := newFake(mem, taskRounds, 1, 0)
		npu.fault.noReset = true
		return npu
	}, nil)
	if want := "0: init=ERR_RESET\nRESULT: PASS\n"; report.Console != want {
		t.Errorf("console %q, expected %q", report.Console, want)
	}
}

// TestWildAccess has the NPU read past its memory: the program sees a bus error and
// the run does not pass.
func TestWildAccess(t *testing.T) {
	report := start(t, build{on: "qemu"}, func(mem link.Memory) link.NPU {
		npu := newFake(mem, taskCalls, 3, 0)
		npu.fault.wild = true
		return npu
	}, nil)
	if report.Pass || !strings.Contains(report.Console, "run: ERR_BUS") || !strings.Contains(report.Problem, "outside of the sections") {
		t.Errorf("pass=%v problem=%q console:\n%s", report.Pass, report.Problem, report.Console)
	}
}

// TestBreakdown has the core take faults that are no business of the bridge.
func TestBreakdown(t *testing.T) {
	for _, c := range []struct {
		name string
		task task
		want string
	}{
		{"stack overflow", taskOverflowStack, "CFSR=0x00100000 HFSR=0x40000000"},
		{"nothing there", taskReadNothing, "BFAR=0x58200000"},
	} {
		t.Run(c.name, func(t *testing.T) {
			report := start(t, build{on: "qemu"}, func(mem link.Memory) link.NPU { return newFake(mem, c.task, 1, 0) }, nil)
			if report.Pass || report.Exit != 99 || !strings.Contains(report.Console, c.want) || !strings.Contains(report.Problem, "fault") {
				t.Errorf("pass=%v exit=%d problem=%q console:\n%s", report.Pass, report.Exit, report.Problem, report.Console)
			}
		})
	}
}

// TestTimeout has the interrupt come much later than anybody waits for. The program
// is killed; that it is dead shows in Run returning at all.
func TestTimeout(t *testing.T) {
	for _, on := range []string{"host", "qemu"} {
		_, err := run.Run(context.Background(), run.Options{
			On: on, Image: image(t, build{on: on}), Timeout: 300 * time.Millisecond,
			Connect: func(mem link.Memory) link.NPU { return newFake(mem, taskCalls, mostCount, 0) },
		})
		if err == nil || !strings.Contains(err.Error(), "does not end within 300ms") {
			t.Errorf("%s: %v", on, err)
		}
	}
}

// TestUnlinked runs images as nobody should: without an NPU at the other end.
func TestUnlinked(t *testing.T) {
	for _, c := range []struct {
		build
		want string
	}{
		{build{on: "host"}, "start this program with"},
		{build{on: "qemu"}, ""},
	} {
		t.Run(c.on, func(t *testing.T) {
			path := image(t, c.build)
			argv := []string{path}
			if c.on == "qemu" {
				qemu, err := run.Find("qemu-system-arm")
				if err != nil {
					t.Skipf("SKIPPED: %v", err)
				}
				argv = []string{qemu, "-M", "mps3-an547", "-display", "none", "-monitor", "none", "-serial", "file:/dev/stderr", "-semihosting-config", "enable=on,target=native", "-kernel", path}
			}
			cmd := exec.Command(argv[0], argv[1:]...)
			var stderr strings.Builder
			cmd.Stderr = &stderr
			err := cmd.Run() // stdin and stdout are the null device: nothing answers
			if exit, ok := err.(*exec.ExitError); !ok || exit.ExitCode() != 97 || !strings.Contains(stderr.String(), c.want) {
				t.Errorf("%v, stderr %q; expected exit status 97", err, stderr.String())
			}
		})
	}
}
