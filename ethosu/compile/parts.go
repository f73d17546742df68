// SPDX-License-Identifier: Apache-2.0

package compile

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/cpu"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/lowering"
	"github.com/unroll-npu/unroll/ethosu/internal/compile/schedule"
	"github.com/unroll-npu/unroll/lower/graph"
)

// part is a piece of a graph that one of the two processors runs: operators of the NPU in
// one stream, or one operator of the CPU.
type part struct {
	ops []int
	why string // of the CPU: why the NPU does not do it
	cpu bool
}

// compileParts compiles a graph that the NPU alone refused: what each operator alone is
// refused for decides which of them the CPU runs.
func compileParts(g *graph.Graph, opt Options, refused error) (*ethosu.Program, error) {
	var fault *Fault
	if errors.As(refused, &fault) || opt.Accel == nil || g.Validate() != nil || len(g.Ops) == 0 {
		return nil, refused
	}
	opt.streams = schedule.NewStreams()
	why, err := refusals(g, opt)
	if err != nil {
		return nil, err
	}
	if len(why) == 0 {
		return nil, refused // by what is not one operator's
	}
	var never []string
	for i := range g.Ops {
		reason, ok := why[i]
		if !ok {
			continue
		}
		alone, _ := g.Alone(i)
		if _, err := cpu.New(alone); err != nil {
			never = append(never, fmt.Sprintf("%s: %s; and %v", g.OpString(i), reason, err))
		}
	}
	float := !slices.ContainsFunc(g.Tensors, func(t *graph.Tensor) bool { return t.Quant != nil })
	if len(never) > 0 && float {
		return nil, fmt.Errorf("compile %s: a network of float32, of which the NPU and the CPU have %d of %d operators in no form: quantize it first, by unroll lower", name(g), len(never), len(g.Ops))
	}
	if len(never) > 0 {
		return nil, fmt.Errorf("compile %s: %s", name(g), strings.Join(never, "\n"))
	}
	parts := divide(g, why)
	if !slices.ContainsFunc(parts, func(p part) bool { return !p.cpu }) {
		advice := ""
		if float {
			advice = "; a network of float32 becomes one of integers by unroll lower"
		}
		return nil, fmt.Errorf("compile %s: no operator is left for the NPU: the CPU would run all %d of them; the first, %s: %s%s", name(g), len(g.Ops), g.OpString(0), why[0], advice)
	}
	b := &assembly{g: g, opt: opt, parts: parts}
	return opt.verified(b.build())
}

// refusals returns why the NPU does not do operators, by their index.
func refusals(g *graph.Graph, opt Options) (map[int]string, error) {
	opt.SRAMBudget, opt.After, opt.Progress = 0, nil, nil
	why, known := map[int]string{}, map[string]string{}
	for i := range g.Ops {
		alone, _ := g.Alone(i)
		key := likeness(alone)
		reason, ok := known[key]
		if !ok {
			_, err := verified(compileWith(alone, opt, places{}))
			var fault *Fault
			var op *lowering.OpError
			switch {
			case errors.As(err, &fault):
				return nil, fault
			case errors.As(err, &op):
				reason = strings.TrimPrefix(op.Reason, fmt.Sprintf("the NPU compiler does not do %v: ", g.Ops[i].Kind))
			case err != nil:
				reason = err.Error()
			}
			known[key] = reason
		}
		if reason != "" {
			why[i] = reason
		}
	}
	return why, nil
}

// likeness tells graphs of one operator apart by all that decides whether the NPU does it.
func likeness(g *graph.Graph) string {
	var s strings.Builder
	op := g.Ops[0]
	fmt.Fprintf(&s, "%v %#v %v %v", op.Kind, op.Attr, op.Inputs, op.Outputs)
	for _, t := range g.Tensors {
		fmt.Fprintf(&s, "\n%v %v %v", t.Type, t.Shape, t.Variable)
		if t.Quant != nil {
			fmt.Fprintf(&s, " %x %v %d", t.Quant.Scales, t.Quant.ZeroPoints, t.Quant.Axis)
		}
		if t.IsConst() {
			s.WriteByte(' ')
			s.Write(t.Data)
		}
	}
	return s.String()
}

// divide makes parts of a graph, given why the NPU does not do some operators: as few
// streams as the order of values allows.
func divide(g *graph.Graph, why map[int]string) []part {
	onCPU := make([]bool, len(g.Ops))
	for i := range why {
		onCPU[i] = true
	}
	reads := readers(g)
	takeAlong(g, reads, onCPU)
	used := needed(g, reads)

	// An operator's level counts the changes from one processor to the other on the way
	// to it: even on the NPU, odd on the CPU.
	level, last := make([]int, len(g.Ops)), 0
	for i := range g.Ops {
		if onCPU[i] {
			level[i] = -1
		}
		for _, j := range reads.before[i] {
			at := level[j]
			if onCPU[j] != onCPU[i] {
				at++
			}
			level[i] = max(level[i], at)
		}
		last = max(last, level[i])
	}
	delay(g, reads, onCPU, level, last)

	var parts []part
	for l := -1; l <= last; l++ {
		var stream part
		for i := range g.Ops {
			switch {
			case level[i] != l || !used[i]:
			case onCPU[i]:
				reason := why[i]
				if reason == "" {
					reason = "what it moves comes from the CPU and goes to it"
				}
				parts = append(parts, part{ops: []int{i}, cpu: true, why: reason})
			default:
				stream.ops = append(stream.ops, i)
			}
		}
		if len(stream.ops) > 0 {
			parts = append(parts, stream)
		}
	}
	return parts
}

// needed reports which operators something that is kept depends on.
func needed(g *graph.Graph, reads uses) []bool {
	used := make([]bool, len(g.Ops))
	for i := len(g.Ops) - 1; i >= 0; i-- {
		op := g.Ops[i]
		kept := func(id graph.TensorID) bool { return slices.Contains(g.Outputs, id) }
		used[i] = slices.ContainsFunc(op.Outputs, kept) || op.WritesAny() ||
			slices.ContainsFunc(reads.after[i], func(j int) bool { return used[j] })
	}
	return used
}

// delay moves the operators of a stream to the next one where nothing needs them before:
// that is a start of the NPU less.
func delay(g *graph.Graph, reads uses, onCPU []bool, level []int, last int) {
	for l := last - 2; l >= 0; l -= 2 {
		var list []int
		later := true
		for i := range g.Ops {
			if level[i] != l {
				continue
			}
			list = append(list, i)
			for _, j := range reads.after[i] {
				later = later && (level[j] > l+1 || level[j] == l && !onCPU[j])
			}
		}
		if !later {
			continue
		}
		for _, i := range list {
			level[i] += 2
		}
	}
}

// uses are the operators before and after each, by what passes between them.
type uses struct{ before, after [][]int }

func readers(g *graph.Graph) uses {
	u := uses{make([][]int, len(g.Ops)), make([][]int, len(g.Ops))}
	made := map[graph.TensorID]int{}
	for i, op := range g.Ops {
		for _, id := range op.Inputs {
			if id == graph.None {
				continue
			}
			if j, ok := made[id]; ok {
				u.before[i], u.after[j] = append(u.before[i], j), append(u.after[j], i)
			}
			if g.Tensors[id].Variable {
				made[id] = i // in the order of the graph
			}
		}
		for _, id := range op.Outputs {
			made[id] = i
		}
	}
	return u
}

// takeAlong gives the CPU movements that only it feeds and reads, for which the NPU would
// have to be started.
func takeAlong(g *graph.Graph, reads uses, onCPU []bool) {
	free := make([]bool, len(g.Ops))
	for i, op := range g.Ops {
		if !onCPU[i] && op.Kind.Moves() {
			alone, _ := g.Alone(i)
			_, err := cpu.New(alone)
			free[i] = err == nil
		}
	}
	seen := make([]bool, len(g.Ops))
	for i := range g.Ops {
		if !free[i] || seen[i] {
			continue
		}
		// A group of movements goes along if no neighbour is of the NPU.
		group, touches, alone := []int{i}, false, true
		seen[i] = true
		for k := 0; k < len(group); k++ {
			for _, j := range slices.Concat(reads.before[group[k]], reads.after[group[k]]) {
				switch {
				case onCPU[j]:
					touches = true
				case !free[j]:
					alone = false
				case !seen[j]:
					seen[j] = true
					group = append(group, j)
				}
			}
		}
		if touches && alone {
			for _, j := range group {
				onCPU[j] = true
			}
		}
	}
}
