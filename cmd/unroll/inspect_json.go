// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/perf"
	"github.com/unroll-npu/unroll/ethosu/vela"
)

// inspected is a compiled program as inspect --json prints it.
type inspected struct {
	perf.Figures
	Operations   []inspectedOperation `json:"operations"`
	Memory       []inspectedTensor    `json:"memory"`
	CPUOperators []cpuOperator        `json:"cpu_operators"`
	TFLMArena    int                  `json:"tflm_arena_bytes"` // that TFLite Micro needs for the file
}

// cpuOperator is an operator that the CPU runs, as --json prints it.
type cpuOperator struct {
	Stage  string `json:"stage"`
	Name   string `json:"name"`
	Tensor string `json:"tensor"` // its first output
	Reason string `json:"reason"` // why not the NPU; empty where the file does not say
}

func cpuOperators(p *ethosu.Program) []cpuOperator {
	list := []cpuOperator{}
	for _, s := range p.Stages {
		if s.CPU != nil {
			list = append(list, cpuOperator{s.Name, s.CPU.Kind().String(), s.CPU.Output(), s.CPU.Why})
		}
	}
	return list
}

// inspectedOperation is one operation of a stage, of which a call may take several.
type inspectedOperation struct {
	Stage  string  `json:"stage,omitempty"`
	Word   int     `json:"word"`
	Name   string  `json:"name"`
	Begins float64 `json:"begins"` // cycles from the start of the stage
	Cycles float64 `json:"cycles"`
	Reason string  `json:"reason"`
	MACs   int64   `json:"macs,omitempty"`
	Bytes  int64   `json:"bytes,omitempty"` // of a transfer
}

// inspectedTensor is where a tensor lies while operations first to last of a stage run.
type inspectedTensor struct {
	Stage  string `json:"stage,omitempty"`
	Name   string `json:"name"`
	Region int    `json:"region"`
	Offset int    `json:"offset"`
	Size   int    `json:"size"`
	First  int    `json:"first"`
	Last   int    `json:"last"`
}

func inspectedOf(p *ethosu.Program, r *perf.Report, f perf.Figures) inspected {
	out := inspected{Figures: f, Operations: []inspectedOperation{}, Memory: []inspectedTensor{}, CPUOperators: cpuOperators(p), TFLMArena: vela.ArenaOf(p).Total()}
	for i := range r.Ops {
		o := &r.Ops[i]
		out.Operations = append(out.Operations, inspectedOperation{Stage: o.Stage, Word: o.Word, Name: o.Name, Begins: tenth(o.Begins), Cycles: tenth(o.End - o.Begins),
			Reason: o.Reason.String(), MACs: o.MACs, Bytes: o.Bytes})
	}
	for _, s := range p.Stages {
		for _, m := range s.Map {
			out.Memory = append(out.Memory, inspectedTensor{Stage: s.Name, Name: m.Name, Region: m.Region, Offset: m.Offset, Size: m.Size, First: m.First, Last: m.Last})
		}
	}
	return out
}

// tenth rounds cycles to what an estimate can mean.
func tenth(cycles float64) float64 { return math.Round(10*cycles) / 10 }

// fileFigures adds up the figures of the programs of a file, given what sets their
// memories.
func fileFigures(name string, f *vela.File, memories func(*ethosu.Accelerator, *ethosu.SystemConfig, *ethosu.MemoryMode) error) (perf.Figures, error) {
	var list []perf.Figures
	for _, p := range f.Programs {
		if err := memories(p.Accel, &p.System, &p.Mode); err != nil {
			return perf.Figures{}, err
		}
		one, err := perf.FiguresOf(p)
		if err != nil {
			return perf.Figures{}, fmt.Errorf("%s: %w", name, err)
		}
		list = append(list, one)
	}
	return perf.Add(list, f.CPUOps), nil
}
