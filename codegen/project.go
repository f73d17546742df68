// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/lower/audio"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
)

// Project is everything a generated tree is made from.
type Project struct {
	// Prefix names every C symbol, macro and file of the model. It is a C
	// identifier in lower case.
	Prefix string

	Program *ethosu.Program

	// ClassNames names the elements of the first output, when it is a
	// classification; nil otherwise.
	ClassNames []string

	// Mean and Std standardise real inputs before quantization:
	// (x - Mean) / Std. They have one entry for each element of the first
	// input's last dimension, or a single entry for all, or are both nil.
	Mean, Std []float32

	// Audio says how samples become the features of the only input; nil where they do not.
	// Heard is a stream of samples with its decisions, to be judged by; or nil.
	Audio *audio.Parameters
	Heard *Heard

	// Golden holds calls of the generated API and what they must return, in
	// order. States are carried from one call to the next.
	Golden []Call

	// Model is the compiled .tflite, kept beside the C for inspection; nil to
	// leave it out.
	Model []byte

	// Extra holds further files by path, such as the network that the model was
	// made from.
	Extra map[string][]byte

	// Report, where it is not nil, makes ReportName of the finished tree, whose manifest
	// lists all other files. Of nil there is none.
	Report func(Tree) ([]byte, error)

	// Source names the file the program was compiled from, without a path,
	// and SourceSHA256 is its hash in hex. Both may be empty.
	Source, SourceSHA256 string

	// Version is the version of the tool that writes the project.
	Version string

	// Facts are what is known of the network, recorded in the manifest; nil for nothing.
	Facts *facts.Facts

	// Settings are the options of the run as text, recorded in the manifest.
	Settings map[string]string

	Options Options
}

// Options choose between forms of the generated project.
type Options struct {
	// Driver is the NPU driver that the library calls.
	Driver Driver

	// Boards are what the project can run on, as board.Set.For gives them, and Board
	// is the one it is made for; the default board when nil.
	Board  *board.Board
	Boards []*board.Board

	// ConstantsInRAM makes the library copy the constants into memory the
	// application gives at init, for flash that is too slow for the NPU.
	ConstantsInRAM bool
}

// Driver is the NPU driver of a project.
type Driver int

// Drivers.
const (
	OwnDriver Driver = iota // the project's own, copied into the tree
	ArmDriver               // Arm's core driver, ethosu_invoke_async and friends, not part of the tree
)

// Call is one call of the generated API.
type Call struct {
	// Reset asks for reset states before the call, as at the start of a sequence.
	Reset bool

	// Inputs holds raw little-endian bytes in the order of Program.Inputs,
	// nil for states, which the API carries.
	Inputs [][]byte

	// Outputs holds the expected bytes in the order of Program.Outputs,
	// states included, which the API gives through its state getter.
	Outputs [][]byte
}

// Know takes over what is known of the network: the names of its classes, where the first
// output has one element for each in every window, and the standardization of its first input.
func (p *Project) Know(f *facts.Facts) {
	p.Facts = f
	if f == nil {
		return
	}
	p.Mean, p.Std, p.Audio = f.Mean, f.Std, f.Audio
	if outs := p.Program.Outputs; len(outs) > 0 && graph.Elems(outs[0].Shape) == len(f.Classes)*max(f.Windows, 1) {
		p.ClassNames = f.Classes
	}
}
