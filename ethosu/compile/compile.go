// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/lowering"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/memory"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/ethosu/internal/target"
	"github.com/unroll-npu/unroll/ethosu/verify"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Options say what to compile for and what to spend.
type Options struct {
	Accel  *ethosu.Accelerator
	System ethosu.SystemConfig
	Mode   ethosu.MemoryMode

	// SRAMBudget limits the SRAM bytes of arena and fast scratch together, 0 for
	// none. Resident weights are dropped to meet it; feature maps cannot be, nor constants
	// that WeightsInSRAM places there.
	SRAMBudget int

	// WeightsInSRAM places all constants in SRAM: the firmware copies them there
	// once at start.
	WeightsInSRAM bool

	// NPUOnly refuses graphs with operators that the NPU cannot do, instead of leaving
	// those to the CPU.
	NPUOnly bool

	// Progress, where it is not nil, is called before every pass. A budget, and a choice
	// between forms of a program, take several runs of all passes.
	Progress func(pass string)

	// After, where it is not nil, is called after every pass. An error that it returns
	// ends the compilation.
	After func(State) error

	// Skip names passes that are left out, to measure what they are worth. Only
	// passes marked optional in Passes can be skipped.
	Skip []string

	streams *schedule.Streams // shared by the parts of a sequence, nil for a new set
	keep    **explorer        // takes what compiled the whole graph, where it is not nil

	unproven map[*ethosu.Program][]verify.Finding // takes what the verifier could not prove, where it is not nil
}

// Compile turns an int8 or int16x8 graph into a program for one accelerator. Operators
// that the NPU cannot do are left to the CPU, before, between and after streams, unless
// the options forbid it. The graph is not changed. The result depends on the graph and the
// options alone, and has passed the verifier: a program that does not is a *Fault, which is
// an error. Other errors name the operators and the tensors.
func Compile(g *graph.Graph, opt Options) (*ethosu.Program, error) {
	p, err := opt.verified(compileWith(g, opt, places{}))
	if err == nil && opt.WeightsInSRAM && opt.SRAMBudget > 0 && p.SRAM() > opt.SRAMBudget {
		return nil, fmt.Errorf("compile %s: with all constants in SRAM it takes %d bytes of that, the limit is %d: leave the weights in flash, or raise the budget", name(g), p.SRAM(), opt.SRAMBudget)
	}
	if err == nil || opt.NPUOnly {
		return p, err
	}
	return compileParts(g, opt, err)
}

func compileWith(g *graph.Graph, opt Options, at places) (*ethosu.Program, error) {
	e, err := newExplorer(g, &opt, at)
	if err != nil {
		return nil, err
	}
	if opt.keep != nil && *opt.keep == nil {
		*opt.keep = e
	}
	t := e.explore(Strategy, Variant{Room: -1})
	if t.Err != nil {
		return nil, fmt.Errorf("compile %s: %w", name(g), t.Err)
	}
	return e.program(&t), nil
}

// newExplorer completes the options and returns an explorer that has tried nothing yet.
func newExplorer(g *graph.Graph, opt *Options, at places) (*explorer, error) {
	if opt.Accel == nil {
		return nil, fmt.Errorf("compile: no accelerator given")
	}
	to, err := target.For(opt.Accel)
	if err != nil {
		return nil, fmt.Errorf("compile: %w", err)
	}
	if opt.System.Name == "" {
		opt.System = ethosu.DefaultSystemConfig(opt.Accel)
	}
	if opt.Mode.Name == "" {
		opt.Mode = ethosu.DefaultMemoryMode()
	}
	if err := ethosu.CheckMemory(opt.Accel, opt.System, opt.Mode); err != nil {
		return nil, err
	}
	if opt.WeightsInSRAM {
		opt.Mode.Const = opt.Mode.Cache // the port of the SRAM
	}
	if opt.streams == nil {
		opt.streams = schedule.NewStreams()
	}
	mem := memory.New(opt.System, opt.Mode, at.memory)
	e := &explorer{g: g, free: map[Variant]Trial{}, kept: map[keptKey]Trial{}, residency: map[Variant]*schedule.Residency{}, in: input{Options: *opt, kept: &lowering.Memo{}, places: at.Places, taken: at.taken, line: at.line}}
	for spill, m := range []*memory.Map{mem, mem.Spill()} {
		e.memories[spill], e.memos[spill] = m, schedule.NewMemo(to, m, opt.streams)
	}
	return e, nil
}

// sramLimit returns the bytes of SRAM that there are, 0 for any number: the budget, and
// no more than the memory mode gives to a scratch beside the arena.
func (o *Options) sramLimit() int {
	limit := o.SRAMBudget
	if n := o.Mode.CacheSize; o.Mode.Spills() && n > 0 && (limit == 0 || n < limit) {
		limit = n
	}
	return limit
}

func (o *Options) skips(pass string) bool {
	for _, s := range o.Skip {
		if s == pass {
			return true
		}
	}
	return false
}

func name(g *graph.Graph) string { return quoted(g.Name) }

func quoted(name string) string {
	if name == "" {
		return "graph"
	}
	return fmt.Sprintf("%q", name)
}
