// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
)

// mutate returns the program with the command at word changed by delta: its
// payload if it has one, else its parameter.
func mutate(p *ethosu.Program, in isa.Instruction, delta int) *ethosu.Program {
	q, words := damaged(p)
	if in.Code.HasPayload() {
		words[in.Word+1] += uint32(delta)
	} else {
		words[in.Word] += uint32(delta) << 16
	}
	return q
}

// damaged returns a copy of a program with one stage, and the words of its stream.
func damaged(p *ethosu.Program) (*ethosu.Program, []uint32) {
	q, s := *p, p.Stages[0]
	s.Commands = slices.Clone(s.Commands)
	q.Stages = []ethosu.Stage{s}
	return &q, s.Commands
}

// A verifier that finds nothing proves nothing: every change of a register that
// the hazard, block, weight and DMA rules depend on must be found. Where a change
// is harmless the share that is found is pinned.
func TestMutations(t *testing.T) {
	all := []isa.Code{
		isa.OpDMAWait, isa.OpKernelWait, isa.SetWeightBase, isa.SetWeightLength, isa.SetScaleBase, isa.SetScaleLength,
		isa.SetDMA0Dst, isa.SetDMA0Len, isa.SetOFMBLKWidthM1, isa.SetOFMBLKDepthM1, isa.SetIFMIBEnd, isa.SetABStart, isa.SetIFM2IBStart,
		isa.SetKernelHeightM1, isa.SetIFMRegion, isa.SetOFMRegion, isa.SetWeightRegion, isa.SetScaleRegion, isa.SetOFMHeightM1, isa.SetIFMPrecision,
		isa.SetBlockdep, isa.SetIFMPadTop,
	}
	// Least share of changes by one that must be found, where it is not all.
	// Vela 3.10 waits for whatever uses any table before it loads one; only the slot
	// matters. An address that moves inside defined bytes is nobody's fault.
	least := map[string]map[isa.Code]float64{
		"gru16_t4.vela-u55-128.tflite":          {isa.OpKernelWait: 0.25, isa.SetIFMBase0: 0.9, isa.SetOFMBase0: 0.9},
		"gru32x40_stream.vela51-u65-256.tflite": {isa.SetBlockdep: 0.8, isa.SetIFMBase0: 0.8, isa.SetOFMBase0: 0.8},
	}
	programs := compiled(t)
	for name, shares := range least {
		p := programs[name]
		for _, code := range all {
			if _, has := shares[code]; !has {
				shares[code] = 1
			}
		}
		list, err := isa.Decode(p.Stages[0].Commands, p.Accel.Product)
		if err != nil {
			t.Fatal(err)
		}
		tried, found := map[isa.Code]int{}, map[isa.Code]int{}
		for _, in := range list {
			if shares[in.Code] == 0 || in.Code == isa.SetBlockdep && in.Param == 3 {
				continue
			}
			tried[in.Code]++
			if len(Program(mutate(p, in, 1)).All()) > 0 {
				found[in.Code]++
			}
		}
		for code, n := range tried {
			if share := float64(found[code]) / float64(n); share < shares[code] {
				t.Errorf("%s: %d of %d changes of %v found, want a share of %g", name, found[code], n, code, shares[code])
			}
		}
	}
}

// A clamp that leaves no value has no result. Values of 32 bits are not clamped.
func TestEmptyClamp(t *testing.T) {
	p := compiled(t)["gru16_t4.vela-u55-128.tflite"]
	list, err := isa.Decode(p.Stages[0].Commands, p.Accel.Product)
	if err != nil {
		t.Fatal(err)
	}
	tried, found := 0, 0
	for _, in := range list {
		if in.Code != isa.SetActivationMin || int16(in.Param) != -128 {
			continue
		}
		tried++
		for _, f := range Program(mutate(p, in, 256)).All() { // 128, above every S8
			if f.Rule == RuleType && strings.Contains(f.Msg, "ACTIVATION_MIN 128 and ACTIVATION_MAX 127 leave no value of S8") {
				found++
				break
			}
		}
	}
	if tried == 0 || found != tried-3 { // three are set for operations with 32 bits
		t.Errorf("%d of %d empty clamps found, want all but 3", found, tried)
	}
}

// Random changes of any bit end in findings or none, within bounds.
func TestRandomBits(t *testing.T) {
	p := compiled(t)["gru16_t4.vela51he-u65-256.tflite"]
	r := rand.New(rand.NewPCG(5, 6))
	for range 1000 {
		q, words := damaged(p)
		for range 1 + r.IntN(3) {
			words[r.IntN(len(words))] ^= 1 << r.IntN(32)
		}
		if n := len(Program(q).All()); n > maxFindings {
			t.Fatalf("%d findings, want at most %d", n, maxFindings)
		}
	}
}

func BenchmarkProgram(b *testing.B) {
	p := compiled(b)["gru256_mnist.vela-u55-128.tflite"]
	for b.Loop() {
		if f := Program(p).All(); len(f) > 0 {
			b.Fatal(f[0])
		}
	}
}
