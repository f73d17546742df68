// SPDX-License-Identifier: Apache-2.0

package verify_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim"
	"github.com/unroll-npu/unroll/ethosu/verify"
)

// transfers copies 64 bytes from the constants to the arena, and from there on. wait is
// put between the two transfers.
func transfers(a *ethosu.Accelerator, wait ...isa.Command) []uint32 {
	var list []isa.Command
	if a.ParallelMode {
		list = append(list, isa.PutParallelMode(a.Cores-1))
	}
	list = append(list,
		isa.PutDMA0SrcRegion(isa.DMA0SrcRegionFields{Region: 0}), isa.PutDMA0Src(0),
		isa.PutDMA0DstRegion(isa.DMA0DstRegionFields{Region: 1}), isa.PutDMA0Dst(0), isa.PutDMA0Len(64),
		isa.Command{Code: isa.OpDMAStart})
	list = append(list, wait...)
	list = append(list,
		isa.PutDMA0SrcRegion(isa.DMA0SrcRegionFields{Region: 1}), isa.PutDMA0Dst(128),
		isa.Command{Code: isa.OpDMAStart}, isa.PutStop(0xffff))
	return isa.Encode(list)
}

// TestTransferOrder: where two transfers may be under way, one that reads what the other
// writes must wait, for the verifier as for the simulator, whose bytes then depend on
// the order; where one may, the second never overtakes the first.
func TestTransferOrder(t *testing.T) {
	constants := make([]byte, 64)
	for i := range constants {
		constants[i] = byte(i + 1)
	}
	for _, a := range ethosu.Of(ethosu.U55, ethosu.U65) {
		for _, c := range []struct {
			wait []isa.Command
			race bool
		}{{nil, a.MaxDMA > 1}, {[]isa.Command{isa.PutDMAWait(1)}, a.MaxDMA > 1}, {[]isa.Command{isa.PutDMAWait(0)}, false}} {
			words := transfers(a, c.wait...)
			found := verify.Stream(a, words, verify.Regions{{Size: 64, Constant: true, Content: constants}, {Size: 192}}).All()
			if race := len(found) == 1 && found[0].Rule == verify.RuleWait && strings.Contains(found[0].Msg, "NPU_OP_DMA_WAIT 0"); race != c.race || len(found) > 1 {
				t.Errorf("%s, wait %v: findings %v, expected a missing wait: %v", a.Name, c.wait, found, c.race)
			}
			s, err := sim.Prepare(a, words, sim.Regions{{Content: constants}, {Size: 192}})
			if err != nil {
				t.Fatal(err)
			}
			if races := s.Races(); (len(races) == 1) != c.race {
				t.Errorf("%s, wait %v: races %v, expected one: %v", a.Name, c.wait, races, c.race)
			}
			m, swapped := s.NewMemory(), s.NewMemory()
			if err := s.Run(m); err != nil {
				t.Fatal(err)
			}
			if err := s.RunWith(swapped, sim.Exec{Timing: sim.SwappedDMA}); err != nil {
				t.Fatal(err)
			}
			if differ := !slices.Equal(m[1], swapped[1]); differ != c.race {
				t.Errorf("%s, wait %v: the order matters: %v, expected %v", a.Name, c.wait, differ, c.race)
			}
		}
	}
}
