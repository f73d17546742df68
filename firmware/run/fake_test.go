// SPDX-License-Identifier: Apache-2.0

package run_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/unroll-npu/unroll/firmware"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/firmware/internal/link"
	"github.com/unroll-npu/unroll/firmware/run"
)

// fakeNPU is an NPU for the project in firmware/testdata/selftest: it adds the bytes
// of region 0 to those at region 1, if the command stream is the expected one.
type fakeNPU struct {
	mem   link.Memory
	regs  map[uint32]uint32
	irq   bool
	runs  int
	fault fault
	lock  uint32 // registers that tell the program what to do
	misc  uint32
}

type fault struct {
	id, config uint32 // instead of the real ones, when not 0
	status     uint32 // error bits after a run
	silent     bool   // never ends
	mute       bool   // ends, but its interrupt reaches nobody
	noReset    bool   // reset stays in progress
	protection uint32 // xor into PROT
	wild       bool   // reads outside of its memory
	incomplete bool
}

const (
	regID, regStatus, regCmd, regReset = 0x000, 0x004, 0x008, 0x00c
	regQBase, regQRead, regQSize       = 0x010, 0x018, 0x020
	regProt, regConfig                 = 0x024, 0x028
	regBaseP, regCycles                = 0x080, 0x1a0
	regLock, regMisc                   = 0x02c, 0x148

	flagPolled, flagKeepPower = 0x10, 0x20 // of unroll_npu_init
)

// task is what the program does, which its main.c explains; mostCount is the largest number
// of times that it can be told.
type task uint32

const (
	taskCalls task = iota
	taskRounds
	taskOverflowStack
	taskReadNothing

	taskShift = 28
	mostCount = 1<<taskShift - 1
)

// newFake makes one for a program that does a task so many times, with the given flags of
// the driver.
func newFake(mem link.Memory, what task, count int, flags uint32) *fakeNPU {
	if count < 0 || count > mostCount {
		panic(fmt.Sprintf("BUG: a task that is done %d times, expected 0 to %d", count, mostCount))
	}
	return &fakeNPU{mem: mem, regs: map[uint32]uint32{}, lock: flags, misc: uint32(what)<<taskShift | uint32(count)}
}

func (n *fakeNPU) IRQ() bool { return n.irq && !n.fault.mute }

func (n *fakeNPU) ReadReg(off uint32) uint32 {
	switch off {
	case regID:
		if n.fault.id != 0 {
			return n.fault.id
		}
		return 0x10104201
	case regConfig:
		if n.fault.config != 0 {
			return n.fault.config
		}
		return 0x00001807
	case regStatus:
		s := n.regs[regStatus]
		if n.irq {
			s |= 2
		}
		if n.fault.noReset {
			s |= 8
		}
		return s
	case regLock:
		return n.lock
	case regMisc:
		return n.misc
	case regProt:
		return n.regs[regReset]&3 ^ n.fault.protection
	}
	return n.regs[off]
}

func (n *fakeNPU) WriteReg(off, v uint32) {
	switch off {
	case regReset:
		n.regs = map[uint32]uint32{regReset: v}
		n.irq = false
	case regCmd:
		if v&2 != 0 {
			n.irq = false
		}
		if v&1 != 0 && !n.fault.silent {
			n.run()
		}
	default:
		n.regs[off] = v
	}
}

func (n *fakeNPU) base(off uint32) uint64 { return uint64(n.regs[off]) | uint64(n.regs[off+4])<<32 }

func (n *fakeNPU) run() {
	n.runs++
	n.irq = true
	n.regs[regQRead] = 28
	n.regs[regStatus] = n.fault.status
	if n.fault.status != 0 || n.fault.incomplete {
		return
	}
	n.regs[regStatus] = n.work()
	n.regs[regCycles] = 1234
}

func (n *fakeNPU) work() uint32 {
	const bus, parse, end = 4, 0x10, 0x20
	commands := make([]byte, n.regs[regQSize])
	weights, feature := make([]byte, 256), make([]byte, 256)
	wild := uint64(0)
	if n.fault.wild {
		wild = 1024
	}
	if n.mem.ReadAt(n.base(regQBase), commands) != nil || n.mem.ReadAt(n.base(regBaseP)+wild, weights) != nil ||
		n.mem.ReadAt(n.base(regBaseP+8), feature) != nil {
		return bus
	}
	if len(commands) != 64 || binary.LittleEndian.Uint32(commands) != 0x53454C46 {
		return parse
	}
	for i := range feature {
		feature[i] += weights[i]
	}
	if n.mem.WriteAt(n.base(regBaseP+8)+256, feature) != nil {
		return bus
	}
	return end
}

// build says which of the images of the test project a test runs.
type build struct {
	on        string
	plain     bool
	sanitize  bool
	nonSecure bool
	toolchain string
	kind      string // CMAKE_BUILD_TYPE
	system    string // of systems: the program is a task of it
	define    string // a setting of that
}

// everything widens the tests to all builds, accelerators and models; by default a
// part of them runs that meets every file.
var everything = flag.Bool("everything", false, "run on all builds, accelerators and models")

var images struct {
	sync.Mutex
	dir  string
	made map[build]func() (string, error)
}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "selftest")
	if err != nil {
		panic(err)
	}
	images.dir, images.made = dir, map[build]func() (string, error){}
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// image builds the driver's test project, once for all tests, and skips the test
// where a tool is missing.
func image(t *testing.T, b build) string {
	t.Helper()
	images.Lock()
	once, ok := images.made[b]
	if !ok {
		dir := filepath.Join(images.dir, strconv.Itoa(len(images.made)))
		once = sync.OnceValues(func() (string, error) {
			for _, from := range []fs.FS{firmware.Files(), os.DirFS(filepath.Join("..", "testdata", "selftest"))} {
				if err := os.CopyFS(dir, from); err != nil {
					return "", err
				}
			}
			boards, err := board.Builtin().All()
			if err != nil {
				return "", err
			}
			for _, b := range boards {
				if err := b.WriteTo(dir); err != nil {
					return "", err
				}
			}
			if b.system != "" {
				if err := addSystem(dir, b.system, b.define); err != nil {
					return "", err
				}
			}
			opt := run.Options{Dir: dir, On: b.on, PlainCC: b.plain, Sanitize: b.sanitize, NonSecure: b.nonSecure, Toolchain: b.toolchain}
			if b.kind != "" {
				opt.Define = []string{"CMAKE_BUILD_TYPE=" + b.kind}
			}
			return run.Build(context.Background(), opt)
		})
		images.made[b] = once
	}
	images.Unlock()
	path, err := once()
	if errors.Is(err, run.ErrNoTool) {
		t.Skipf("SKIPPED: %s is not proven here: %v", b.on, err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// start runs an image of the test project over an NPU.
func start(t *testing.T, b build, npu func(link.Memory) link.NPU, delay func() uint64) *run.Report {
	t.Helper()
	var console bytes.Buffer
	report, err := run.Run(context.Background(), run.Options{
		On: b.on, Image: image(t, b), Sanitize: b.sanitize,
		Connect: npu, Delay: delay, Timeout: 2*time.Minute + time.Duration(*calls)*50*time.Millisecond, Console: &console,
	})
	if errors.Is(err, run.ErrNoTool) {
		t.Skipf("SKIPPED: %s is not proven here: %v", b.on, err)
	}
	if err != nil {
		t.Fatalf("%v\nconsole:\n%s", err, console.String())
	}
	return report
}
