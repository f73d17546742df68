// SPDX-License-Identifier: Apache-2.0

package schedule

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/block"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/cost"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/memory"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/timeline"
	"github.com/unroll-npu/unroll/ethosu/internal/target"
)

// Input is what a plan is made for. No pass changes it.
type Input struct {
	Accel  *ethosu.Accelerator
	Memory *memory.Map

	// Rows limits how many rows become one kernel's, 0 for no limit; NoRows leaves
	// every kernel its row.
	Rows int

	// Room is the SRAM bytes for resident weights, -1 for no limit.
	Room int

	// Memo is shared by plans for the same accelerator and memories.
	Memo *Memo

	// KeepOrder is for a plan whose kernels will not be moved for overlap.
	KeepOrder bool
}

// Memo remembers what does not depend on the plan that asks first.
type Memo struct {
	Cost *cost.Model

	streams *Streams
	packed  map[recordKey]codedStream
	sums    map[sumKey]*depthSum
}

// NewMemo returns one that remembers nothing yet but the given streams.
func NewMemo(t target.Target, m *memory.Map, s *Streams) *Memo {
	return &Memo{Cost: cost.NewModel(t, m), streams: s, packed: map[recordKey]codedStream{}, sums: map[sumKey]*depthSum{}}
}

// NoRows as Input.Rows leaves every kernel its row.
const NoRows = -1

// Plan is a schedule under construction: the kernels in their order, and what was decided
// about each.
type Plan struct {
	Input
	Ops []*Op // kernels only, until Transfers are scheduled

	// Joined is the most rows that became one kernel's.
	Joined int

	// Expected is how many cycles the schedule takes by the timeline that chose it.
	Expected float64

	// Operations is the result: kernels and transfers in the order of the stream.
	Operations []Operation

	mod *kernel.Module

	prefetch bool // constants lie in a slower memory than feature maps
	copies   map[*kernel.Weights]copyMode
	fast     map[*kernel.Weights]bool // weights for the fast decoder of the Ethos-U85
	operands *operandCopy
	uploads  []*transfer // of tables
	coded    encodings
	repeat   map[*kernel.Weights]bool // the records of their kernels are made of a period
	refined  bool                     // RefineWeights has decided about copies and records
	searched []*timeline.Found
}

// New returns the plan of a module that keeps the order of its kernels.
func New(mod *kernel.Module, in Input) *Plan {
	pl := &Plan{Input: in, mod: mod, copies: map[*kernel.Weights]copyMode{}, repeat: map[*kernel.Weights]bool{},
		coded: newEncodings()}
	for _, k := range mod.Kernels {
		pl.Ops = append(pl.Ops, &Op{Kernel: *k})
	}
	return pl
}

// Op is a kernel with what scheduling decides about it.
type Op struct {
	kernel.Kernel

	Block  block.Shape
	Micro  block.Shape // micro-block, of the Ethos-U85
	Chain  Chain
	Layout block.SHRAM
	Slot   int     // of its table
	Stream *Stream // encoded weights
	Scales *Coded  // packed records

	head         *Op   // the first kernel of the chain, of the others
	fetchRecords bool  // the records come to SRAM right before
	hidden       bool  // the next kernel reads nothing of it
	forms        []*Op // the same with its maps in other shapes

	times  [answers]*timeAnswer
	blocks [answers]*blockAnswer
}

// Chain is how a kernel of the Ethos-U85 is part of a chain of kernels that hand on their
// results inside the NPU: the numbers of chaining buffers, counted from 1; 0 is memory.
type Chain struct {
	In, In2, Out int // of IFM, IFM2 and OFM
}

// Inside reports whether the kernel goes on with a chain that another one began.
func (c Chain) Inside() bool { return c.In > 0 || c.In2 > 0 }

// Inputs returns the feature maps that the kernel reads from memory.
func (o *Op) Inputs() []*kernel.Map {
	var list []*kernel.Map
	if o.Chain.In == 0 {
		list = append(list, o.IFM)
	}
	if o.IFM2 != nil && !o.Scalar && o.Chain.In2 == 0 {
		list = append(list, o.IFM2)
	}
	return list
}

// Writes calls f for every buffer that the kernel writes.
func (o *Op) Writes(f func(*kernel.Buffer)) {
	if o.Chain.Out == 0 {
		o.Kernel.Writes(f)
	}
}

// reads reports whether a kernel reads what another one wrote.
func (o *Op) reads(of *Op) bool {
	return of.OFM.Meets(o.IFM) || o.IFM2 != nil && !o.Scalar && of.OFM.Meets(o.IFM2)
}

// Reads calls f for every buffer that the kernel reads.
func (o *Op) Reads(f func(*kernel.Buffer)) {
	for _, m := range o.Inputs() {
		m.Buffers(f)
	}
	if o.Stream != nil {
		f(o.Stream.Home())
	}
	if o.Scales != nil {
		f(o.Scales.Home())
	}
}

// Transfer is a DMA.
type Transfer struct {
	Name, Source string
	Step         int
	Src, Dst     *kernel.Buffer // Dst is nil for table memory
	Table        int            // the place in table memory
	From, To     int            // where in Src and in Dst it begins
	Length       int            // bytes
	After        *Op            // kernel whose memory the destination may take over, or nil
}

// Operation is one operation of a stream: a kernel or a transfer; the other is nil.
type Operation struct {
	Kernel   *Op
	Transfer *Transfer
}

// Reads calls f for every buffer that the operation reads.
func (o Operation) Reads(f func(*kernel.Buffer)) {
	if o.Transfer != nil {
		f(o.Transfer.Src)
		return
	}
	o.Kernel.Reads(f)
}

// Writes calls f for every buffer that the operation writes.
func (o Operation) Writes(f func(*kernel.Buffer)) {
	if o.Transfer == nil {
		o.Kernel.Writes(f)
	} else if o.Transfer.Dst != nil {
		f(o.Transfer.Dst)
	}
}

// copyMode says what is copied to SRAM before weights are used, once for all uses
// unless it says otherwise.
type copyMode uint8

const (
	readDirect  copyMode = iota // nothing: kernels read the constants
	copyWeights                 // the weight stream
	copyBoth                    // the records, too, in one transfer
	copyEach                    // the weight stream before every use, into memory that is free again behind it
)
