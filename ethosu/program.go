// SPDX-License-Identifier: Apache-2.0

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

	// Stages are the command streams of one call. They run in order, each to its end.
	// Nearly always there is one, which is the whole call.
	Stages []Stage

	// Steps is the number of time steps that the stages of one call share out; 0 when
	// the call is one start, whatever the graph computes in it.
	Steps int

	// Single is one of those time steps as a program of its own, with the step's inputs
	// and outputs: what a runtime can run that starts the NPU once a call. Nil where
	// Steps is 0.
	Single *Program

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
// Stage.Ops: First writes it, Last reads it last.
type Placement struct {
	Name        string
	Region      int
	Offset      int
	Size        int
	First, Last int
}

// OpInfo describes one operation of a stage's stream.
type OpInfo struct {
	Word   int    // offset of the NPU_OP word in Commands
	Name   string // what the operation does, such as "FULLY_CONNECTED gates"
	Source string // output tensor of the graph operator it belongs to
	Step   int    // time step, or -1
	IFM    string // tensor names, empty when absent
	IFM2   string
	OFM    string
}

// StateNames returns the pairs of inputs and outputs that are carried from call to call,
// as INPUT=OUTPUT; none are an empty list.
func (p *Program) StateNames() []string {
	names := []string{}
	for _, s := range p.States {
		names = append(names, p.Inputs[s.In].Name+"="+p.Outputs[s.Out].Name)
	}
	return names
}

// Carried is StateNames and, marked as variables, what the program keeps by itself.
func (p *Program) Carried() []string {
	names := p.StateNames()
	for _, v := range p.Variables {
		names = append(names, v.Name+" (a variable)")
	}
	return names
}

// SRAM returns the bytes of the program's memories that lie in SRAM: of the arena and of
// the fast scratch, and of the constants where the firmware copies them there.
func (p *Program) SRAM() int {
	n := 0
	if ArenaMemory(p.System, p.Mode).Name == Sram {
		n += p.ArenaSize
	}
	if CacheMemory(p.System, p.Mode).Name == Sram {
		n += p.FastSize
	}
	if p.WeightsInSRAM {
		n += len(p.Constants)
	}
	return n
}
