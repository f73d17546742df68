// SPDX-License-Identifier: Apache-2.0

package emit

import (
	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/kernel"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/place"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
)

// Load returns the stage, without windows, that copies the first n bytes of the constants
// to region in, and ends when they are there.
func Load(a *ethosu.Accelerator, in, n int) (ethosu.Stage, error) {
	src := &kernel.Buffer{Name: "constants", Size: n}
	dst := &kernel.Buffer{Name: "constants/resident", Size: n}
	layout := place.Fixed(map[*kernel.Buffer]place.Address{src: {Region: ethosu.RegionConstants}, dst: {Region: in}})
	s := New(a, []schedule.Operation{{Transfer: &schedule.Transfer{Name: "DMA constants", Step: -1, Src: src, Dst: dst, Length: n}}}, layout)
	s.drain = true // the driver may start the next stage as soon as the interrupt is there
	if err := Emit(s); err != nil {
		return ethosu.Stage{}, err
	}
	return ethosu.Stage{Commands: s.Words, Ops: s.Info(), Map: []ethosu.Placement{
		{Name: src.Name, Region: ethosu.RegionConstants, Size: n}, {Name: dst.Name, Region: in, Size: n}}}, nil
}
