// SPDX-License-Identifier: Apache-2.0

package device

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim"
)

// maxPrepared is how many streams are kept decoded: the models of one image.
const maxPrepared = 8

// unbounded is a region of which only the stream tells how much of it is used.
const unbounded = 1 << 40

// prepared is a stream that has run before.
type prepared struct {
	commands  []uint32
	constants [8][]byte // of the regions that the stream only reads, as they were
	varies    [8]bool   // regions whose content has changed between runs: inputs, not constants
	sim       *sim.Sim
	memory    sim.Memory
	reads     []isa.Span // everything touched of a region
	writes    []isa.Span
	access    []access
	final     isa.State          // SET registers at the end
	counts    map[uint32]*counts // by the regions in the memory outside
	mask      uint16             // of NPU_OP_STOP and NPU_OP_IRQ
}

// access is memory that the operation at a word touches.
type access struct {
	sim.Access
	word int
}

// most a stream and what it touches may take.
const (
	maxStream = 1 << 24
	maxMemory = 1 << 30
)

// run executes the stream at QBASE, leaves its outcome in the registers and raises
// the interrupt.
func (d *Device) run() {
	d.runs++
	d.status &^= statusEnd
	d.irq = true
	size := d.regs[regQSize]
	if size%4 != 0 || size >= maxStream {
		d.abort(statusParse, 0, fmt.Errorf("QSIZE is %d, expected a multiple of 4 below 16 MiB", size))
		return
	}
	raw := make([]byte, size)
	if err := d.memory.ReadAt(d.wide(regQBase), raw); err != nil {
		d.busAbort(sim.ChannelCommand, d.regs[regQConfig], 0, fmt.Errorf("fetching the command stream: %w", err))
		return
	}
	commands := make([]uint32, len(raw)/4)
	for i := range commands {
		commands[i] = binary.LittleEndian.Uint32(raw[4*i:])
	}
	p, err := d.prepare(commands)
	if err == nil {
		err = d.execute(p)
	}
	var bus *busError
	var fault *sim.Fault
	switch {
	case err == nil:
		d.qread = size
		d.status |= statusEnd
		d.history |= uint32(p.mask)
		d.shadow = p.final
		if d.pmcr&pmcrEnable != 0 {
			d.count(d.countsOf(p))
		}
	case errors.As(err, &bus):
		d.busAbort(uint32(bus.channel), d.regs[regRegionCfg]>>(2*bus.region), uint32(4*bus.word), err)
	case errors.As(err, &fault):
		status := d.known(fault.Status())
		if status == 0 {
			// Hardware would go on with unknown results; no test may.
			status = statusParse
		}
		d.abort(status, uint32(4*fault.Word), err)
	default:
		d.abort(statusBus, 0, err)
	}
}

// busError is an access that the memory refuses.
type busError struct {
	region, word int
	channel      uint8
	err          error
}

func (e *busError) Error() string {
	return fmt.Sprintf("word %d: region %d: %v", e.word, e.region, e.err)
}
func (e *busError) Unwrap() error { return e.err }

// busAbort shows the channel and the port of the access in STATUS. memoryType is the
// two-bit index of REGIONCFG or QCONFIG.
func (d *Device) busAbort(channel, memoryType, qread uint32, err error) {
	status := statusBus | channel<<channelShift
	if d.external(memoryType) {
		status |= statusM1
	}
	d.abort(status, qread, err)
}

func (d *Device) abort(status, qread uint32, err error) {
	d.status |= status
	d.qread = qread
	if d.fault == nil {
		d.fault = err
	}
}

// prepare decodes a stream, or finds it decoded. Regions it only reads are taken as
// constant, which makes it fast; that they still are what they were is checked
// before every run.
func (d *Device) prepare(commands []uint32) (*prepared, error) {
	for i, p := range d.prepared {
		if slices.Equal(p.commands, commands) {
			d.prepared = append(slices.Delete(d.prepared, i, i+1), p)
			return p, nil
		}
	}
	// Once with regions that never end, to learn what it touches.
	var regions sim.Regions
	for i := range regions {
		regions[i].Size = unbounded
	}
	first, err := sim.Prepare(d.accel, commands, regions)
	if err != nil {
		return nil, err
	}
	p := &prepared{commands: commands}
	first.Accesses(func(_, word int, a sim.Access) {
		if a.Region >= len(p.memory) {
			return // the NPU's own memory
		}
		p.access = append(p.access, access{a, word})
		if a.Write() {
			p.writes = append(p.writes, a.Span)
		}
		// Between the bytes that a strided span writes lie others, which stay as
		// they are: they are read, too.
		p.reads = append(p.reads, a.Span)
	})
	p.reads, p.writes = joinSpans(p.reads), joinSpans(p.writes)
	if err := d.allocate(p); err != nil {
		return nil, err
	}
	if err := d.accel.Product.Walk(commands, func(op *isa.Operation) error {
		p.final = *op.Regs
		if op.Op == isa.OpStop || op.Op == isa.OpIRQ {
			p.mask |= op.Param
		}
		return nil
	}); err != nil {
		return nil, err
	}
	d.prepared = append(d.prepared, p)
	if len(d.prepared) > maxPrepared {
		d.prepared = slices.Delete(d.prepared, 0, 1)
	}
	return p, nil
}

// allocate makes room for what a stream touches, after asking the memory for the
// last byte of each span: a stream may claim more than there is.
func (d *Device) allocate(p *prepared) error {
	total := int64(0)
	for _, s := range p.reads {
		var b [1]byte
		if err := d.memory.ReadAt(d.address(s.Region, s.End-1), b[:]); err != nil {
			return p.blame(s.Region, err, func(a isa.Span) bool { return a.End == s.End })
		}
		if total += s.End; total > maxMemory {
			return p.blame(s.Region, fmt.Errorf("the stream touches more than %d MiB", maxMemory>>20), func(a isa.Span) bool { return a.End == s.End })
		}
	}
	for _, s := range p.reads {
		p.memory[s.Region] = make([]byte, s.End) // spans are in order: the last is the longest
	}
	return nil
}

// separate refuses regions that share memory which is written: they are copied, so
// a write to one would not show in the other.
func (p *prepared) separate(d *Device) error {
	for _, w := range p.writes {
		for _, r := range p.reads {
			a, b := int64(d.address(w.Region, w.Start)), int64(d.address(r.Region, r.Start))
			if w.Region != r.Region && a < b+r.End-r.Start && b < a+w.End-w.Start {
				return fmt.Errorf("regions %d and %d share memory at 0x%X, which the stream writes: give them separate base addresses", w.Region, r.Region, max(a, b))
			}
		}
	}
	return nil
}

func (d *Device) address(region int, offset int64) uint64 {
	return d.wide(regBaseP+8*uint32(region)) + uint64(offset)
}

// blame returns the bus error of the first access that fits.
func (p *prepared) blame(region int, err error, fits func(isa.Span) bool) error {
	for _, a := range p.access {
		if a.Region == region && fits(a.Span) {
			return &busError{region, a.word, a.Channel, err}
		}
	}
	return &busError{region, 0, sim.ChannelIFM, err}
}

// execute reads what the stream touches, runs it, and writes back what it wrote.
func (d *Device) execute(p *prepared) error {
	if err := p.separate(d); err != nil {
		return err
	}
	for _, s := range p.reads {
		if err := d.memory.ReadAt(d.address(s.Region, s.Start), p.memory[s.Region][s.Start:s.End]); err != nil {
			return p.blame(s.Region, err, func(a isa.Span) bool {
				return a.Overlaps(s) && d.memory.ReadAt(d.address(a.Region, a.Start), make([]byte, a.End-a.Start)) != nil
			})
		}
	}
	if err := p.load(d.accel); err != nil {
		return err
	}
	err := p.sim.RunWith(p.memory, sim.Exec{SHRAM: d.shram})
	for _, s := range p.writes {
		if err := d.memory.WriteAt(d.address(s.Region, s.Start), p.memory[s.Region][s.Start:s.End]); err != nil {
			return p.blame(s.Region, err, func(a isa.Span) bool { return a.Overlaps(s) })
		}
	}
	return err
}

// load decodes the stream for the content of its constant regions, when that is new.
func (p *prepared) load(accel *ethosu.Accelerator) error {
	var regions sim.Regions
	same := p.sim != nil
	for i, m := range p.memory {
		if m == nil {
			continue
		}
		regions[i].Size = int64(len(m))
		if !p.varies[i] && !slices.ContainsFunc(p.writes, func(s isa.Span) bool { return s.Region == i }) {
			if !bytes.Equal(p.constants[i], m) {
				same = false
				if p.varies[i] = p.constants[i] != nil; p.varies[i] {
					continue
				}
				p.constants[i] = bytes.Clone(m)
			}
			regions[i].Content = p.constants[i]
		}
	}
	if same {
		return nil
	}
	s, err := sim.Prepare(accel, p.commands, regions)
	if err != nil {
		return err
	}
	p.sim = s
	return nil
}

// joinSpans joins overlapping and adjacent spans and orders them.
func joinSpans(spans []isa.Span) []isa.Span {
	slices.SortFunc(spans, func(a, b isa.Span) int {
		if a.Region != b.Region {
			return a.Region - b.Region
		}
		return int(max(min(a.Start-b.Start, 1), -1))
	})
	var out []isa.Span
	for _, s := range spans {
		if n := len(out) - 1; n >= 0 && out[n].Region == s.Region && s.Start <= out[n].End {
			out[n].End = max(out[n].End, s.End)
			continue
		}
		out = append(out, s)
	}
	return out
}
