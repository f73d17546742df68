// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// streamView is a command stream and what a sequence does with it.
type streamView struct {
	Name     string // of the stage; empty when there is only one stream
	Suffix   string // of its C names: _step, or nothing
	Macro    string // likewise of macros: STEP_
	Commands []uint32
	Payload  []uint32 // for Arm's driver: what the stream needs, then the stream
	Sums     string   // of Commands, or of Payload when there is one
	CRC32    string   // likewise
	Times    int
	Windows  []windowView // one for each of the stages' regions
}

// Words is what the driver is given.
func (s *streamView) Words() []uint32 {
	if s.Payload != nil {
		return s.Payload
	}
	return s.Commands
}

// PaddedWords are those of the array: sums take them four by four.
func (s *streamView) PaddedWords() []uint32 {
	words := slices.Clone(s.Words())
	return append(words, make([]uint32, roundUp(len(words), 4)-len(words))...)
}

// windowView is a row of the table of regions.
type windowView struct {
	In                     string // enumerator of the memory
	Offset, Bytes, Advance int
	Memory, Access         string
}

// addStreams describes the streams; addMemory has been called.
func (v *view) addStreams(prog *ethosu.Program) {
	stages := prog.Stages
	for _, s := range stages {
		for _, w := range s.Windows {
			v.StageRegions = max(v.StageRegions, w.Region+1)
		}
	}
	taken := map[string]bool{}
	for _, s := range stages {
		w := &streamView{Commands: s.Commands, Times: s.Times, Sums: sumsLiteral(wordBytes(s.Commands)), CRC32: crc32Literal(wordBytes(s.Commands))}
		if v.Arm {
			payload := (&isa.Payload{Config: prog.Accel.ConfigWord, ID: archVersion(prog.Accel), Words: s.Commands}).Append(nil)
			w.Payload, w.Sums, w.CRC32 = leWords(payload), sumsLiteral(payload), crc32Literal(payload)
		}
		if v.Sequence {
			w.Name = unique(identifier(s.Name), taken) // files may say anything
			w.Suffix, w.Macro = "_"+w.Name, strings.ToUpper(w.Name)+"_"
			w.Windows = v.windows(prog, &s)
		}
		v.StageRows = append(v.StageRows, stageRow{w, s.CPU != nil, len(v.Streams)})
		if s.CPU == nil {
			v.Streams = append(v.Streams, w)
		}
	}
	for _, t := range v.Inputs {
		v.Spread = v.Spread || t.Rows > 0
	}
	for _, t := range v.Outputs {
		v.Gathered = v.Gathered || t.Rows > 0
	}
}

// windows returns the regions of a stage; those it does not use have no bytes.
func (v *view) windows(prog *ethosu.Program, s *ethosu.Stage) []windowView {
	list := make([]windowView, v.StageRegions)
	for i := range list {
		list[i] = windowView{In: "IN_ARENA", Memory: v.Regions[ethosu.RegionArena].Memory, Access: "UNROLL_NPU_READ_ONLY"}
	}
	for _, w := range s.Windows {
		r := windowView{Offset: w.Offset, Bytes: w.Size, Advance: w.Advance, Access: "UNROLL_NPU_PRIVATE"}
		switch w.In {
		case ethosu.RegionConstants:
			r.In, r.Memory = "IN_CONSTANTS", v.Regions[ethosu.RegionConstants].Memory
		case ethosu.RegionArena:
			r.In, r.Memory = "IN_ARENA", v.Regions[ethosu.RegionArena].Memory
		default:
			r.In, r.Memory = "IN_FAST", v.Regions[ethosu.RegionFast].Memory
		}
		if w.Region == ethosu.RegionConstants {
			r.Access = "UNROLL_NPU_READ_ONLY"
			if w.In != ethosu.RegionConstants {
				r.Memory = port(prog.Mode.Cache, 1, 3) // like constants that lie in SRAM
			}
		}
		list[w.Region] = r
	}
	return list
}

// ZephyrNPU is the end of the option of Zephyr that Arm's driver is compiled by, such as U55_128.
func (v *view) ZephyrNPU() string {
	macs := v.MACs
	if macs == 32 {
		macs = 64 // there is none for 32: the option only chooses the product
	}
	generation, _, _ := strings.Cut(strings.TrimPrefix(v.Accel, "ethos-"), "-")
	return fmt.Sprintf("%s_%d", strings.ToUpper(generation), macs)
}

// StreamBytes is the size of all streams.
func (v *view) StreamBytes() int {
	n := 0
	for _, s := range v.Streams {
		n += 4 * len(s.Commands)
	}
	return n
}

// StagesText is the course of a run in words, such as "input once, load once, step 28 times, head once".
func (v *view) StagesText() string {
	var parts []string
	for _, s := range v.StageRows {
		times := "once"
		if s.CPU {
			times = "on the CPU"
		}
		if s.Times > 1 {
			times = fmt.Sprintf("%d times", s.Times)
		}
		parts = append(parts, s.Name+" "+times)
	}
	return strings.Join(parts, ", ")
}

// ZephyrFVP is Zephyr's name of the model of a board that has the NPU, on which the sample's
// test runs.
func (v *view) ZephyrFVP() string {
	if v.U85 {
		return "mps4/corstone320/fvp"
	}
	return "mps3/corstone300/fvp"
}

// ZephyrBoard is what west build is told of the project's board: boards of Zephyr have names
// of their own, and only those of the models are known here.
func (v *view) ZephyrBoard() string {
	if v.onFVP() {
		return v.ZephyrFVP()
	}
	return "BOARD"
}

// ZephyrBoardNote says what to put there.
func (v *view) ZephyrBoardNote() string {
	if v.onFVP() {
		return ""
	}
	return ": BOARD is its name of " + v.Board.Name
}

// onFVP reports whether the project's board is the one that Zephyr's model is of: a board of
// somebody's own that begins with the same letters is not.
func (v *view) onFVP() bool { return v.Board.Name == "corstone300" || v.Board.Name == "corstone320" }
