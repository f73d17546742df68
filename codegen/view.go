// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"hash/crc32"
	"hash/crc64"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/firmware/board"
	"github.com/unroll-npu/unroll/lower/detect"
	"github.com/unroll-npu/unroll/lower/facts"
	"github.com/unroll-npu/unroll/lower/graph"
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
	ConstantCRC      string
	ConstantCRC32    string
	Version          string // of the model: of its streams and constants
	StateID          string // of what a saved state means
	ConstantsSection string

	NPUArenaBytes, ArenaBytes, FastSize int
	ArenaSection                        string
	Regions                             []regionView
	CommandMemory                       string
	Blob                                bool        // the model can also come from outside of the program
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

// tensorView is an input, output or state.
type tensorView struct {
	Name   string // C identifier, such as input
	Macro  string // GRU_INPUT
	Local  string // INPUT, for macros of one C file
	Tensor string // the tensor's own name, safe in a comment
	Doc    string // type and shape

	CType               string
	GoldenType          string // of recorded values: of real ones the bits
	Real                bool
	Elems, Bytes, Width int
	Window              int // elements of one window, where a run has several
	Offset              int // in the arena; of a state: where it is read
	OutOffset           int // of a state: where it is written
	StateOffset         int // of a state: in the bytes of get_state
	Quantized           bool
	Scale               string
	scale               float64
	ZeroPoint           int
	Lo, Hi              int
	Standardize         bool

	Rows, RowBytes, Stride int // of a value whose rows lie apart from each other; else 0

	GoldenValues [][]int64
	HeardValues  [][]int64 // of every decision
	binding      int       // index in Program.Inputs or Outputs
	outBinding   int       // of a state: index in Program.Outputs
	variable     bool      // of a state: a tensor that stays in the arena by itself
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
		Constants: leWords(prog.Constants), ConstantBytes: len(prog.Constants), ConstantCRC: crcLiteral(prog.Constants), ConstantCRC32: crc32Literal(prog.Constants),
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
	v.StatusCodes = append(v.StatusCodes, statusCode{"ERR_MODEL", modelError, "command stream or constants differ from their CRC-64"})
	v.Blob = !v.Arm
	v.StatusCodes = append(v.StatusCodes, statusCode{"ERR_OTHER_MODEL", otherModelError, "the blob, or the saved state, is of another model"})
	if v.Arm {
		v.StatusCodes = armCodes(v.StatusCodes)
	}

	for _, step := range []func(*Project) error{v.addTensors, v.addFloat, v.addAudio, v.addGoldenViews} {
		if err := step(p); err != nil {
			return nil, fmt.Errorf("project %s: %w", p.Prefix, err)
		}
	}
	v.addMemory(prog)
	v.addLines(prog)
	v.addStreams(prog)
	if err := v.addCPU(prog); err != nil {
		return nil, fmt.Errorf("project %s: %w", p.Prefix, err)
	}
	if v.Blob {
		v.BlobID = fmt.Sprintf("%016X", blobID(prog, v))
	}
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

var crcTable = crc64.MakeTable(crc64.ISO)

func crc32Literal(b []byte) string { return fmt.Sprintf("0x%08Xu", crc32.ChecksumIEEE(b)) }

func crcLiteral(b []byte) string { return fmt.Sprintf("0x%016Xu", crc64.Checksum(b, crcTable)) }

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

// addTensors names inputs, outputs and states.
func (v *view) addTensors(p *Project) error {
	prog := p.Program
	stateIn, stateOut := map[int]bool{}, map[int]bool{}
	for _, s := range prog.States {
		stateIn[s.In], stateOut[s.Out] = true, true
	}
	taken := map[string]bool{"ctx": true, "npu": true, "arena": true, "fast": true, "state": true, "status": true,
		"timeout_ms": true, "real": true, "model": true, "mean": true, "std_dev": true, "i": true, "value": true, "ready": true, "found": true,
		"mismatches": true, "call": true, "calls": true, "pmu": true, "explain": true, "where": true, "name": true, "section": true, "differs": true, "finish": true, "fail": true, "best": true, "wrong": true,
		"regions": true, "intact": true, "verified": true, "linked_part": true, "blob_part": true, "crc_64_is": true, "saved_header": true, "blob": true, "inside": true, "make_ready": true, "end": true, "offset": true, "words": true, "lo": true, "hi": true, "aligned": true, "take": true, "give": true, "begin": true, "collect": true, "written": true, "read_back": true, "describe": true, "nearest": true, "names": true, "step": true, "steps": true,
		"features": true, "classes": true, "detector": true, "level": true, "row": true, "held": true, "sums": true, "states": true, "stdint": true, "memcpy": true, "memset": true, "reset_row": true, "state_rows": true,
		"reset_state": true, "reset_one": true, "window": true, "windows": true, "state_to_arena": true, "state_from_arena": true, "stages": true, "stage": true, "turn": true, "aim": true, "compute": true, "next": true,
		"spread": true, "gather": true, "at": true, "from": true, "rows": true, "cycles": true, "arm_invoke": true}
	if p.Audio != nil {
		for _, n := range audioNames {
			taken[n] = true
		}
	}
	for _, n := range calledNames {
		taken[n], taken[p.Prefix+"_"+n] = true, true
	}
	var ins, outs []int
	for i := range prog.Inputs {
		if !stateIn[i] {
			ins = append(ins, i)
		}
	}
	for i := range prog.Outputs {
		if !stateOut[i] {
			outs = append(outs, i)
		}
	}
	name := func(n string, only bool, alone string) string {
		if only {
			n = alone
		}
		return unique(shortened(identifier(n)), taken)
	}
	var err error
	add := func(list *[]*tensorView, b *ethosu.Binding, i int, id string) {
		t, e := v.tensor(b, id)
		if err == nil {
			err = e
		}
		t.binding = i
		*list = append(*list, t)
	}
	for _, i := range ins {
		add(&v.Inputs, &prog.Inputs[i], i, name(prog.Inputs[i].Name, len(ins) == 1, "input"))
	}
	for _, i := range outs {
		add(&v.Outputs, &prog.Outputs[i], i, name(prog.Outputs[i].Name, len(outs) == 1, "output"))
	}
	v.StateInPlace = len(prog.States)+len(prog.Variables) > 0
	for _, s := range prog.States {
		in, out := &prog.Inputs[s.In], &prog.Outputs[s.Out]
		id := shortened(strings.TrimPrefix(identifier(in.Name), "state_"))
		add(&v.States, in, s.In, unique("state_"+id, taken))
		t := v.States[len(v.States)-1]
		t.OutOffset, t.StateOffset, t.outBinding = out.Offset, v.StateBytes, s.Out
		v.StateBytes += in.Size
		v.StateInPlace = v.StateInPlace && in.Offset == out.Offset
	}
	v.GoldenStateBytes = v.StateBytes
	for i := range prog.Variables {
		b := &prog.Variables[i]
		add(&v.States, b, i, unique("state_"+shortened(identifier(b.Name)), taken))
		t := v.States[len(v.States)-1]
		t.OutOffset, t.StateOffset, t.variable = b.Offset, v.StateBytes, true
		v.StateBytes += b.Size
	}
	if err != nil {
		return err
	}
	if len(v.Inputs) > 0 {
		if s := prog.Inputs[v.Inputs[0].binding].Shape; len(s) == 3 {
			v.Steps, v.Features = s[1], s[2]
		}
	}
	v.Streaming = v.Steps == 1 && len(v.States) > 0
	if p.Facts != nil && p.Facts.Windows > 1 {
		v.Windows = p.Facts.Windows
		for _, list := range [][]*tensorView{v.Inputs, v.Outputs, v.States} {
			for _, t := range list {
				if t.Elems%v.Windows != 0 {
					return fmt.Errorf("tensor %q has %d elements, expected %d windows of as many each", t.Tensor, t.Elems, v.Windows)
				}
				t.Window = t.Elems / v.Windows
			}
		}
	}
	if p.ClassNames != nil {
		if len(v.Outputs) == 0 || v.Outputs[0].Elems != len(p.ClassNames)*max(v.Windows, 1) {
			return fmt.Errorf("%d class names for a model whose first output has %s: give one name for each element, or none",
				len(p.ClassNames), elementCount(v.Outputs))
		}
		v.Classes = p.ClassNames
	}
	if p.Facts != nil && p.Facts.Detector != nil && v.Classes != nil && v.Outputs[0].Quantized && p.Facts.Detector.Background < len(v.Classes) {
		out := v.Outputs[0]
		v.BackgroundName = v.Classes[p.Facts.Detector.Background]
		v.Detector = &detectorView{Detector: p.Facts.Detector, Level: detect.Level(p.Facts.Detector, out.scale, out.ZeroPoint)}
	}
	return nil
}

// detectorView is a detector with its threshold as a sum of output values.
type detectorView struct {
	*facts.Detector
	Level int64
}

func elementCount(outs []*tensorView) string {
	if len(outs) == 0 {
		return "no elements"
	}
	return fmt.Sprintf("%d elements", outs[0].Elems)
}

// calledNames are what functions with parameters named after tensors call or cast to: a
// parameter of that name would hide it. Those of the API have the prefix.
var calledNames = []string{
	"int8_t", "int16_t", "int32_t", "int64_t", "uint8_t", "uint16_t", "uint32_t", "uint64_t", "uintptr_t", "memmove", "memcmp",
	"npu_start", "npu_poll", "npu_wait", "unroll_npu_release", "unroll_npu_port_cache_clean", "unroll_npu_port_cache_invalidate",
	"context", "status", "start", "wait", "run", "audio_values", "audio_push", "reset_state",
}

// shortened keeps the end of a long name, which tells more than its scopes.
func shortened(id string) string {
	if len(id) > styledPrefix {
		id = identifier(id[len(id)-styledPrefix:])
	}
	return id
}

func unique(id string, taken map[string]bool) string {
	for n := 2; taken[id] || reservedWords[id]; n++ {
		base := strings.TrimRight(id, "_0123456789")
		if base == "" {
			base = id
		}
		id = fmt.Sprintf("%s_%d", base, n)
	}
	taken[id] = true
	return id
}

func (v *view) tensor(b *ethosu.Binding, id string) (*tensorView, error) {
	c, ok := cTypes[b.Type]
	if !ok {
		return &tensorView{}, fmt.Errorf("tensor %q is %v: the generated API takes int8, uint8, int16, int32, bool and float32; quantize the model", b.Name, b.Type)
	}
	t := &tensorView{
		Name: id, Local: strings.ToUpper(id), Macro: v.Macro + "_" + strings.ToUpper(id),
		Tensor: cComment(b.Name), Doc: fmt.Sprintf("%v %v", b.Type, dims(b.Shape)),
		CType: c.name, Elems: graph.Elems(b.Shape), Bytes: b.Size, Width: b.Type.Size(), Offset: b.Offset,
		Lo: c.lo, Hi: c.hi, Real: b.Type == graph.Float32, GoldenType: c.name,
	}
	if t.Real {
		t.GoldenType = "uint32_t"
	}
	if b.Rows > 1 && b.Stride != b.Size/b.Rows {
		t.Rows, t.RowBytes, t.Stride = b.Rows, b.Size/b.Rows, b.Stride
	}
	if q := b.Quant; q != nil && len(q.Scales) == 1 && q.Scales[0] > 0 && c.hi != 0 {
		t.Quantized, t.Scale, t.scale = true, cFloat(q.Scales[0]), float64(q.Scales[0])
		if len(q.ZeroPoints) > 0 {
			t.ZeroPoint = int(q.ZeroPoints[0])
		}
	}
	return t, nil
}

// Golden is the C expression for the recorded values of call i.
func (t *tensorView) Golden(prefix string) string {
	values := prefix + "_golden_" + t.Name + "[i]"
	if t.Real {
		return "(const float *)(const void *)" + values
	}
	return values
}

func dims(shape []int) string {
	if len(shape) == 0 {
		return "scalar"
	}
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(shape), "[]"), " ", " x ")
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

// addMemory describes the regions as the driver wants them.
func (v *view) addMemory(prog *ethosu.Program) {
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
}
