// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"fmt"

	"github.com/unroll-npu/unroll/ethosu"
)

// StageOf returns the cycles of one invocation of a program's stage: of the NPU, so that an
// operator of the CPU has none.
func StageOf(p *ethosu.Program, s *ethosu.Stage) (Report, error) {
	if s.CPU != nil {
		return Report{}, nil
	}
	in := map[int]int{}
	for _, w := range s.Windows {
		in[w.Region] = w.In
	}
	r, err := Stream(p.Accel, func(region int) Place {
		if memory, ok := in[region]; ok {
			region = memory
		}
		mem, port := ethosu.RegionMemory(p.System, p.Mode, region)
		return Place{mem, port}
	}, s.Commands)
	if err != nil {
		return r, err
	}
	name := map[int]string{}
	for _, o := range s.Ops {
		name[o.Word] = o.Name
	}
	for i := range r.Ops {
		r.Ops[i].Stage = s.Name
		if n := name[r.Ops[i].Word]; n != "" {
			r.Ops[i].Name = n
		}
	}
	return r, nil
}

// Estimate returns the cycles of one call: the invocations of all stages. Ops lists the
// operations of one invocation of each stage, from the start of that stage.
func Estimate(p *ethosu.Program) (Report, error) {
	var sum Report
	for i := range p.Stages {
		r, err := StageOf(p, &p.Stages[i])
		if err != nil {
			return sum, err
		}
		n := int64(p.Stages[i].Times)
		sum.Total += n * r.Total
		sum.NPU += n * r.NPU
		sum.MACs += n * r.MACs
		for k := range r.By {
			sum.By[k] += n * r.By[k]
		}
		sum.Ops = append(sum.Ops, r.Ops...)
		t := timeline{r: sum}
		for _, m := range r.Memory {
			use := t.memory(m.Name)
			// The conversions keep compilers from fusing products with sums: what is
			// compared is the same on every machine.
			use.Read += float64(float64(n) * m.Read)
			use.Write += float64(float64(n) * m.Write)
			use.Cycles += float64(float64(n) * m.Cycles)
		}
		sum.Memory = t.r.Memory
	}
	between := int64(p.WakeUps()-1) * wakeUp
	sum.Total += between
	sum.By[CPU] += between
	return sum, nil
}

// What `auto` trades. A sequence of streams wakes the CPU at every step and loads its
// tables again, so it has to save flash.
const (
	autoFlash  = 1.10 // the unrolled form's flash, over the sequence's, from which on the sequence is worth
	autoCycles = 1.25 // at most so many times the unrolled form's cycles
)

// PreferSequence decides between the unrolled form and the sequence of streams of the
// same network: the sequence when it takes no more cycles and no more flash, or when
// the unrolled form needs a tenth more flash and the sequence at most a quarter more
// cycles. why says what decided.
func PreferSequence(unrolled, sequence Figures) (yes bool, why string) {
	flash := float64(unrolled.FlashBytes) / float64(max(sequence.FlashBytes, 1))
	cycles := float64(sequence.Cycles) / float64(max(unrolled.Cycles, 1))
	switch {
	case cycles <= 1 && flash >= 1:
		return true, "it takes no more cycles and no more flash"
	case flash < autoFlash:
		return false, fmt.Sprintf("it has %.2f times the flash of step, less than %.2f times", flash, autoFlash)
	case cycles > autoCycles:
		return false, fmt.Sprintf("step has %.2f times its cycles, more than %.2f times", cycles, autoCycles)
	}
	return true, fmt.Sprintf("unrolled has %.2f times its flash, and it has %.2f times the cycles, at most %.2f times", flash, cycles, autoCycles)
}
