// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
)

// operation is one operation of a stream, as the page shows it.
type operation struct {
	perf.Op
	Shape         string // of what it writes
	Source        string // output of the operator that it is part of; empty where the file does not say
	IFM, IFM2     string // tensors by name, where the file says them
	OFM           string
	reads, writes []isa.Span
	weights       []isa.Span // among reads: weights, and bias and scale records
}

// like says what an operation has in common with that of another time step.
func (o *operation) like() string {
	if o.DMA {
		return fmt.Sprintf("%s %d", o.Name, o.Bytes)
	}
	return o.Name + " " + o.Shape
}

// own returns the cycles of a kernel by what they go to: its start, its work, and waiting
// for a busy port.
func (o *operation) own() (start, work, stall float64) {
	length := o.End - o.Begins
	start = min(o.Start, length)
	work = max(0, min(o.Cycles-o.Start, length-start))
	return start, work, length - start - work
}

// stage is a stream with its timing.
type stage struct {
	ethosu.Stage
	program *ethosu.Program
	report  perf.Report
	ops     []operation
	values  []value // what lies in its memories, and when
	axis    axis
}

// readStage decodes and times a stage.
func readStage(p *ethosu.Program, s *ethosu.Stage) (*stage, error) {
	r, err := perf.StageOf(p, s)
	if err != nil {
		return nil, err
	}
	st := &stage{Stage: *s, program: p, report: r}
	info := map[int]*ethosu.OpInfo{}
	for i := range s.Ops {
		info[s.Ops[i].Word] = &s.Ops[i]
	}
	timed := map[int]*perf.Op{}
	for i := range r.Ops {
		timed[r.Ops[i].Word] = &r.Ops[i]
	}
	err = p.Accel.Product.Walk(s.Commands, func(o *isa.Operation) error {
		if !o.IsBlock() && !o.IsDMA() {
			return nil
		}
		op := operation{Op: *timed[o.Word]}
		known := info[o.Word]
		if known != nil {
			op.Name, op.Source, op.IFM, op.IFM2, op.OFM = known.Name, known.Source, known.IFM, known.IFM2, known.OFM
		}
		switch late := o.Product == isa.U85; {
		case o.IsDMA() && late:
			op.transferU85(o.DMAU85())
		case o.IsDMA():
			op.transfer(o)
		case late:
			k := o.KernelU85()
			op.kernelU85(k)
			if known == nil {
				op.Name = kernelNameU85(o, k)
			}
		default:
			op.kernel(o)
			if known == nil {
				op.Name = kernelName(o)
			}
		}
		st.ops = append(st.ops, op)
		return nil
	})
	if err != nil {
		return nil, err
	}
	st.values = valuesOf(st)
	st.axis = newAxis(st)
	return st, nil
}

// kernelName says what a kernel of a foreign stream does.
func kernelName(o *isa.Operation) string {
	name := strings.TrimPrefix(strings.TrimPrefix(o.Name(), "NPU_OP_"), "ELEMENTWISE ")
	switch o.Activation().Function {
	case isa.ActNone:
	case isa.ActTanh:
		name += "+TANH"
	case isa.ActSigmoid:
		name += "+SIGMOID"
	default:
		if o.UsesTable() {
			name += "+table"
		}
	}
	return name
}

func (op *operation) kernel(o *isa.Operation) {
	ifm, ofm := o.IFM(), o.OFM()
	op.Shape = fmt.Sprintf("%d×%d×%d", ofm.H, ofm.W, ofm.C)
	op.reads, op.writes = ifm.Spans(), ofm.Spans()
	if o.HasIFM2() {
		f := o.IFM2()
		op.reads = append(op.reads, f.Spans()...)
	}
	if !o.HasWeights() {
		return
	}
	for core := range o.Cores() {
		for _, s := range []isa.Span{o.Weights(core), o.Scales(core)} {
			if s.End > s.Start {
				op.weights = append(op.weights, s)
			}
		}
	}
	op.reads = append(op.reads, op.weights...)
}

func (op *operation) transfer(o *isa.Operation) {
	d := o.DMA()
	op.Shape = commas(op.Bytes) + " bytes"
	span := func(region int, at uint64) isa.Span {
		return isa.Span{Region: region, Start: int64(at), End: int64(at) + op.Bytes}
	}
	if !d.SrcInternal {
		op.reads = []isa.Span{span(d.SrcRegion, d.Src)}
	}
	if !d.DstInternal {
		op.writes = []isa.Span{span(d.DstRegion, d.Dst)}
	}
}

// role is what a value in memory is for.
type role uint8

const (
	feature  role = iota // a feature map between kernels
	outside              // an input, an output or a state
	resident             // weights or records, copied from the constants
	constant             // constants where they come from
)

var roleNames = [...]string{"feature map", "input, output or state", "weights copied to SRAM", "constant"}
var roleClasses = [...]string{"feature", "outside", "resident", "constant"}

// value is a tensor, or the content of a foreign program's memory between a write and
// its last read. First and Last are operations.
type value struct {
	ethosu.Placement
	role role
}

// valuesOf returns what lies in the memories of a stage: by its map, else by what its
// operations write and read.
func valuesOf(s *stage) []value {
	if len(s.Map) == 0 {
		return s.traced()
	}
	edge := map[string]bool{}
	for _, list := range [][]ethosu.Binding{s.program.Inputs, s.program.Outputs, s.program.Variables} {
		for _, b := range list {
			edge[b.Name] = true
		}
	}
	copied := map[string]bool{}
	for i := range s.ops {
		if o := &s.ops[i]; o.DMA && o.OFM != "" {
			copied[o.OFM] = true
		}
	}
	var list []value
	for _, m := range s.Map {
		v := value{Placement: m}
		switch {
		case m.Region == ethosu.RegionConstants:
			v.role = constant
		case edge[m.Name]:
			v.role = outside
		case copied[m.Name]:
			v.role = resident
		}
		list = append(list, v)
	}
	return list
}

// traced follows the stream: a write begins a value, the last read before the next write
// to its bytes ends it. Inputs are there from the start, outputs until the end.
func (s *stage) traced() []value {
	var list []value
	var live []int // of list, by bytes that nobody has written since
	last := len(s.ops) - 1
	overlaps := func(v *value, b isa.Span) bool {
		return v.Region == b.Region && int64(v.Offset) < b.End && b.Start < int64(v.Offset+v.Size)
	}
	add := func(v value) {
		list = append(list, v)
		live = append(live, len(list)-1)
	}
	for _, bs := range [][]ethosu.Binding{s.program.Inputs, s.program.Variables} {
		for _, b := range bs {
			add(value{ethosu.Placement{Name: b.Name, Region: b.Region, Offset: b.Offset, Size: b.Extent()}, outside})
		}
	}
	for i := range s.ops {
		o := &s.ops[i]
		for _, r := range o.reads {
			for _, k := range live {
				if overlaps(&list[k], r) {
					list[k].Last = i
				}
			}
		}
		for n, w := range o.writes {
			live = slices.DeleteFunc(live, func(k int) bool {
				return w.Start <= int64(list[k].Offset) && int64(list[k].Offset+list[k].Size) <= w.End && overlaps(&list[k], w)
			})
			v := value{ethosu.Placement{Name: fmt.Sprintf("written by operation %d, %s", i, o.Name), Region: w.Region, Offset: int(w.Start), Size: int(w.End - w.Start), First: i, Last: i}, feature}
			if n > 0 {
				v.Name += fmt.Sprintf(", part %d", n+1)
			}
			if o.DMA && len(o.reads) > 0 && o.reads[0].Region == ethosu.RegionConstants {
				v.role, v.Name = resident, fmt.Sprintf("copied by operation %d", i)
			}
			add(v)
		}
	}
	for _, b := range s.program.Outputs {
		for _, k := range live {
			v := &list[k]
			if overlaps(v, isa.Span{Region: b.Region, Start: int64(b.Offset), End: int64(b.Offset + b.Extent())}) {
				v.Last = last
				if v.role == feature {
					v.role, v.Name = outside, b.Name
				}
			}
		}
	}
	slices.SortStableFunc(list, func(a, b value) int {
		return cmp.Or(cmp.Compare(a.Region, b.Region), cmp.Compare(a.Offset, b.Offset), cmp.Compare(a.First, b.First))
	})
	return list
}

// piece is a part of the constants.
type piece struct {
	Name  string
	Start int64
	Size  int64
	Uses  int // operations of a call that read it
}

// flashPieces divides the constants of a program: by its maps, else by what its
// operations read as weights and copy.
func flashPieces(p *ethosu.Program, stages []*stage) []piece {
	found := map[[2]int64]*piece{}
	note := func(name string, start, end int64, uses int) {
		key := [2]int64{start, end}
		if found[key] == nil {
			found[key] = &piece{Name: name, Start: start, Size: end - start}
		}
		found[key].Uses += uses
	}
	for _, s := range stages {
		base := int64(0)
		for _, w := range s.Windows {
			if w.Region == ethosu.RegionConstants && w.In == ethosu.RegionConstants {
				base = int64(w.Offset)
			}
		}
		named := false
		for _, v := range s.values {
			if v.role == constant {
				note(v.Name, base+int64(v.Offset), base+int64(v.Offset+v.Size), 0)
				named = true
			}
		}
		if named {
			continue
		}
		for i := range s.ops {
			o := &s.ops[i]
			for _, r := range o.reads {
				if r.Region != ethosu.RegionConstants {
					continue
				}
				what := "read by "
				if o.DMA {
					what = "copied by "
				} else if slices.Contains(o.weights, r) {
					what = "weights or records of "
				}
				note(fmt.Sprintf("%soperation %d, %s", what, i, o.Name), base+r.Start, base+r.End, 1)
			}
		}
	}
	var list []piece
	for _, f := range found {
		list = append(list, *f)
	}
	slices.SortFunc(list, func(a, b piece) int {
		return cmp.Or(cmp.Compare(a.Start, b.Start), cmp.Compare(b.Size, a.Size))
	})
	return disjoint(list, int64(len(p.Constants)))
}

// disjoint cuts off what lies under pieces before it, and names what is left over.
func disjoint(list []piece, size int64) []piece {
	var out []piece
	at := int64(0)
	rest := func(to int64) {
		if to > at {
			out = append(out, piece{Name: "other constants and padding", Start: at, Size: to - at})
			at = to
		}
	}
	for _, p := range list {
		end := min(p.Start+p.Size, size)
		if end <= at {
			continue
		}
		rest(p.Start)
		p.Start, p.Size = at, end-at
		out = append(out, p)
		at = end
	}
	rest(size)
	return out
}
