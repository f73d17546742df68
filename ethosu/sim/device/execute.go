package device

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/perf"
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
	sim       *sim.Sim
	memory    sim.Memory
	reads     []isa.Span // everything touched of a region
	writes    []isa.Span
	cycles    uint64
	mask      uint16 // of NPU_OP_STOP and NPU_OP_IRQ
}

// run executes the stream at QBASE, leaves its outcome in the registers and raises
// the interrupt.
func (d *Device) run() {
	d.runs++
	d.status &^= statusEnd
	d.irq = true
	size := d.regs[regQSize]
	raw := make([]byte, size&^3)
	if err := d.memory.ReadAt(d.wide(regQBase), raw); err != nil {
		d.abort(statusBus, 0, fmt.Errorf("fetching the command stream: %w", err))
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
	if err != nil {
		var fault *sim.Fault
		if !errors.As(err, &fault) {
			d.abort(statusBus, 0, err)
			return
		}
		status := fault.Status()
		if status == 0 {
			// Hardware would go on with unknown results; no test may.
			status = statusParse
		}
		d.abort(status, uint32(4*fault.Word), err)
		return
	}
	d.qread = size
	d.status |= statusEnd
	d.history |= uint32(p.mask)
	if d.pmcr&pmcrEnable != 0 && d.counters&counterCycle != 0 {
		d.cycles = (d.cycles + p.cycles) & cycleCounterMax
	}
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
	first.Accesses(func(_, _ int, a sim.Access) {
		if a.Region >= len(p.memory) {
			return // the NPU's own memory
		}
		if a.Write() {
			p.writes = append(p.writes, a.Span)
		}
		// Between the bytes that a strided span writes lie others, which stay as
		// they are: they are read, too.
		p.reads = append(p.reads, a.Span)
	})
	p.reads, p.writes = joinSpans(p.reads), joinSpans(p.writes)
	for _, s := range p.reads {
		if s.Start < 0 {
			return nil, fmt.Errorf("the stream accesses region %d at %d", s.Region, s.Start)
		}
		p.memory[s.Region] = make([]byte, s.End) // spans are in order: the last is the longest
	}
	if err := isa.Walk(commands, func(op *isa.Operation) error {
		if op.Op == isa.OpStop || op.Op == isa.OpIRQ {
			p.mask |= op.Param
		}
		return nil
	}); err != nil {
		return nil, err
	}
	if report, err := perf.Stream(d.accel, perf.PlacesOf(ethosu.DefaultSystemConfig(d.accel), ethosu.DefaultMemoryMode()), commands); err == nil {
		p.cycles = uint64(max(report.Total, 0))
	}
	d.prepared = append(d.prepared, p)
	if len(d.prepared) > maxPrepared {
		d.prepared = slices.Delete(d.prepared, 0, 1)
	}
	return p, nil
}

// execute reads what the stream touches, runs it, and writes back what it wrote.
func (d *Device) execute(p *prepared) error {
	for _, s := range p.reads {
		if err := d.memory.ReadAt(d.wide(regBaseP+8*uint32(s.Region))+uint64(s.Start), p.memory[s.Region][s.Start:s.End]); err != nil {
			return fmt.Errorf("region %d: %w", s.Region, err)
		}
	}
	if err := p.load(d.accel); err != nil {
		return err
	}
	if err := p.sim.Run(p.memory); err != nil {
		return err
	}
	for _, s := range p.writes {
		if err := d.memory.WriteAt(d.wide(regBaseP+8*uint32(s.Region))+uint64(s.Start), p.memory[s.Region][s.Start:s.End]); err != nil {
			return fmt.Errorf("region %d: %w", s.Region, err)
		}
	}
	return nil
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
		if !slices.ContainsFunc(p.writes, func(s isa.Span) bool { return s.Region == i }) {
			if !bytes.Equal(p.constants[i], m) {
				same = false
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
