package perf

import (
	"github.com/unroll-npu/unroll/ethosu"
)

// StageOf returns the cycles of one invocation of a program's stage.
func StageOf(p *ethosu.Program, s *ethosu.Stage) (Report, error) {
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
		if n := name[r.Ops[i].Word]; n != "" {
			r.Ops[i].Name = n
		}
	}
	return r, nil
}

// sequence adds up the invocations of all stages. Ops lists those of one invocation of
// each stage, from the start of that stage.
func sequence(p *ethosu.Program) (Report, error) {
	var sum Report
	stages := p.Streams()
	for i := range stages {
		r, err := StageOf(p, &stages[i])
		if err != nil {
			return sum, err
		}
		n := int64(stages[i].Times)
		sum.Total += n * r.Total
		sum.Serial += n * r.Serial
		sum.NPU += n * r.NPU
		sum.MACs += n * r.MACs
		for k := range r.By {
			sum.By[k] += n * r.By[k]
		}
		sum.Ops = append(sum.Ops, r.Ops...)
		t := timeline{r: sum}
		for _, m := range r.Memory {
			use := t.memory(m.Name)
			use.Read += float64(n) * m.Read
			use.Write += float64(n) * m.Write
			use.Cycles += float64(n) * m.Cycles
		}
		sum.Memory = t.r.Memory
	}
	return sum, nil
}
