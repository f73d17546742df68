// SPDX-License-Identifier: Apache-2.0

package run

import (
	"debug/elf"
	"errors"
	"fmt"
)

// visible are the sections that the linker script keeps for what the NPU touches;
// the value says whether it may write there.
var visible = map[string]bool{
	".unroll_model":      false,
	".unroll_model_sram": false,
	".unroll_arena":      true,
	".unroll_dram":       true,
}

type span struct {
	name       string
	start, end uint64
	write      bool
}

// imageCheck returns the rule which addresses the NPU may use in an image for
// Corstone-300, nil for one for this machine, where addresses are known only at
// run time.
func imageCheck(path string) (func(addr uint64, n int, write bool) error, error) {
	f, err := elf.Open(path)
	if err != nil {
		var format *elf.FormatError
		if errors.As(err, &format) {
			return nil, nil // this machine has another format
		}
		return nil, err
	}
	defer f.Close()
	if f.Machine != elf.EM_ARM {
		return nil, nil
	}
	var spans []span
	for _, s := range f.Sections {
		if write, ok := visible[s.Name]; ok && s.Size > 0 {
			spans = append(spans, span{s.Name, s.Addr, s.Addr + s.Size, write})
		}
	}
	return func(addr uint64, n int, write bool) error {
		for _, s := range spans {
			if addr >= s.start && addr+uint64(n) <= s.end {
				if write && !s.write {
					return fmt.Errorf("%s is read only", s.name)
				}
				return nil
			}
		}
		return errors.New("outside of the sections the image keeps for the NPU")
	}, nil
}
