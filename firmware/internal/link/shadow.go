// SPDX-License-Identifier: Apache-2.0

package link

import (
	"bytes"
	"slices"
)

// shadow is a CPU's data cache at its worst, between the program and the memory that
// the NPU sees. What the program writes reaches that memory when it says so (clean),
// or, if it does not, after the NPU has written there, so that the NPU's result is
// lost. What the NPU writes reaches the program only when that drops its lines. What
// was never written back holds nonsense.
type shadow struct {
	*server
	lines   map[uint64]*line // by address
	written []uint64         // lines that the NPU wrote in this run
}

type line struct {
	memory  [lineBytes]byte // as the NPU sees it
	program [lineBytes]byte // the program's bytes when both last agreed
	synced  bool            // they have agreed once
}

const (
	lineBytes = 32
	nonsense  = 0xa5
)

func (s *shadow) line(addr uint64) *line {
	l := s.lines[addr]
	if l == nil {
		l = &line{}
		for i := range l.memory {
			l.memory[i] = nonsense
		}
		s.lines[addr] = l
	}
	return l
}

// maintain does what the program asks of its cache.
func (s *shadow) maintain(op uint32, addr uint64, n int) error {
	first := addr / lineBytes * lineBytes
	end := (addr + uint64(n) + lineBytes - 1) / lineBytes * lineBytes
	if n <= 0 || end-first > 1<<28 {
		return &ProtocolError{What: "cache maintenance of no bytes, or of more than any memory has"}
	}
	buf := make([]byte, end-first)
	if err := s.load(first, buf); err != nil {
		return err
	}
	before := bytes.Clone(buf)
	for at := first; at < end; at += lineBytes {
		l, part := s.line(at), buf[at-first:at-first+lineBytes]
		if op == opClean {
			copy(l.memory[:], part)
			s.stats.LinesCleaned++
		} else {
			copy(part, l.memory[:])
			s.stats.LinesDropped++
		}
		l.program, l.synced = l.memory, true
	}
	// Lines that do not change are not written: they may be constants in memory that is
	// read-only for the program.
	for at := first; at < end; {
		i := at - first
		if bytes.Equal(buf[i:i+lineBytes], before[i:i+lineBytes]) {
			at += lineBytes
			continue
		}
		n := i + lineBytes
		for n < end-first && !bytes.Equal(buf[n:n+lineBytes], before[n:n+lineBytes]) {
			n += lineBytes
		}
		if err := s.store(at, buf[i:n]); err != nil {
			return err
		}
		at = first + n
	}
	return nil
}

// each calls f for the parts of a range that lie in one line each.
func (s *shadow) each(addr uint64, p []byte, f func(l *line, at uint64, from int, part []byte)) {
	for len(p) > 0 {
		at := addr / lineBytes * lineBytes
		n := min(len(p), int(at+lineBytes-addr))
		f(s.line(at), at, int(addr-at), p[:n])
		p, addr = p[n:], addr+uint64(n)
	}
}

// ReadAt implements Memory.
func (s *shadow) ReadAt(addr uint64, p []byte) error {
	if err := s.check(addr, len(p), false); err != nil {
		return err
	}
	s.stats.BytesRead += int64(len(p))
	s.each(addr, p, func(l *line, _ uint64, from int, part []byte) { copy(part, l.memory[from:]) })
	return nil
}

// WriteAt implements Memory.
func (s *shadow) WriteAt(addr uint64, p []byte) error {
	if err := s.check(addr, len(p), true); err != nil {
		return err
	}
	s.stats.BytesWritten += int64(len(p))
	s.each(addr, p, func(l *line, at uint64, from int, part []byte) {
		copy(l.memory[from:], part)
		s.written = append(s.written, at)
	})
	return nil
}

// evict writes the lines back that the program wrote and did not clean, over what the
// NPU has just written.
func (s *shadow) evict() {
	slices.Sort(s.written)
	s.written = slices.Compact(s.written)
	var now [lineBytes]byte
	for i := 0; i < len(s.written); {
		j := i + 1
		for j < len(s.written) && s.written[j] == s.written[j-1]+lineBytes {
			j++
		}
		buf := make([]byte, lineBytes*(j-i))
		if s.load(s.written[i], buf) != nil {
			return // the wire is broken, and says so
		}
		for k := range j - i {
			l := s.line(s.written[i+k])
			copy(now[:], buf[lineBytes*k:])
			if l.synced && !bytes.Equal(now[:], l.program[:]) {
				l.memory, l.program = now, now
			}
		}
		i = j
	}
	s.written = s.written[:0]
}
