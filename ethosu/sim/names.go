// SPDX-License-Identifier: Apache-2.0

package sim

import (
	"sort"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// TensorNames returns a function that names the tensor of a stage which lives at a
// place while the operation at a word runs; an empty string when there is none.
func TensorNames(s *ethosu.Stage) func(word int, at isa.Span) string {
	return func(word int, at isa.Span) string {
		op := sort.Search(len(s.Ops), func(i int) bool { return s.Ops[i].Word >= word })
		name := ""
		for i := range s.Map {
			m := &s.Map[i]
			if m.Region != at.Region || at.Start < int64(m.Offset) || at.Start >= int64(m.Offset+m.Size) {
				continue
			}
			if m.First <= op && op <= m.Last {
				return m.Name
			}
			if name == "" {
				name = m.Name
			}
		}
		return name
	}
}

// OutputNames returns a function that names the output of the operation at a word.
func OutputNames(s *ethosu.Stage) func(word int) string {
	return func(word int) string {
		i := sort.Search(len(s.Ops), func(i int) bool { return s.Ops[i].Word >= word })
		if i < len(s.Ops) && s.Ops[i].Word == word {
			return s.Ops[i].OFM
		}
		return ""
	}
}
