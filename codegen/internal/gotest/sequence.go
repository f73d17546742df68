// SPDX-License-Identifier: Apache-2.0

package gotest

import (
	. "github.com/dave/jennifer/jen" //lint:ignore ST1001 statements of generated code read as the code itself

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/graph"
)

// typeNames are the names of element types in package graph.
var typeNames = map[graph.DType]string{
	graph.Int8: "Int8", graph.Uint8: "Uint8", graph.Int16: "Int16", graph.Int32: "Int32", graph.Int64: "Int64", graph.Bool: "Bool", graph.Float32: "Float32",
}

// testSequence writes the test of a run that is a sequence of streams. The program is
// put together from the words of the C source and from what the source's tables say.
func testSequence(f *File, s *Suite) {
	p := s.Program
	describes := "src/" + s.Prefix + ".c"
	if s.Model != "" {
		describes = s.Model
	}
	f.Comment("program is a run as " + describes + " describes it, with the words and bytes of src/" + s.Prefix + "_model.c.")
	f.Func().Id("program").Params(t()).Op("*").Qual(ethosuPath, "Program").BlockFunc(func(g *Group) {
		source := Lit("src/" + s.Prefix + "_model.c")
		g.Id("t").Dot("Helper").Call()
		if s.Model != "" {
			g.List(Id("file"), Err()).Op(":=").Qual("os", "ReadFile").Call(Lit(s.Model))
			g.Add(fatalIfErr())
			g.List(Id("p"), Err()).Op(":=").Qual(velaPath, "Read").Call(Lit(s.Model), Id("file"))
			g.Add(fatalIfErr())
			words(g, s, source)
			return
		}
		g.List(Id("accel"), Err()).Op(":=").Qual(ethosuPath, "ParseAccelerator").Call(Id("accelerator"))
		g.Add(fatalIfErr())
		g.Id("p").Op(":=").Op("&").Qual(ethosuPath, "Program").Values(Dict{
			Id("Accel"):     Id("accel"),
			Id("ArenaSize"): Lit(p.ArenaSize),
			Id("FastSize"):  Lit(p.FastSize),
			Id("Inputs"):    bindings(p.Inputs),
			Id("Outputs"):   bindings(p.Outputs),
			Id("Variables"): bindings(p.Variables),
			Id("States"): Index().Qual(ethosuPath, "StatePair").ValuesFunc(func(g *Group) {
				for _, st := range p.States {
					g.Values(Dict{Id("In"): Lit(st.In), Id("Out"): Lit(st.Out)})
				}
			}),
			Id("Steps"):  Lit(p.Steps),
			Id("Stages"): stages(p.Stages),
		})
		words(g, s, source)
	})
	f.Line()
	f.Comment("TestCommandStream runs the words of the C source on the simulated NPU for every golden")
	f.Comment("call, with the states carried from call to call, and compares bytes.")
	f.Func().Id("TestCommandStream").Params(t()).Block(
		Id("p").Op(":=").Id("program").Call(Id("t")),
		List(Id("npu"), Err()).Op(":=").Qual(runnerPath, "NewSimulator").Call(Id("p")),
		fatalIfErr(),
		List(Id("vectors"), Err()).Op(":=").Qual(goldenPath, "Read").Call(Lit("testdata/golden.json")),
		fatalIfErr(),
		Line(),
		Comment("The vectors have the states apart from the inputs and outputs."),
		List(Id("carriedIn"), Id("carriedOut")).Op(":=").List(Map(Int()).Bool().Values(), Map(Int()).Bool().Values()),
		For(List(Id("_"), Id("s")).Op(":=").Range().Id("p").Dot("States")).Block(
			List(Id("carriedIn").Index(Id("s").Dot("In")), Id("carriedOut").Index(Id("s").Dot("Out"))).Op("=").List(True(), True()),
		),
		Id("session").Op(":=").Qual(runnerPath, "NewSession").Call(Id("npu"), Id("npu").Dot("States").Call()),
		For(List(Id("n"), Id("call")).Op(":=").Range().Id("vectors").Dot("Calls")).Block(
			If(Id("call").Dot("Reset")).Block(Id("session").Dot("Reset").Call()),
			Id("next").Op(":=").Lit(0),
			For(Id("i").Op(":=").Range().Id("p").Dot("Inputs")).Block(
				If(Op("!").Id("carriedIn").Index(Id("i"))).Block(
					Copy(Id("session").Dot("In").Index(Id("i")), Id("call").Dot("Inputs").Index(Id("next"))),
					Id("next").Op("++"),
				),
			),
			If(Err().Op(":=").Id("session").Dot("Call").Call(), Err().Op("!=").Nil()).Block(
				Id("t").Dot("Fatalf").Call(Lit("call %d: %v"), Id("n"), Err()),
			),
			Id("next").Op("=").Lit(0),
			For(List(Id("o"), Id("b")).Op(":=").Range().Id("p").Dot("Outputs")).Block(
				If(Op("!").Id("carriedOut").Index(Id("o"))).Block(
					Id("compare").Call(Id("t"), Id("n"), Id("b").Dot("Name"), Id("session").Dot("Out").Index(Id("o")), Id("call").Dot("Outputs").Index(Id("next"))),
					Id("next").Op("++"),
				),
			),
			For(List(Id("i"), Id("s")).Op(":=").Range().Id("p").Dot("States")).Block(
				Id("compare").Call(Id("t"), Id("n"), Id("p").Dot("Inputs").Index(Id("s").Dot("In")).Dot("Name"),
					Id("session").Dot("Out").Index(Id("s").Dot("Out")), Id("call").Dot("States").Index(Id("i"))),
			),
		),
		Id("t").Dot("Logf").Call(Lit("%d calls give the golden bytes on the simulated NPU"), Len(Id("vectors").Dot("Calls"))),
	)
}

// bindings writes the places of inputs, outputs or variables. Of the quantization only
// the zero point matters, which states are reset to.
func bindings(list []ethosu.Binding) Code {
	return Index().Qual(ethosuPath, "Binding").ValuesFunc(func(g *Group) {
		for _, b := range list {
			d := Dict{
				Id("Name"):   Lit(b.Name),
				Id("Type"):   Qual(graphPath, typeNames[b.Type]),
				Id("Shape"):  ints(b.Shape),
				Id("Region"): Lit(b.Region),
				Id("Offset"): Lit(b.Offset),
				Id("Size"):   Lit(b.Size),
			}
			if b.Rows > 0 {
				d[Id("Rows")], d[Id("Stride")] = Lit(b.Rows), Lit(b.Stride)
			}
			if q := b.Quant; q != nil && len(q.ZeroPoints) > 0 {
				d[Id("Quant")] = Qual(graphPath, "PerTensor").Call(Lit(1), Lit(int(q.ZeroPoints[0])))
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

func stages(list []ethosu.Stage) Code {
	return Index().Qual(ethosuPath, "Stage").ValuesFunc(func(g *Group) {
		for _, s := range list {
			windows := Index().Qual(ethosuPath, "Window").ValuesFunc(func(g *Group) {
				for _, w := range s.Windows {
					g.Line().Values(Dict{
						Id("Region"): Lit(w.Region), Id("In"): Lit(w.In), Id("Offset"): Lit(w.Offset), Id("Size"): Lit(w.Size), Id("Advance"): Lit(w.Advance),
					})
				}
				g.Line()
			})
			g.Line().Values(Dict{Id("Name"): Lit(s.Name), Id("Times"): Lit(s.Times), Id("Windows"): windows})
		}
		g.Line()
	})
}

// words takes constants and streams from the C source.
func words(g *Group, s *Suite, source *Statement) {
	if s.Constants {
		g.If(List(Id("p").Dot("Constants"), Err()).Op("=").Qual(goldenPath, "Bytes").Call(source.Clone(), Lit(s.Prefix+"_constants")), Err().Op("!=").Nil()).Block(
			Id("t").Dot("Fatal").Call(Err()),
		)
	}
	g.For(List(Id("i"), Id("suffix")).Op(":=").Range().Index().String().ValuesFunc(func(g *Group) {
		for _, x := range s.Suffixes {
			g.Lit(x)
		}
	})).BlockFunc(func(g *Group) {
		if s.Model != "" {
			g.If(Id("suffix").Op("==").Lit("")).Block(Continue())
		}
		g.List(Id("words"), Err()).Op(":=").Qual(goldenPath, "Words").Call(source.Clone(), Lit(s.Array).Op("+").Id("suffix"))
		g.Add(fatalIfErr())
		words := Id("words")
		if s.Skip > 0 {
			g.Comment("The stream stands behind what the driver checks.")
			words = Id("words").Index(Lit(s.Skip).Op(":"))
		}
		g.Id("p").Dot("Stages").Index(Id("i")).Dot("Commands").Op("=").Add(words)
	})
	g.Return(Id("p"))
}
