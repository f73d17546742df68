// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
)

// NPU is the device behind the registers.
type NPU interface {
	// ReadReg and WriteReg access the 32-bit register at a byte offset. A write
	// to CMD may run a whole command stream before it returns; only then may the
	// NPU use its Memory.
	ReadReg(off uint32) uint32
	WriteReg(off, v uint32)
	// IRQ is the level of the interrupt line.
	IRQ() bool
}

// Memory is the program's memory as the NPU sees it.
type Memory interface {
	ReadAt(addr uint64, p []byte) error
	WriteAt(addr uint64, p []byte) error
}

// Options are all optional.
type Options struct {
	// Check answers nil when the NPU may access n bytes at addr. What it refuses
	// does not reach the program: the NPU sees a bus error.
	Check func(addr uint64, n int, write bool) error
	// Delay returns the time between the NPU's end and its interrupt, in ticks of
	// the program's clock; 0 raises it before the write to CMD has returned.
	Delay func() uint64
	// Shadow puts a data cache between the program and the memory that the NPU
	// sees. The program must be built with UNROLL_SHADOW_CACHE.
	Shadow bool
}

// Stats is what went over the wire.
type Stats struct {
	PointerBytes            int // of the program: 4 or 8
	RegisterReads           int
	RegisterWrites          int
	Interrupts              int
	BytesRead, BytesWritten int64
	// LinesCleaned and LinesDropped count cache lines, with Options.Shadow.
	LinesCleaned, LinesDropped int
	// Violations are accesses that were refused, the first 16.
	Violations []*AccessError
}

const cmdOffset = 0x008

// maxChunk bounds one transfer, so that a wild length does not fill the memory of
// this process.
const maxChunk = 1 << 20

// Serve is the NPU for one program until that ends. connect makes the NPU; the
// memory it is given works only while a write to CMD is in progress. The error is
// nil when the program closed the wire between two messages, a *ProtocolError when
// it does not speak the protocol, or an error of r or w.
func Serve(r io.Reader, w io.Writer, connect func(Memory) NPU, opt Options) (*Stats, error) {
	s := &server{r: bufio.NewReaderSize(r, 64<<10), w: w, opt: opt}
	if opt.Shadow {
		s.shadow = &shadow{server: s, lines: map[uint64]*line{}}
		s.npu = connect(s.shadow)
	} else {
		s.npu = connect(s)
	}
	for {
		m, err := readMessage(s.r)
		if err == nil {
			err = s.answer(m)
		}
		if err == nil {
			err = s.broken
		}
		if errors.Is(err, io.EOF) || errors.Is(err, os.ErrClosed) || errors.Is(err, syscall.EPIPE) {
			return &s.stats, nil // the program's exit status says why it left
		}
		if err != nil {
			return &s.stats, err
		}
	}
}

type server struct {
	r      *bufio.Reader
	w      io.Writer
	opt    Options
	npu    NPU
	shadow *shadow // nil: the program's memory is the NPU's
	stats  Stats
	open   bool  // the program waits for what the NPU asks of it
	broken error // of the wire, met by the NPU
}

func (s *server) send(m message, payload []byte) error {
	_, err := s.w.Write(append(m.append(make([]byte, 0, messageBytes+len(payload))), payload...))
	return err
}

func (s *server) answer(m message) error {
	if s.stats.PointerBytes == 0 && m.op != opHello {
		return &ProtocolError{What: fmt.Sprintf("expected a hello first, found %v: is something printed to stdout?", m)}
	}
	switch m.op {
	case opHello:
		version, pointer := m.a&0xff, int(m.a>>8&0xff)
		if version != Version {
			return &ProtocolError{What: fmt.Sprintf("the program speaks version %d, expected %d: generate and build it again", version, Version)}
		}
		if pointer != 4 && pointer != 8 {
			return &ProtocolError{What: fmt.Sprintf("pointers of %d bytes, expected 4 or 8", pointer)}
		}
		if had := s.stats.PointerBytes; had != 0 && had != pointer { // a machine that was reset says hello again, as the same one
			return &ProtocolError{What: fmt.Sprintf("a second hello with pointers of %d bytes, expected %d as in the first: do two programs share the wire?", pointer, had)}
		}
		s.stats.PointerBytes = pointer
		return s.send(message{op: opHello, a: Version}, nil)
	case opRead:
		if err := checkOffset(m.a); err != nil {
			return err
		}
		s.stats.RegisterReads++
		v := s.npu.ReadReg(m.a)
		return s.send(message{op: opValue, a: level(s.npu), b: uint64(v)}, nil)
	case opWrite:
		if err := checkOffset(m.a); err != nil {
			return err
		}
		if m.b > math.MaxUint32 {
			return &ProtocolError{What: fmt.Sprintf("value %#x of register %#x has more than 32 bits", m.b, m.a)}
		}
		s.stats.RegisterWrites++
		if m.a != cmdOffset {
			s.npu.WriteReg(m.a, uint32(m.b))
			return nil
		}
		return s.command(uint32(m.b))
	case opClean, opDrop:
		if s.shadow == nil {
			return &ProtocolError{What: fmt.Sprintf("the program was built for a simulated data cache, and there is none: %v", m)}
		}
		s.open = true
		err := s.shadow.maintain(m.op, m.b, int(m.a))
		s.open = false
		if err != nil {
			return err
		}
		return s.send(message{op: opEndCalls, a: level(s.npu)}, nil)
	}
	return &ProtocolError{What: fmt.Sprintf("unknown message %v: is something printed to stdout?", m)}
}

// command writes CMD and lets the program go on with the interrupt line's level.
func (s *server) command(v uint32) error {
	before := s.npu.IRQ()
	s.open = true
	s.npu.WriteReg(cmdOffset, v)
	if s.shadow != nil {
		s.shadow.evict()
	}
	s.open = false
	if s.broken != nil {
		return s.broken
	}
	end := message{op: opEndCalls, a: level(s.npu)}
	if end.a == 1 && !before {
		s.stats.Interrupts++
		if s.opt.Delay != nil {
			end.b = s.opt.Delay()
		}
		if end.b == 1 {
			end.b = 2 // a timer loaded with 0 never fires
		}
	}
	return s.send(end, nil)
}

func level(npu NPU) uint32 {
	if npu.IRQ() {
		return 1
	}
	return 0
}

// registers is the size of the largest register map: that of the U85, whose PMU is in
// its second page.
const registers = 0x2000

func checkOffset(off uint32) error {
	if off%4 != 0 || off >= registers {
		return &ProtocolError{What: fmt.Sprintf("register offset %#x, expected a multiple of 4 below %#x", off, registers)}
	}
	return nil
}

// ReadAt implements Memory.
func (s *server) ReadAt(addr uint64, p []byte) error {
	if err := s.check(addr, len(p), false); err != nil {
		return err
	}
	s.stats.BytesRead += int64(len(p))
	return s.load(addr, p)
}

// load reads the program's memory, whatever the NPU may do there.
func (s *server) load(addr uint64, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), maxChunk)
		if err := s.send(message{op: opLoad, a: uint32(n), b: addr}, nil); err != nil {
			return s.fail(err)
		}
		if _, err := io.ReadFull(s.r, p[:n]); err != nil {
			return s.fail(err)
		}
		p, addr = p[n:], addr+uint64(n)
	}
	return nil
}

// WriteAt implements Memory.
func (s *server) WriteAt(addr uint64, p []byte) error {
	if err := s.check(addr, len(p), true); err != nil {
		return err
	}
	s.stats.BytesWritten += int64(len(p))
	return s.store(addr, p)
}

// store writes the program's memory.
func (s *server) store(addr uint64, p []byte) error {
	for len(p) > 0 {
		n := min(len(p), maxChunk)
		if err := s.send(message{op: opStore, a: uint32(n), b: addr}, p[:n]); err != nil {
			return s.fail(err)
		}
		p, addr = p[n:], addr+uint64(n)
	}
	return nil
}

func (s *server) fail(err error) error {
	if s.broken == nil {
		s.broken = err
	}
	return err
}

func (s *server) check(addr uint64, n int, write bool) error {
	if !s.open {
		panic("BUG: the NPU uses memory while no write to CMD is in progress")
	}
	if s.broken != nil {
		return s.broken
	}
	reason := ""
	switch end := addr + uint64(n); {
	case end < addr:
		reason = "the range wraps"
	case s.stats.PointerBytes == 4 && end > 1<<32:
		reason = "above the program's 32-bit addresses"
	case s.opt.Check != nil:
		if err := s.opt.Check(addr, n, write); err != nil {
			reason = err.Error()
		}
	}
	if reason == "" {
		return nil
	}
	e := &AccessError{Write: write, Address: addr, Bytes: n, Reason: reason}
	if len(s.stats.Violations) < 16 {
		s.stats.Violations = append(s.stats.Violations, e)
	}
	return e
}
