// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/emit"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/lowering"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/memory"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/place"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Pass is one step of the compiler.
type Pass struct {
	Name     string
	Doc      string
	Optional bool
	run      func(*compilation) error
}

// Passes is the compiler: the passes in the order in which they run.
var Passes = []Pass{
	{Name: "check", Doc: "refuse graphs that are not well formed or not integer", run: check},
	{Name: "lower", Doc: "turn operators into NPU operations, data movement into addresses, fuse tables", run: lower},
	{Name: "project", Doc: "let one kernel work on the rows of all steps where each step has a kernel that does the same", Optional: true, run: scheduled(schedule.ProjectRows)},
	{Name: "sink", Doc: "move operations down to their first dependent, to save memory under a budget", Optional: true, run: scheduled(schedule.SinkOperations)},
	{Name: "records", Doc: "pack bias and scale records, equal ones once", run: scheduled(schedule.PackRecords)},
	{Name: "prefetch", Doc: "decide whether weights are worth a transfer to faster memory", Optional: true, run: scheduled(schedule.DecidePrefetch)},
	{Name: "formats", Doc: "choose the weights for the fast decoder of an Ethos-U85", Optional: true, run: scheduled(schedule.ChooseFormats)},
	{Name: "rescale", Doc: "let one kernel sum the rows of all steps where each step scales the same sums in another way", Optional: true, run: scheduled(schedule.RescaleRows)},
	{Name: "recompute", Doc: "compute a value twice where waiting for it takes longer", Optional: true, run: scheduled(schedule.Recompute)},
	{Name: "sums", Doc: "let the MAC array do int8 ADD and SUB where it gives the same result", Optional: true, run: scheduled(schedule.SumByPooling)},
	{Name: "shapes", Doc: "write elementwise maps as pixels of 16 channels, which move in whole bursts", Optional: true, run: scheduled(schedule.ShapeElementwise)},
	{Name: "blocks", Doc: "choose OFM blocks and SHRAM layouts by the cycle model", run: scheduled(schedule.ChooseBlocks)},
	{Name: "interleave", Doc: "move operations apart that wait for each other, where others fit between them", Optional: true, run: scheduled(schedule.Interleave)},
	{Name: "budget", Doc: "choose the weights that stay in SRAM when there is a budget", run: keepWithinBudget},
	{Name: "split", Doc: "cut a convolution so that it starts before the last of its weights have arrived", Optional: true, run: scheduled(schedule.SplitWeights)},
	{Name: "copies", Doc: "choose which weights and records kernels read from a copy in SRAM", Optional: true, run: scheduled(schedule.ChooseCopies)},
	{Name: "order", Doc: "move operations down where transfers then overlap with more", Optional: true, run: scheduled(schedule.OrderForOverlap)},
	{Name: "refine", Doc: "weigh the forms of an Ethos-U85's weights, and where they and their records are read, against each other", Optional: true, run: scheduled(schedule.RefineWeights)},
	{Name: "chain", Doc: "let elementwise operations of an Ethos-U85 take the result before them inside the NPU", Optional: true, run: scheduled(schedule.ChainKernels)},
	{Name: "trim", Doc: "load only the part of a lookup table where its entries differ", Optional: true, run: scheduled(schedule.TrimTables)},
	{Name: "tables", Doc: "place lookup tables in their slots", run: scheduled(schedule.PlaceTables)},
	{Name: "fetch", Doc: "bring records to SRAM right before their kernel where their latency sets its pace", Optional: true, run: scheduled(schedule.FetchRecords)},
	{Name: "repeat", Doc: "fetch one period of records that repeat, and make the others of it in SRAM", Optional: true, run: scheduled(schedule.RepeatRecords)},
	{Name: "operands", Doc: "copy constants that are feature maps to SRAM, too", Optional: true, run: scheduled(schedule.CopyOperands)},
	{Name: "encode", Doc: "encode every distinct weight tensor once", run: scheduled(schedule.EncodeWeights)},
	{Name: "transfers", Doc: "copy weights to SRAM, once for all steps, and start every transfer beside earlier kernels", run: scheduled(schedule.ScheduleTransfers)},
	{Name: "states", Doc: "carry states in place", Optional: true, run: placed(place.ShareStates)},
	{Name: "in-place", Doc: "let elementwise results take the memory of an operand", Optional: true, run: placed(place.WriteInPlace)},
	{Name: "allocate", Doc: "give feature maps addresses by live range", run: placed(place.Allocate)},
	{Name: "constants", Doc: "place constants", run: placed(place.Constants)},
	{Name: "waits", Doc: "insert waits between transfers and kernels", run: emitted(emit.Emitter.InsertWaits)},
	{Name: "blockdep", Doc: "set block dependencies between kernels", run: emitted(emit.Emitter.SetBlockDependencies)},
	{Name: "emit", Doc: "write the command stream, changed registers only", run: emitted(emit.Emitter.Emit)},
}

// input is what the passes are given. None of them changes it.
type input struct {
	Options
	Variant
	memory *memory.Map
	memo   *schedule.Memo
	kept   *lowering.Memo
	places lowering.Places
	taken  []place.Span
	line   int
}

// compilation is a graph on its way through the passes: what each stage hands to the
// next, nil before its turn.
type compilation struct {
	g     *graph.Graph
	in    input
	weigh func(*schedule.Residency) // of the explorer, or nil

	module *kernel.Module // lowered
	plan   *schedule.Plan // scheduled
	layout *place.Layout  // placed
	stream *emit.Stream   // emitted
}

// run runs the passes.
func (c *compilation) run() error {
	for _, p := range Passes {
		if p.Optional && c.in.skips(p.Name) {
			continue
		}
		if c.in.Progress != nil {
			c.in.Progress(p.Name)
		}
		if err := p.run(c); err != nil {
			return err
		}
		if c.in.After != nil {
			if err := c.in.After(State{Pass: p.Name, Variant: c.in.Variant, c: c}); err != nil {
				return err
			}
		}
	}
	return nil
}

func check(c *compilation) error { return lowering.Check(c.g) }

func lower(c *compilation) (err error) {
	c.module, err = lowering.Lower(c.g, lowering.Options{NoTableBesideMAC: c.in.Accel.ReservedEndBanks == 0 && !c.in.Accel.OwnMemories, U85: c.in.Accel.OwnMemories, Tight: c.in.Tight, Places: c.in.places, Memo: c.in.kept})
	if err == nil {
		c.plan = schedule.New(c.module, schedule.Input{Accel: c.in.Accel, Memory: c.in.memory, Memo: c.in.memo, Rows: c.in.Rows, Room: c.in.Room, KeepOrder: c.in.skips("order")})
	}
	return err
}

func scheduled(pass func(*schedule.Plan) error) func(*compilation) error {
	return func(c *compilation) error { return pass(c.plan) }
}

func keepWithinBudget(c *compilation) error {
	if c.weigh != nil {
		c.weigh(c.plan.Residency())
	}
	return schedule.KeepWithinBudget(c.plan)
}

func placed(pass func(*place.Layout) error) func(*compilation) error {
	return func(c *compilation) error {
		if c.layout == nil {
			c.layout = place.New(c.module, c.plan.Operations, place.Input{Accel: c.in.Accel, Memory: c.in.memory, Tight: c.in.Tight, Taken: c.in.taken, Line: c.in.line})
		}
		return pass(c.layout)
	}
}

func emitted(pass func(emit.Emitter, *emit.Stream) error) func(*compilation) error {
	return func(c *compilation) error {
		to, err := emit.For(c.in.Accel)
		if err != nil {
			return err
		}
		if c.stream == nil {
			c.stream = emit.New(c.in.Accel, c.plan.Operations, c.layout)
		}
		return pass(to, c.stream)
	}
}

// program returns the result of all passes.
func (c *compilation) program() *ethosu.Program {
	p := &ethosu.Program{Accel: c.in.Accel, System: c.in.System, Mode: c.in.Mode, WeightsInSRAM: c.in.WeightsInSRAM}
	return emit.Program(p, c.g, c.module, c.stream)
}

// kernels returns the number of kernels of the program.
func (c *compilation) kernels() int { return len(c.plan.Ops) }
