// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/detect"
	"github.com/unroll-npu/unroll/lower/graph"
)

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
		"regions": true, "verified": true, "linked_part": true, "blob_part": true, "sums_are": true, "linked": true, "saved_header": true, "blob": true, "inside": true, "make_ready": true, "end": true, "offset": true, "words": true, "lo": true, "hi": true, "aligned": true, "take": true, "give": true, "begin": true, "collect": true, "written": true, "read_back": true, "describe": true, "nearest": true, "names": true, "step": true, "steps": true,
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

// shortened keeps the end of a long name, which tells more than its scopes: its last words
// that fit, or the end of the only one.
func shortened(id string) string {
	at := len(id) - styledPrefix
	if at <= 0 {
		return id
	}
	end := id[at:]
	if _, words, ok := strings.Cut(end, "_"); ok && id[at-1] != '_' && words != "" {
		end = words
	}
	return identifier(end)
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
