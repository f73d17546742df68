// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"

	"github.com/unroll-npu/unroll/codegen/internal/gotest"
)

// addGoTest describes the project to package gotest, which writes its test.
func addGoTest(t Tree, p *Project, v *view) error {
	s := &gotest.Suite{
		Prefix: p.Prefix, Accelerator: v.Accel, ArenaBytes: p.Program.ArenaSize, FastBytes: p.Program.FastSize,
		Constants: v.ConstantBytes > 0, Array: p.Prefix + "_commands", Targets: !v.Arm,
	}
	if v.Arm {
		s.Array, s.Skip = p.Prefix+"_payload", len(v.Streams[0].Payload)-len(v.Streams[0].Commands)
	}
	if v.Sequence {
		s.Program = p.Program
		for _, w := range v.StageRows {
			suffix := w.Suffix
			if w.CPU {
				suffix = ""
			}
			s.Suffixes = append(s.Suffixes, suffix)
		}
	}
	if len(v.CPU) > 0 {
		if p.Model == nil {
			return fmt.Errorf("the program leaves operators to the CPU, which the test reads from the compiled model: give that")
		}
		s.Model = "model/" + p.Prefix + ".npu.tflite"
	}
	for _, in := range v.Inputs {
		s.Inputs = append(s.Inputs, gotest.Place{Name: p.Program.Inputs[in.binding].Name, Offset: in.Offset, Size: in.Bytes})
	}
	for _, out := range v.Outputs {
		s.Outputs = append(s.Outputs, gotest.Place{Name: p.Program.Outputs[out.binding].Name, Offset: out.Offset, Size: out.Bytes})
	}
	for _, st := range v.States {
		zero := make([]byte, st.Width)
		for i := range zero {
			zero[i] = byte(st.ZeroPoint >> (8 * i))
		}
		c := gotest.Carried{In: st.Offset, Out: st.OutOffset, Size: st.Bytes, Zero: zero}
		if st.variable {
			c.Name = p.Program.Variables[st.binding].Name
			s.Variables = append(s.Variables, c)
		} else {
			c.Name = p.Program.Inputs[st.binding].Name
			s.States = append(s.States, c)
		}
	}
	b, err := gotest.Render(s)
	t[p.Prefix+"_test.go"] = b
	return err
}
