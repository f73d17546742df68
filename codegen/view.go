// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/lower/facts"
)

// archVersion is the architecture that streams are written for, as in the ID register: 1.0.6,
// which U55 (1.1.0) and U65 (1.0.6) both fit, or 2.0.0 of the U85.
func archVersion(a *ethosu.Accelerator) uint32 {
	if a.Generation == ethosu.U85 {
		return 0x20007000
	}
	return 0x10060000
}

// view is what the templates see: every name, number and literal ready to print.
type view struct {
	Prefix, Macro       string // gru, GRU
	Accel, System, Mode string
	Banner              string // tool, version, input
	Source              string
	ToolVersion         string

	Arm     bool   // Arm's core driver runs the streams
	NPUType string // C type of the driver's context

	Config, Arch     string
	Streams          []*streamView // one, unless a run is a sequence
	StageRows        []stageRow    // of a sequence: streams and operators of the CPU, in order
	CPU              []*cpuView    // operators of the CPU, in order
	CPUFunctions     []string      // that they call
	Sequence         bool
	StageRegions     int // of every stage of a sequence
	WakeUps          int
	Spread, Gathered bool // some inputs, outputs lie in rows apart from each other
	Constants        []uint32
	ConstantBytes    int
	ConstantSums     string
	ConstantCRC32    string
	Version          string // of the model: of its streams and constants
	StateID          string // of what a saved state means
	ConstantsSection string

	NPUArenaBytes, ArenaBytes, FastSize int
	ArenaSection                        string
	Regions                             []regionView
	CommandMemory                       string
	BlobID                              string      // of blobs that fit
	Written, ReadBack                   []lineRange // of the arena, by the CPU

	Inputs, Outputs  []*tensorView // without states
	States           []*tensorView
	StateBytes       int
	GoldenStateBytes int // bytes of the states that golden calls know: all but variables
	StateInPlace     bool
	StateTail        int // offset of the state's storage behind the NPU's arena, or 0

	Windows             int // of a run, where there are several; else 0
	Steps, Features     int // of the first input [1, T, F]; 0 when it has another shape
	Streaming           bool
	Float               bool // every input and output is quantized
	AnyQuantizedInput   bool
	Standardized        bool
	MeanTable, StdTable []float32 // nil when one value serves all
	MeanAt, StdAt       string
	FloatParams         []*tensorView
	Classes             []string
	Detector            *detectorView // nil where none was chosen
	BackgroundName      string        // of it
	Audio               *audioView
	Heard               *heardView

	StatusCodes    []statusCode
	LastDriverCode string
	DriverVersion  int

	ConstantsInRAM bool
	U65, U85       bool
	product        string // such as ethos-u55
	MACs           int
	Model          bool
	DriverSources  []string // paths of fixed C

	Board   *board.Board   // the one the project is made for
	Offered []*board.Board // those that it can run on and tells of
	Presets []preset
	boards  []*board.Board // with those that it does not tell of

	Golden      []Call
	GoldenReset []byte
	GoldenState [][]byte
}

type regionView struct{ Address, Bytes, Memory, Access string }

func newView(p *Project) (*view, error) {
	if err := CheckPrefix(p.Prefix); err != nil {
		return nil, err
	}
	if err := checkProgram(p.Program); err != nil {
		return nil, fmt.Errorf("project %s: %w", p.Prefix, err)
	}
	prog := p.Program
	v := &view{
		Prefix: p.Prefix, Macro: strings.ToUpper(p.Prefix),
		Accel: prog.Accel.Name, System: cComment(prog.System.Name), Mode: cComment(prog.Mode.Name),
		Banner: banner(p), Source: cComment(p.Source), ToolVersion: cComment(p.Version),
		Config: fmt.Sprintf("0x%08Xu", prog.Accel.ConfigWord), Arch: fmt.Sprintf("0x%08Xu", archVersion(prog.Accel)),
		Sequence: prog.Steps > 0 || len(prog.Stages) > 1, WakeUps: prog.WakeUps(),
		Constants: leWords(prog.Constants), ConstantBytes: len(prog.Constants), ConstantSums: sumsLiteral(prog.Constants), ConstantCRC32: crc32Literal(prog.Constants),
		ConstantsSection: "UNROLL_NPU_MODEL", NPUType: "unroll_npu",
		NPUArenaBytes: prog.ArenaSize, FastSize: roundUp(prog.FastSize, cacheLine),
		ConstantsInRAM: p.Options.ConstantsInRAM, U65: prog.Accel.Generation == ethosu.U65, U85: prog.Accel.Generation == ethosu.U85, product: prog.Accel.Generation.ProductName(), MACs: prog.Accel.MACs, Model: p.Model != nil,
		Golden: p.Golden,
	}
	if p.Options.ConstantsInRAM {
		v.ConstantsSection = "UNROLL_NPU_MODEL_SRAM"
	}
	if p.Options.Driver == ArmDriver {
		v.Arm, v.NPUType = true, "struct ethosu_driver"
	}
	var err error
	if v.StatusCodes, v.DriverVersion, err = driverFacts(); err != nil {
		return nil, err
	}
	if v.DriverSources, err = driverSources(); err != nil {
		return nil, err
	}
	if err := v.addBoards(p); err != nil {
		return nil, err
	}
	v.LastDriverCode = v.StatusCodes[len(v.StatusCodes)-1].Name
	v.StatusCodes = append(v.StatusCodes, statusCode{"ERR_MODEL", modelError, "command stream or constants are damaged"})
	v.StatusCodes = append(v.StatusCodes, statusCode{"ERR_OTHER_MODEL", otherModelError, "the blob, or the saved state, is of another model"},
		statusCode{"ERR_FORMAT", formatError, "the blob is of another format than this code reads"})
	if v.Arm {
		v.StatusCodes = armCodes(v.StatusCodes)
	}

	for _, step := range []func(*Project) error{v.addTensors, v.addFloat, v.addAudio, v.addGoldenViews} {
		if err := step(p); err != nil {
			return nil, fmt.Errorf("project %s: %w", p.Prefix, err)
		}
	}
	if err := v.addMemory(prog); err != nil {
		return nil, err
	}
	v.addLines(prog)
	v.addStreams(prog)
	if err := v.addCPU(prog); err != nil {
		return nil, fmt.Errorf("project %s: %w", p.Prefix, err)
	}
	v.BlobID = fmt.Sprintf("%016X", blobID(prog, v))
	v.StateID = fmt.Sprintf("%016X", stateID(v))
	all := slices.Clone(prog.Constants)
	for _, s := range prog.Stages {
		all = append(all, wordBytes(s.Commands)...)
	}
	v.Version = crc32Literal(all)
	return v, nil
}

const cacheLine = 32 // bytes; the driver's UNROLL_NPU_CACHE_LINE

func roundUp(n, to int) int { return (n + to - 1) / to * to }

func wordBytes(words []uint32) []byte {
	b := make([]byte, 0, 4*len(words))
	for _, w := range words {
		b = append(b, byte(w), byte(w>>8), byte(w>>16), byte(w>>24))
	}
	return b
}

func banner(p *Project) string {
	s := "Written by unroll"
	if p.Version != "" {
		s += " " + p.Version
	}
	if p.Source != "" {
		s += " from " + p.Source
	}
	if p.SourceSHA256 != "" {
		s += " (SHA-256 " + p.SourceSHA256[:min(16, len(p.SourceSHA256))] + ")"
	}
	return cComment(s) + "."
}

// detectorView is a detector with its threshold as a sum of output values.
type detectorView struct {
	*facts.Detector
	Level int64
}

// port names the counter of an AXI port. Counters are chosen as Arm's driver does:
// constants and stream on the last counter of their port, the arena on the first,
// scratch on the second.
func port(p, counter0, counter1 int) string {
	n := counter0
	if p == 1 {
		n = counter1
	}
	return fmt.Sprintf("UNROLL_NPU_AXI%d_COUNTER%d", p, n)
}

// memoryType is the number of what port returns.
func memoryType(name string) int { return int(name[len(name)-1] - '0') }

// RegionMemories are the memory types of the regions.
func (v *view) RegionMemories() []string {
	var list []string
	for _, r := range v.Regions {
		list = append(list, r.Memory)
	}
	return list
}

// WindowMemories are those of a stage.
func (s *streamView) WindowMemories() []string {
	var list []string
	for _, w := range s.Windows {
		list = append(list, w.Memory)
	}
	return list
}

// addMemory describes the regions as the driver wants them, and refuses boards whose NPU
// does not reach them so.
func (v *view) addMemory(prog *ethosu.Program) error {
	v.ArenaBytes = roundUp(prog.ArenaSize, cacheLine)
	if len(v.States) > 0 && !v.StateInPlace {
		v.StateTail = roundUp(prog.ArenaSize, cacheLine)
		v.ArenaBytes = roundUp(v.StateTail+v.StateBytes, cacheLine)
	}
	v.ArenaSection = "UNROLL_NPU_ARENA"
	if prog.Mode.Arena == 1 {
		v.ArenaSection = "UNROLL_NPU_ARENA_DRAM"
	}
	constants := regionView{"NULL", "0u", port(prog.Mode.Const, 1, 3), "UNROLL_NPU_READ_ONLY"}
	if v.ConstantsInRAM {
		constants.Memory = port(0, 1, 3) // SRAM is behind the first port
	}
	if v.ConstantBytes > 0 {
		constants.Address, constants.Bytes = v.Prefix+"_constants", v.Macro+"_CONSTANT_BYTES"
	}
	v.Regions = []regionView{constants, {"ctx->arena", "NPU_ARENA_BYTES", port(prog.Mode.Arena, 0, 2), "UNROLL_NPU_PRIVATE"}}
	if v.FastSize > 0 {
		v.Regions = append(v.Regions, regionView{"fast", v.Macro + "_FAST_BYTES", port(prog.Mode.Cache, 1, 3), "UNROLL_NPU_PRIVATE"})
	}
	stream := prog.Mode.Const
	if named, err := ethosu.ParseMemoryMode(prog.Mode.Name); err == nil {
		stream = named.Const // the stream stays in flash, also when the constants do not
	}
	v.CommandMemory = port(stream, 1, 2)
	ports := map[string][]int{"model": {stream}, "arena": nil, "dram": nil}
	if v.ConstantBytes > 0 && !v.ConstantsInRAM {
		ports["model"] = append(ports["model"], prog.Mode.Const)
	}
	in := []string{"arena", "dram"}[prog.Mode.Arena]
	ports[in] = append(ports[in], prog.Mode.Arena)
	if v.FastSize > 0 {
		ports["arena"] = append(ports["arena"], prog.Mode.Cache)
	}
	for _, section := range []string{"model", "arena", "dram"} {
		for _, port := range ports[section] {
			if err := v.Board.Reaches(section, port); err != nil {
				return err
			}
		}
	}
	return nil
}
