// SPDX-License-Identifier: Apache-2.0

package run

import (
	"context"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strings"
	"time"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/firmware/internal/link"
)

// Options says what to run, where and how. Dir, On and Connect (Accel on the FVP)
// must be given.
type Options struct {
	Dir string // the project; it may be empty with Image, for a board that comes with unroll
	On  string // where to run it: a board's name, as the project's boards give it

	// Connect makes the NPU over the program's memory; see Simulated.
	Connect func(link.Memory) link.NPU
	// Accel is the accelerator the project was compiled for.
	Accel *ethosu.Accelerator

	// Image runs this program, which Build made, instead of building.
	Image string
	// BuildDir is where objects and image go; below Dir/build when empty.
	BuildDir string
	// Fresh removes what an earlier build left, or somebody put, in the folder below
	// Dir/build: it would be run or linked.
	Fresh bool
	// PlainCC builds for this machine with nothing but a C compiler, also where
	// CMake is at hand.
	PlainCC bool
	// Sanitize builds for this machine with AddressSanitizer and UBSan.
	Sanitize bool
	// Shadow puts a data cache at its worst between the program and the NPU's memory.
	Shadow bool
	// NonSecure links for the non-secure addresses.
	NonSecure bool
	// Toolchain is a CMake toolchain file below the project, cmake/llvm.cmake say,
	// instead of the target's own.
	Toolchain string
	// Example builds and runs one of the project's examples, by its name, instead of the
	// program that checks the golden vectors.
	Example string
	// EthosuDriver is the folder of the source of Arm's core driver, for a project that
	// is made for it; what stands in for the driver runs the streams when empty.
	EthosuDriver string
	// Define is passed to CMake and the compiler: NAME=VALUE.
	Define []string

	// Delay of the NPU's interrupt; see link.Options.
	Delay func() uint64
	// Timeout of the program itself, 5 minutes when 0.
	Timeout time.Duration
	// Console receives what the program prints, as it prints it.
	Console io.Writer
	// Progress is told what is being done.
	Progress func(what string)
}

// Report is the outcome, as unroll run --json prints it.
type Report struct {
	On         string `json:"on"`
	Pass       bool   `json:"pass"`
	Calls      int    `json:"calls"`
	Mismatches int    `json:"mismatches"`
	Sizes
	Cycles   uint64            `json:"cycles,omitempty"`   // of the last call; 0 where nothing counts
	Counters map[string]uint64 `json:"counters,omitempty"` // of the NPU's PMU, likewise
	Problem  string            `json:"problem,omitempty"`  // why not Pass
	Image    string            `json:"image"`              // path of the program

	// ArmDriver says that Sizes are the library's alone: the driver is Arm's.
	ArmDriver bool `json:"-"`

	Exit    int         `json:"-"` // status of the program, or of the emulator
	Console string      `json:"-"` // what it printed
	Link    *link.Stats `json:"-"` // nil on the FVP
}

// Run builds the project and runs it. The error says why it could not be built or
// run: a missing tool (errors.Is ErrNoTool), a *BuildError, the timeout. A program
// that ran and failed is a Report with Pass false.
func Run(ctx context.Context, opt Options) (*Report, error) {
	if opt.Dir != "" {
		if err := checkProject(opt.Dir); err != nil {
			return nil, err
		}
	}
	t, err := findBoard(opt.Dir, opt.On)
	if err != nil {
		return nil, err
	}
	if err := opt.checkDriver(t); err != nil {
		return nil, err
	}
	if t.Linked && opt.Connect == nil {
		panic("BUG: Run needs Options.Connect on " + t.On)
	}
	if !t.Linked && opt.Accel == nil {
		panic("BUG: Run needs Options.Accel on " + t.On)
	}
	image := opt.Image
	if image == "" {
		if image, err = Build(ctx, opt); err != nil {
			return nil, err
		}
	} else if err := checkImage(image, t.Host()); err != nil {
		return nil, err
	}
	report := &Report{On: t.On, Image: image}
	// Of another build nobody knows which objects lie beside its image; with sanitizers checks
	// and red zones would be counted.
	if opt.Image == "" && !opt.Sanitize {
		counted := library
		if report.ArmDriver = opt.armDriver(); report.ArmDriver {
			counted = library[:1] // the driver is not ours
		}
		if report.Sizes, err = measure(image, counted); err != nil {
			return nil, err
		}
	}
	argv, err := commandLine(t, image, opt.Accel)
	if err != nil {
		return nil, err
	}
	opt.say("running on " + t.On)
	if err := execute(ctx, t, argv, opt, report); err != nil {
		return nil, err
	}
	report.judge()
	return report, nil
}

func (o *Options) say(what string) {
	if o.Progress != nil {
		o.Progress(what)
	}
}

// buildDir is the build folder: one for each way to build, so that none finds the
// objects of another.
func (o *Options) buildDir(b *board.Board) string {
	if o.BuildDir != "" {
		return o.BuildDir
	}
	name := b.Target
	if b.Host() && o.PlainCC {
		name += "-cc"
	}
	if !b.Host() && o.Toolchain != "" {
		name += "-" + strings.TrimSuffix(path.Base(o.Toolchain), ".cmake")
	}
	if o.Sanitize {
		name += "-sanitize"
	}
	if o.NonSecure {
		name += "-nonsecure"
	}
	if o.Shadow {
		name += "-shadow"
	}
	if o.Example != "" {
		name += "-" + o.Example
	}
	if o.EthosuDriver != "" {
		name += "-ethosu"
	}
	return filepath.Join(o.Dir, "build", name)
}

// checkProject tells a folder that is no generated project from one that is.
func checkProject(dir string) error {
	for _, need := range []string{"CMakeLists.txt", "npu/npu_driver.c", "platform/platform.h", "platform/host/board.json"} {
		if _, err := os.Stat(filepath.Join(dir, need)); errors.Is(err, os.ErrNotExist) {
			return fmt.Errorf("%s is no generated project, it has no %s: name a folder that unroll generate or build wrote", dir, need)
		} else if err != nil {
			return err
		}
	}
	return nil
}

// checkImage refuses what cannot be the image of another build: an emulator that is given
// some other file waits until its time is over.
func checkImage(image string, host bool) error {
	if _, err := os.Stat(image); err != nil || host {
		return err
	}
	f, err := elf.Open(image)
	if err != nil {
		return fmt.Errorf("image %s is no ELF file (%w): give the linked program, as fw.elf", image, err)
	}
	defer f.Close()
	if f.Machine != elf.EM_ARM {
		return fmt.Errorf("image %s is for %v, expected EM_ARM: give the program that was linked for the board", image, f.Machine)
	}
	return nil
}
