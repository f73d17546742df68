package compile

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/compile/lowering"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Options say what to compile for and what to spend.
type Options struct {
	Accel  *ethosu.Accelerator
	System ethosu.SystemConfig
	Mode   ethosu.MemoryMode

	// SRAMBudget limits the SRAM bytes of arena and fast scratch together, 0 for
	// none. Resident weights are dropped to meet it; feature maps cannot be.
	SRAMBudget int

	// WeightsInSRAM places all constants in SRAM: the firmware copies them there
	// once at start.
	WeightsInSRAM bool

	// Progress, where it is not nil, is called before every pass. A budget, and a choice
	// between forms of a program, take several runs of all passes.
	Progress func(pass string)

	// Skip names passes that are left out, to measure what they are worth. Only
	// passes marked optional in Passes can be skipped.
	Skip []string
}

// Pass is one step of the compiler.
type Pass struct {
	Name     string
	Doc      string
	Optional bool
	run      func(*module) error
}

// Passes is the compiler: the passes in the order in which they run.
var Passes = []Pass{
	{Name: "check", Doc: "refuse graphs that are not well formed or not integer", run: checkGraph},
	{Name: "lower", Doc: "turn operators into NPU operations, data movement into addresses, fuse tables", run: lowerGraph},
	{Name: "project", Doc: "let one kernel work on the rows of all steps where each step has a kernel that does the same", Optional: true, run: projectRows},
	{Name: "sink", Doc: "move operations down to their first dependent, to save memory under a budget", Optional: true, run: sinkOperations},
	{Name: "records", Doc: "pack bias and scale records, equal ones once", run: packAllRecords},
	{Name: "prefetch", Doc: "decide whether weights are worth a transfer to faster memory", Optional: true, run: decidePrefetch},
	{Name: "sums", Doc: "let the MAC array do int8 ADD and SUB where it gives the same result", Optional: true, run: sumByPooling},
	{Name: "shapes", Doc: "write elementwise maps as pixels of 16 channels, which move in whole bursts", Optional: true, run: shapeElementwise},
	{Name: "blocks", Doc: "choose OFM blocks and SHRAM layouts by the cycle model", run: chooseBlocks},
	{Name: "budget", Doc: "choose the weights that stay in SRAM when there is a budget", run: keepWithinBudget},
	{Name: "split", Doc: "cut a convolution so that it starts before the last of its weights have arrived", Optional: true, run: splitWeights},
	{Name: "copies", Doc: "choose which weights and records kernels read from a copy in SRAM", Optional: true, run: chooseCopies},
	{Name: "order", Doc: "move operations down where transfers then overlap with more", Optional: true, run: orderForOverlap},
	{Name: "trim", Doc: "load only the part of a lookup table where its entries differ", Optional: true, run: trimTables},
	{Name: "tables", Doc: "place lookup tables in their slots", run: placeTables},
	{Name: "fetch", Doc: "bring records to SRAM right before their kernel where their latency sets its pace", Optional: true, run: fetchRecords},
	{Name: "operands", Doc: "copy constants that are feature maps to SRAM, too", Optional: true, run: copyOperands},
	{Name: "encode", Doc: "encode every distinct weight tensor once", run: encodeWeights},
	{Name: "transfers", Doc: "copy weights to SRAM, once for all steps, and start every transfer beside earlier kernels", run: scheduleTransfers},
	{Name: "states", Doc: "carry states in place", Optional: true, run: shareStates},
	{Name: "in-place", Doc: "let elementwise results take the memory of an operand", Optional: true, run: writeInPlace},
	{Name: "allocate", Doc: "give feature maps addresses by live range", run: allocate},
	{Name: "constants", Doc: "place constants", run: layoutConstants},
	{Name: "waits", Doc: "insert waits between transfers and kernels", run: insertWaits},
	{Name: "blockdep", Doc: "set block dependencies between kernels", run: setBlockDependencies},
	{Name: "emit", Doc: "write the command stream, changed registers only", run: emit},
}

// Compile turns an int8 or int16x8 graph into a program for one accelerator. The
// graph is not changed. The result depends on the graph and the options alone, and
// has passed the verifier: a program that does not is a *Fault, which is an error.
// Other errors name the operator and the tensor.
func Compile(g *graph.Graph, opt Options) (*ethosu.Program, error) {
	return verified(compileWith(g, opt, places{}))
}

func compileWith(g *graph.Graph, opt Options, at places) (*ethosu.Program, error) {
	if opt.Accel == nil {
		return nil, fmt.Errorf("compile: no accelerator given")
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
	limit := opt.sramLimit()
	m, err := projectIfFaster(limit, func(rows int) (m *module, together int, err error) {
		run := func(room int, small bool) (*module, error) {
			m := newModule(g, opt)
			m.room, m.small, m.rows, m.places = room, small, rows, at
			for _, p := range Passes {
				if p.Optional && opt.skips(p.Name) {
					continue
				}
				if opt.Progress != nil {
					opt.Progress(p.Name)
				}
				if err := p.run(m); err != nil {
					return nil, err
				}
				together = max(together, m.together)
			}
			return m, nil
		}
		if opt.SRAMBudget == 0 {
			m, err = run(-1, false)
		}
		if opt.SRAMBudget > 0 || err == nil && limit > 0 && m.sram() > limit {
			m, err = withinBudget(run, limit)
		}
		return m, together, err
	})
	if err != nil {
		return nil, fmt.Errorf("compile %s: %w", name(g), err)
	}
	return m.program(), nil
}

func checkGraph(m *module) error { return lowering.Check(m.g) }

func lowerGraph(m *module) error {
	low, err := lowering.Lower(m.g, lowering.Options{NoTableBesideMAC: m.accel.ReservedEndBanks == 0, Tight: m.small, Places: m.places.Places})
	if err != nil {
		return err
	}
	m.low = low
	for _, k := range low.Kernels {
		m.ops = append(m.ops, &op{Kernel: *k, kernelWait: -1, dmaWait: -1})
	}
	return nil
}

func newModule(g *graph.Graph, opt Options) *module {
	return &module{g: g, opt: opt, accel: opt.Accel, guesses: map[*kernel.Weights]int{}, streams: map[streamKey]*stream{}, times: map[perf.Work]kernelTime{},
		copies: map[*kernel.Weights]copyMode{}, records: map[*kernel.Buffer]*coded{}, sums: map[sumKey]depthSum{}, choices: map[perf.Work]blockChoice{}}
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
