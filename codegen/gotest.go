// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"fmt"

	"github.com/unroll-npu/unroll/codegen/internal/gotest"
)

// addGoTest describes the project to package gotest, which writes its test.
func addGoTest(t Tree, p *Project, v *view) error {
	s := &gotest.Suite{Prefix: p.Prefix, Program: p.Program, Constants: v.ConstantBytes > 0, Targets: !v.Arm}
	array := p.Prefix + "_commands"
	if v.Arm {
		array, s.Skip = p.Prefix+"_payload", len(v.Streams[0].Payload)-len(v.Streams[0].Commands)
	}
	if !v.Sequence {
		s.Arrays = []string{array}
	} else {
		for _, w := range v.StageRows {
			if w.CPU {
				s.Arrays = append(s.Arrays, "")
			} else {
				s.Arrays = append(s.Arrays, array+w.Suffix)
			}
		}
	}
	if len(v.CPU) > 0 {
		if p.Model == nil {
			return fmt.Errorf("the program leaves operators to the CPU, which the test reads from the compiled model: give that")
		}
		s.Model = "model/" + p.Prefix + ".npu.tflite"
	}
	b, err := gotest.Render(s)
	t[p.Prefix+"_test.go"] = b
	return err
}
