// SPDX-License-Identifier: Apache-2.0

package gotest

import (
	. "github.com/dave/jennifer/jen" //lint:ignore ST1001 statements of generated code read as the code itself

	"github.com/unroll-npu/unroll/ethosu"
)

// project writes the description of a program, without its streams and constants.
func project(s *Suite) Dict {
	p := s.Program
	d := Dict{
		Id("Prefix"):      Lit(s.Prefix),
		Id("Accelerator"): Lit(p.Accel.Name),
		Id("Stages"):      stages(s),
	}
	if s.Constants {
		d[Id("Constants")] = True()
	}
	if s.Model != "" {
		d[Id("Model")] = Lit(s.Model)
		return d
	}
	d[Id("ArenaBytes")] = Lit(p.ArenaSize)
	d[Id("FastBytes")] = Lit(p.FastSize)
	d[Id("Inputs")] = tensors(p.Inputs)
	d[Id("Outputs")] = tensors(p.Outputs)
	if len(p.Variables) > 0 {
		d[Id("Variables")] = tensors(p.Variables)
	}
	if len(p.States) > 0 {
		d[Id("States")] = Index().Qual(proofPath, "Pair").ValuesFunc(func(g *Group) {
			for _, st := range p.States {
				g.Values(Dict{Id("In"): Lit(st.In), Id("Out"): Lit(st.Out)})
			}
		})
	}
	if p.Steps > 0 {
		d[Id("Steps")] = Lit(p.Steps)
	}
	return d
}

// tensors writes the places of inputs, outputs or variables. Of the quantization only
// the zero point matters, which states are reset to.
func tensors(list []ethosu.Binding) Code {
	return Index().Qual(proofPath, "Tensor").ValuesFunc(func(g *Group) {
		for _, b := range list {
			d := Dict{
				Id("Name"):   Lit(b.Name),
				Id("Type"):   Lit(b.Type.String()),
				Id("Shape"):  ints(b.Shape),
				Id("Offset"): Lit(b.Offset),
			}
			if b.Rows > 0 {
				d[Id("Rows")], d[Id("Stride")] = Lit(b.Rows), Lit(b.Stride)
			}
			if q := b.Quant; q != nil && len(q.ZeroPoints) > 0 && q.ZeroPoints[0] != 0 {
				d[Id("Zero")] = Lit(int(q.ZeroPoints[0]))
			}
			g.Line().Values(d)
		}
		if len(list) > 0 {
			g.Line()
		}
	})
}

func ints(list []int) Code {
	return Index().Int().ValuesFunc(func(g *Group) {
		for _, n := range list {
			g.Lit(n)
		}
	})
}

// stages writes where the C has the streams, and what the NPU's regions are while they run.
func stages(s *Suite) Code {
	return Index().Qual(proofPath, "Stage").ValuesFunc(func(g *Group) {
		for i, st := range s.Program.Stages {
			d := Dict{Id("Name"): Lit(st.Name)}
			if s.Arrays[i] != "" {
				d[Id("Array")] = Lit(s.Arrays[i])
			}
			if s.Skip > 0 && s.Arrays[i] != "" {
				d[Id("Skip")] = Lit(s.Skip)
			}
			if s.Model == "" {
				d[Id("Times")] = Lit(st.Times)
				if len(st.Windows) > 0 {
					d[Id("Windows")] = windows(st.Windows)
				}
			}
			g.Line().Values(d)
		}
		g.Line()
	})
}

func windows(list []ethosu.Window) Code {
	return Index().Qual(proofPath, "Window").ValuesFunc(func(g *Group) {
		for _, w := range list {
			g.Line().Values(Dict{
				Id("Region"): Lit(w.Region), Id("In"): Lit(w.In), Id("Offset"): Lit(w.Offset), Id("Size"): Lit(w.Size), Id("Advance"): Lit(w.Advance),
			})
		}
		g.Line()
	})
}
