// SPDX-License-Identifier: Apache-2.0

package run

import (
	"debug/dwarf"
	"debug/elf"
	"errors"
	"strings"
)

// contexts sums up, from the debug information of a program, the structures that an
// application allocates for the library: one NAME_context for each model, and
// unroll_npu when the driver counts. It is 0 without debug information.
func contexts(image string, driver bool) (int, error) {
	f, err := elf.Open(image)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) {
			return 0, nil
		}
		return 0, err
	}
	defer f.Close()
	d, err := f.DWARF()
	if err != nil {
		return 0, nil
	}
	sizes := map[string]int64{}
	for r := d.Reader(); ; {
		e, err := r.Next()
		if err != nil || e == nil {
			break
		}
		if e.Tag != dwarf.TagStructType {
			continue
		}
		name, _ := e.Val(dwarf.AttrName).(string)
		size, _ := e.Val(dwarf.AttrByteSize).(int64)
		if name == "unroll_npu" && driver || strings.HasSuffix(name, "_context") {
			sizes[name] = size
		}
		r.SkipChildren()
	}
	total := 0
	for _, size := range sizes {
		total += int(size)
	}
	return total, nil
}
