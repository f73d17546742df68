// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/cpu"
	"github.com/unroll-npu/unroll/templates"
)

// cpuView is an operator that the CPU computes.
type cpuView struct {
	Name   string // of its C function, whatever the stage is called
	Number int    // among the operators of the CPU
	Stage  int
	Text   string // what it computes, safe in a comment
	Why    string // likewise; may be empty
	Calls  []string

	Tables []tableView
	Lists  []listView

	Reads, Writes []lineRange // of the arena, in whole cache lines
}

// tableView is an array of words.
type tableView struct {
	Name  string
	Words []uint32
}

// listView is an array of addresses in the function.
type listView struct{ Name, Items string }

// stageRow is a row of the C table of stages.
type stageRow struct {
	*streamView
	CPU    bool
	Stream int // number of its stream
}

// addCPU describes the operators of the CPU and collects the functions that they call.
func (v *view) addCPU(prog *ethosu.Program) error {
	need := &functions{}
	for i := range prog.Stages {
		s := &prog.Stages[i]
		if s.CPU == nil {
			continue
		}
		k, err := cpu.New(s.CPU.Graph)
		if err != nil {
			return fmt.Errorf("stage %s: %w", s.Name, err)
		}
		o := &cpuView{Name: fmt.Sprintf("cpu%d", len(v.CPU)+1), Number: len(v.CPU), Stage: i, Text: cComment(fmt.Sprintf("%v, which makes %q", s.CPU.Kind(), s.CPU.Output())), Why: cComment(s.CPU.Why)}
		for _, c := range k.Calls {
			if err := need.add(c.Function); err != nil {
				return err
			}
			o.Calls = append(o.Calls, o.call(s.CPU, c))
		}
		for k := range s.CPU.Inputs {
			o.Reads = append(o.Reads, linesOf(&s.CPU.Inputs[k]))
		}
		for k := range s.CPU.Outputs {
			o.Writes = append(o.Writes, linesOf(&s.CPU.Outputs[k]))
		}
		o.Reads, o.Writes = joined(o.Reads), joined(o.Writes)
		v.CPU = append(v.CPU, o)
	}
	v.CPUFunctions = need.text
	return nil
}

// CPUAt is the operator of a stage.
func (v *view) CPUAt(stage int) *cpuView {
	i := slices.IndexFunc(v.CPU, func(o *cpuView) bool { return o.Stage == stage })
	return v.CPU[i]
}

// call writes a call, and the tables that it takes.
func (o *cpuView) call(op *ethosu.CPUOp, c cpu.Call) string {
	var list []string
	for _, a := range c.Args {
		list = append(list, o.argument(op, a))
	}
	return fmt.Sprintf("cpu_%s(%s);", c.Function, strings.Join(list, ", "))
}

func (o *cpuView) argument(op *ethosu.CPUOp, a cpu.Arg) string {
	table := func(words []uint32) string {
		at := slices.IndexFunc(o.Tables, func(t tableView) bool { return slices.Equal(t.Words, words) })
		if at < 0 {
			at = len(o.Tables)
			o.Tables = append(o.Tables, tableView{fmt.Sprintf("%s_%d", o.Name, at), words})
		}
		return o.Tables[at].Name
	}
	switch a := a.(type) {
	case cpu.Input:
		return fmt.Sprintf("arena + %du", op.Inputs[a].Offset)
	case cpu.Output:
		return fmt.Sprintf("arena + %du", op.Outputs[a].Offset)
	case cpu.Constant:
		padded := append(slices.Clone([]byte(a)), make([]byte, roundUp(max(len(a), 4), 4)-len(a))...)
		return fmt.Sprintf("(const uint8_t *)%s", table(leWords(padded)))
	case cpu.Integer:
		if a == -1<<31 {
			return "INT32_MIN"
		}
		return fmt.Sprint(int64(a))
	case cpu.Real:
		return cFloat(float32(a))
	case cpu.Table:
		return table(a)
	case cpu.List:
		var items []string
		for _, x := range a {
			items = append(items, o.argument(op, x))
		}
		name := fmt.Sprintf("list_%d", len(o.Lists))
		o.Lists = append(o.Lists, listView{name, strings.Join(items, ", ")})
		return name
	}
	panic(fmt.Sprintf("BUG: an argument of type %T", a))
}

// functions are C functions with those that they call, each behind what it needs.
type functions struct {
	seen map[string]bool
	text []string
}

// add reads templates/cpu/NAME.c, whose second line may name files that it needs.
func (f *functions) add(name string) error {
	if f.seen[name] {
		return nil
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	f.seen[name] = true
	b, err := fs.ReadFile(templates.Files, "cpu/"+name+".c")
	if err != nil {
		return fmt.Errorf("BUG: no C function %q: %w", name, err)
	}
	_, text, _ := strings.Cut(string(b), "\n") // the licence stands in the file that takes it
	if first, rest, _ := strings.Cut(text, "\n"); strings.HasPrefix(first, "/* needs: ") {
		text = rest
		for _, n := range strings.Fields(strings.TrimSuffix(strings.TrimPrefix(first, "/* needs: "), "*/")) {
			if err := f.add(n); err != nil {
				return err
			}
		}
	}
	f.text = append(f.text, strings.TrimRight(text, "\n"))
	return nil
}
