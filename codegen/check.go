// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/lower/graph"
)

// checkProgram refuses a program that no C project can be made of.
func checkProgram(prog *ethosu.Program) error {
	switch {
	case prog == nil:
		return fmt.Errorf("no program: compile the model first")
	case prog.Accel == nil:
		return fmt.Errorf("program %q names no accelerator", prog.Name)
	case len(prog.Stages) == 0 || len(prog.Stages) == 1 && len(prog.Stages[0].Commands) == 0:
		return fmt.Errorf("program %q has an empty command stream", prog.Name)
	case len(prog.Constants)%16 != 0:
		return fmt.Errorf("program %q has %d bytes of constants: expected a multiple of 16", prog.Name, len(prog.Constants))
	case prog.ArenaSize <= 0 || prog.ArenaSize%16 != 0 || prog.FastSize < 0 || prog.FastSize%16 != 0:
		return fmt.Errorf("program %q has an arena of %d and a fast scratch of %d bytes: expected multiples of 16, the first above 0",
			prog.Name, prog.ArenaSize, prog.FastSize)
	}
	for i := range prog.Inputs {
		if err := checkBinding(prog, &prog.Inputs[i], "input"); err != nil {
			return err
		}
	}
	for i := range prog.Outputs {
		if err := checkBinding(prog, &prog.Outputs[i], "output"); err != nil {
			return err
		}
	}
	for i := range prog.Variables {
		if err := checkBinding(prog, &prog.Variables[i], "variable"); err != nil {
			return err
		}
	}
	if err := prog.CheckStages(); err != nil {
		return fmt.Errorf("program %q: %w", prog.Name, err)
	}
	usedIn, usedOut := map[int]bool{}, map[int]bool{}
	for i, s := range prog.States {
		if s.In < 0 || s.In >= len(prog.Inputs) || s.Out < 0 || s.Out >= len(prog.Outputs) {
			return fmt.Errorf("state %d pairs input %d with output %d: the program has %d and %d", i, s.In, s.Out, len(prog.Inputs), len(prog.Outputs))
		}
		in, out := &prog.Inputs[s.In], &prog.Outputs[s.Out]
		if usedIn[s.In] || usedOut[s.Out] {
			return fmt.Errorf("state %d pairs input %q with output %q, one of which belongs to another state", i, in.Name, out.Name)
		}
		usedIn[s.In], usedOut[s.Out] = true, true
		if in.Type != out.Type || in.Size != out.Size {
			return fmt.Errorf("state %d: input %q is %v of %d bytes, output %q is %v of %d bytes: a state is carried by a byte copy",
				i, in.Name, in.Type, in.Size, out.Name, out.Type, out.Size)
		}
	}
	return nil
}

func checkBinding(prog *ethosu.Program, b *ethosu.Binding, what string) error {
	switch n := graph.Elems(b.Shape) * b.Type.Size(); {
	case b.Region != ethosu.RegionArena:
		return fmt.Errorf("%s %q lies in region %d: expected the arena, region %d", what, b.Name, b.Region, ethosu.RegionArena)
	case n <= 0 || n != b.Size:
		return fmt.Errorf("%s %q has %d bytes, but %v %v takes %d", what, b.Name, b.Size, b.Type, b.Shape, n)
	case b.Offset < 0 || b.Offset+b.Extent() > prog.ArenaSize:
		return fmt.Errorf("%s %q at %d leaves the arena of %d bytes", what, b.Name, b.Offset, prog.ArenaSize)
	case b.Offset%b.Type.Size() != 0:
		return fmt.Errorf("%s %q at %d is not aligned for %v", what, b.Name, b.Offset, b.Type)
	}
	return nil
}
