// SPDX-License-Identifier: Apache-2.0

package vela

import (
	"encoding/binary"
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/lower/graph"
	"github.com/unroll-npu/unroll/lower/tflite"
)

// options is the FlexBuffer with the one number that the runtime's kernel expects.
var options = []byte{1, 4, 1}

// Write returns the program as a .tflite with one custom operator. Inputs and
// outputs must lie in the arena, at offsets that are multiples of 16.
//
// What the program leaves to the CPU are the operators that they were, between custom
// operators with a stream each.
//
// A runtime starts the operator once for each call. Of a call in several stages the
// operator is therefore one time step; Read finds all stages in the file's metadata.
// More metadata goes into the file as it is.
func Write(p *ethosu.Program, more ...tflite.Metadata) ([]byte, error) {
	if p.Steps == 0 && len(p.Stages) == 1 {
		return write(p, more...)
	}
	if len(p.CPUOps()) > 0 {
		return writeParts(p, more...)
	}
	if p.Single == nil || len(p.Single.Stages) != 1 {
		return nil, fmt.Errorf("vela: a call of program %q is %d stages and it has no single step, which is all that the operator can be", p.Name, len(p.Stages))
	}
	b, err := packNotes(notesOfSteps(p))
	if err != nil {
		return nil, fmt.Errorf("vela: %v", err)
	}
	return write(p.Single, append([]tflite.Metadata{{Name: metaSequence, Data: b}}, more...)...)
}

func write(p *ethosu.Program, more ...tflite.Metadata) ([]byte, error) {
	g := &graph.Graph{Name: p.Name}
	stream := &p.Stages[0]
	payload := (&isa.Payload{Config: p.Accel.ConfigWord, Words: stream.Commands}).Append(nil)
	var offsets []int32
	add := func(t *graph.Tensor, offset int) graph.TensorID {
		offsets = append(offsets, int32(offset))
		return g.Add(t)
	}
	raw := func(name string, size int, data []byte, offset int) graph.TensorID {
		return add(&graph.Tensor{Name: name, Type: graph.Uint8, Shape: []int{size}, Data: data}, offset)
	}
	constants := p.Constants
	if len(constants) == 0 {
		constants = make([]byte, 16)
	}
	op := &graph.Op{Kind: graph.Custom, Version: 1, Attr: graph.CustomAttr{Code: "ethos-u", Options: options}}
	fastSize, fastOffset := p.ArenaSize, 0
	if p.FastSize > 0 {
		fastSize, fastOffset = p.FastSize, (p.ArenaSize+15)&^15
	}
	op.Inputs = append(op.Inputs,
		raw("ethos_u_command_stream", len(payload), payload, -1),
		raw("read_only", len(constants), constants, -1),
		raw("scratch", p.ArenaSize, nil, 0),
		raw("scratch_fast", fastSize, nil, fastOffset))
	bind := func(b ethosu.Binding) (graph.TensorID, error) {
		if b.Region != ethosu.RegionArena {
			return 0, fmt.Errorf("vela: tensor %q lies in region %d; the runtime only plans the arena, region %d", b.Name, b.Region, ethosu.RegionArena)
		}
		if b.Offset%16 != 0 {
			return 0, fmt.Errorf("vela: tensor %q lies at offset %d, which is not a multiple of 16", b.Name, b.Offset)
		}
		return add(&graph.Tensor{Name: b.Name, Type: b.Type, Shape: b.Shape, Quant: b.Quant}, b.Offset), nil
	}
	for _, b := range p.Inputs {
		id, err := bind(b)
		if err != nil {
			return nil, err
		}
		g.Inputs, op.Inputs = append(g.Inputs, id), append(op.Inputs, id)
	}
	// A runtime keeps variable tensors from call to call, and resets them, when it sees
	// them: as inputs of the operator alone.
	for _, b := range p.Variables {
		id, err := bind(b)
		if err != nil {
			return nil, err
		}
		g.Tensors[id].Variable = true
		op.Inputs = append(op.Inputs, id)
	}
	for _, b := range p.Outputs {
		id, err := bind(b)
		if err != nil {
			return nil, err
		}
		g.Outputs, op.Outputs = append(g.Outputs, id), append(op.Outputs, id)
	}
	g.Ops = []*graph.Op{op}
	for _, s := range p.States {
		g.States = append(g.States, graph.State{In: g.Inputs[s.In], Out: g.Outputs[s.Out]})
	}
	n, err := packNotes(notes{Name: p.Name, System: p.System, Mode: p.Mode, InSRAM: p.WeightsInSRAM, Variables: p.Variables, States: p.States, Map: stream.Map, Ops: stream.Ops})
	if err != nil {
		return nil, fmt.Errorf("vela: %v", err)
	}
	out, err := tflite.WriteModel(&tflite.Model{Graph: g, Metadata: append([]tflite.Metadata{planOf(offsets), {Name: metaNotes, Data: n}}, more...)})
	if err != nil {
		return nil, fmt.Errorf("vela: %v", err)
	}
	return out, nil
}

// planOf is the metadata that says where tensors lie in the arena, -1 for those that do not.
func planOf(offsets []int32) tflite.Metadata {
	var plan []byte
	for _, v := range append([]int32{0, 1, int32(len(offsets))}, offsets...) {
		plan = binary.LittleEndian.AppendUint32(plan, uint32(v))
	}
	return tflite.Metadata{Name: metaOffsets, Data: plan}
}
