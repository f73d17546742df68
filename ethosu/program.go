package ethosu

import "github.com/unroll-npu/unroll/lower/graph"

// Regions of a compiled program: which base pointer an address is relative to.
const (
	RegionConstants = 0 // read only: weights, scales, tables, constant feature maps
	RegionArena     = 1 // feature maps, inputs, outputs, states
	RegionFast      = 2 // fast scratch, only when the memory mode has a dedicated SRAM
)

// Program is a compiled network: what the firmware carries and the simulator runs.
type Program struct {
	Name   string
	Accel  *Accelerator
	System SystemConfig
	Mode   MemoryMode

	// Commands is the register command stream, ending in NPU_OP_STOP.
	Commands []uint32

	// Constants is the content of RegionConstants, a multiple of 16 bytes.
	Constants []byte

	// WeightsInSRAM says that the firmware copies Constants to SRAM once, at
	// start, and points RegionConstants there.
	WeightsInSRAM bool

	// ArenaSize and FastSize are the bytes of RegionArena and RegionFast,
	// multiples of 16; FastSize is 0 when the region is not used.
	ArenaSize, FastSize int

	// Inputs and Outputs are in signature order of the graph.
	Inputs, Outputs []Binding

	// Variables are tensors that keep their value between calls and start at
	// their zero point (the states of UNIDIRECTIONAL_SEQUENCE_LSTM).
	Variables []Binding

	// States pairs Outputs[Out] with Inputs[In]. When both bindings have the
	// same region and offset the state is carried in place as long as the
	// arena is left alone between calls.
	States []StatePair

	// Map lists every tensor that has an address, for disassembly, traces and
	// memory maps.
	Map []Placement

	// Ops describes the operations of Commands in order.
	Ops []OpInfo

	// Sequence, when not nil, says that one call takes several invocations of the
	// NPU. Commands, Map and Ops are then those of its stages, and empty here.
	Sequence *Sequence
}

// Binding is the place of an input or output in memory.
type Binding struct {
	Name   string
	Type   graph.DType
	Shape  []int
	Quant  *graph.Quant
	Region int
	Offset int
	Size   int // bytes

	// Rows above 0 says that the value lies in so many rows of Size/Rows bytes, the
	// start of each Stride bytes behind that of the one before: a time step each.
	Rows, Stride int `json:",omitempty"`
}

// StatePair indexes Program.Inputs and Program.Outputs.
type StatePair struct{ In, Out int }

// Placement is the address of a tensor. Live ranges count operations of
// Program.Ops: First writes it, Last reads it last.
type Placement struct {
	Name        string
	Region      int
	Offset      int
	Size        int
	First, Last int
}

// OpInfo describes one operation of the stream.
type OpInfo struct {
	Word   int    // offset of the NPU_OP word in Commands
	Name   string // what the operation does, such as "FULLY_CONNECTED gates"
	Source string // output tensor of the graph operator it belongs to
	Step   int    // time step, or -1
	IFM    string // tensor names, empty when absent
	IFM2   string
	OFM    string
}
