// SPDX-License-Identifier: Apache-2.0

package report

import "github.com/unroll-npu/unroll/ethosu"

// Places returns what lies in the memories of a stage: its map, and for a stream without one,
// such as those of the Vela compiler, what its operations write and read.
func Places(p *ethosu.Program, s *ethosu.Stage) ([]ethosu.Placement, error) {
	if len(s.Map) > 0 || s.CPU != nil {
		return s.Map, nil
	}
	st, err := readStage(p, s)
	if err != nil {
		return nil, err
	}
	var list []ethosu.Placement
	for _, v := range st.values {
		list = append(list, v.Placement)
	}
	return list, nil
}
