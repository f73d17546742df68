// SPDX-License-Identifier: Apache-2.0

package link_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/unroll-npu/unroll/firmware/internal/link"
)

// say is one message of a program.
func say(op byte, a uint32, b uint64) []byte {
	m := binary.LittleEndian.AppendUint32(nil, uint32(op))
	m = binary.LittleEndian.AppendUint32(m, a)
	return binary.LittleEndian.AppendUint64(m, b)
}

var hello32, hello64 = say('H', 1|4<<8, 0), say('H', 1|8<<8, 0)

// npu runs a function of the test on every write of 1 to CMD.
type npu struct {
	mem  link.Memory
	regs map[uint32]uint32
	irq  bool
	run  func(link.Memory) error
	err  error
}

func (n *npu) IRQ() bool                 { return n.irq }
func (n *npu) ReadReg(off uint32) uint32 { return n.regs[off] }
func (n *npu) WriteReg(off, v uint32) {
	n.regs[off] = v
	if off != 8 {
		return
	}
	n.irq = v&2 == 0
	if v&1 != 0 && n.run != nil {
		n.err = n.run(n.mem)
	}
}

// serve feeds the server what a program says and returns what it answers.
func serve(opt link.Options, run func(link.Memory) error, said ...[]byte) (*npu, *link.Stats, []byte, error) {
	device := &npu{regs: map[uint32]uint32{0x28: 0x1807}, run: run}
	var answers bytes.Buffer
	stats, err := link.Serve(bytes.NewReader(bytes.Join(said, nil)), &answers, func(mem link.Memory) link.NPU {
		device.mem = mem
		return device
	}, opt)
	return device, stats, answers.Bytes(), err
}

func TestServe(t *testing.T) {
	device, stats, answers, err := serve(link.Options{Delay: func() uint64 { return 1 }},
		func(mem link.Memory) error {
			p := make([]byte, 3)
			if err := mem.ReadAt(0x70000010, p); err != nil {
				return err
			}
			return mem.WriteAt(0x31000000, append(p, 4))
		},
		hello32,
		say('R', 0x28, 0),
		say('W', 0x10, 0x70000000),
		say('W', 0x08, 1),
		[]byte{1, 2, 3}, // asked for by 'r'
		say('W', 0x08, 2),
	)
	if err != nil || device.err != nil {
		t.Fatal(err, device.err)
	}
	want := bytes.Join([][]byte{
		say('H', 1, 0),
		say('V', 0, 0x1807),
		say('r', 3, 0x70000010),
		say('w', 4, 0x31000000), {1, 2, 3, 4},
		say('e', 1, 2), // a delay of 1 does not exist
		say('e', 0, 0),
	}, nil)
	if diff := cmp.Diff(want, answers); diff != "" {
		t.Errorf("answers (-want +got):\n%s", diff)
	}
	if device.regs[0x10] != 0x70000000 {
		t.Errorf("QBASE is %#x", device.regs[0x10])
	}
	if diff := cmp.Diff(&link.Stats{PointerBytes: 4, RegisterReads: 1, RegisterWrites: 3, Interrupts: 1, BytesRead: 3, BytesWritten: 4}, stats); diff != "" {
		t.Errorf("stats (-want +got):\n%s", diff)
	}
}

func TestProtocolErrors(t *testing.T) {
	for _, c := range []struct {
		name string
		said []byte
		want string
	}{
		{"text on stdout", []byte("Hello, world, this is text"), "something printed to stdout"},
		{"no hello", say('R', 0, 0), "expected a hello first"},
		{"version", say('H', 2|4<<8, 0), "version 2, expected 1"},
		{"pointer", say('H', 1|3<<8, 0), "pointers of 3 bytes"},
		{"two programs", append(hello64[:16:16], hello32...), "a second hello with pointers of 4 bytes, expected 8"},
		{"unknown", append(hello32[:16:16], say('x', 1, 2)...), `unknown message 'x' a=0x1 b=0x2`},
		{"offset", append(hello32[:16:16], say('R', 0x2000, 0)...), "register offset 0x2000"},
		{"unaligned", append(hello32[:16:16], say('W', 0x12, 0)...), "register offset 0x12"},
		{"wide value", append(hello32[:16:16], say('W', 0x10, 1<<32)...), "more than 32 bits"},
		{"cut", append(hello32[:16:16], 'R', 0, 0), "after 3 of 16 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, _, _, err := serve(link.Options{}, nil, c.said)
			var protocol *link.ProtocolError
			if !errors.As(err, &protocol) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, expected a protocol error with %q", err, c.want)
			}
		})
	}
}

// TestEndOfProgram closes the wire where a program may end, and where it may not.
func TestEndOfProgram(t *testing.T) {
	if _, _, _, err := serve(link.Options{}, nil); err != nil {
		t.Errorf("a program that never spoke: %v", err)
	}
	if _, _, _, err := serve(link.Options{}, nil, hello32); err != nil {
		t.Errorf("a program that only said hello: %v", err)
	}
	if _, stats, _, err := serve(link.Options{}, nil, hello32, say('R', 0x28, 0), hello32); err != nil || stats.PointerBytes != 4 {
		t.Errorf("a machine that was reset: %v, %+v", err, stats)
	}
	device, _, _, err := serve(link.Options{}, func(mem link.Memory) error { return mem.ReadAt(0, make([]byte, 8)) },
		hello32, say('W', 8, 1), []byte{1, 2, 3})
	if !errors.Is(err, io.ErrUnexpectedEOF) || device.err == nil {
		t.Errorf("a program that died in a transfer: %v, the NPU saw %v", err, device.err)
	}
}

func TestAccessErrors(t *testing.T) {
	refuse := errors.New("not here")
	for _, c := range []struct {
		name  string
		hello []byte
		run   func(link.Memory) error
		want  string
	}{
		{"above 32 bits", hello32, func(m link.Memory) error { return m.ReadAt(0xfffffff0, make([]byte, 17)) }, "reads 17 bytes at 0xfffffff0: above the program's 32-bit"},
		{"wraps", hello64, func(m link.Memory) error { return m.WriteAt(^uint64(0), make([]byte, 2)) }, "writes 2 bytes at 0xffffffffffffffff: the range wraps"},
		{"refused", hello64, func(m link.Memory) error { return m.WriteAt(0x10, make([]byte, 2)) }, "writes 2 bytes at 0x10: not here"},
	} {
		t.Run(c.name, func(t *testing.T) {
			opt := link.Options{Check: func(addr uint64, n int, write bool) error {
				if write && addr == 0x10 {
					return refuse
				}
				return nil
			}}
			device, stats, answers, err := serve(opt, c.run, c.hello, say('W', 8, 1))
			if err != nil {
				t.Fatal(err)
			}
			if device.err == nil || !strings.Contains(device.err.Error(), c.want) {
				t.Errorf("the NPU saw %v, expected %q", device.err, c.want)
			}
			if len(stats.Violations) != 1 {
				t.Errorf("violations %v", stats.Violations)
			}
			if want := append(say('H', 1, 0), say('e', 1, 0)...); !bytes.Equal(answers, want) {
				t.Errorf("the program was asked for it: % x", answers)
			}
		})
	}
}

// FuzzServe feeds the server noise after a hello: no panic, no endless loop.
func FuzzServe(f *testing.F) {
	f.Add(say('W', 8, 1))
	f.Add(bytes.Join([][]byte{say('R', 0x28, 0), say('W', 8, 3), {1, 2, 3, 4}, say('W', 8, 2)}, nil))
	f.Fuzz(func(t *testing.T, said []byte) {
		_, stats, _, err := serve(link.Options{}, func(mem link.Memory) error {
			p := make([]byte, 4)
			if err := mem.ReadAt(16, p); err != nil {
				return err
			}
			return mem.WriteAt(32, p)
		}, hello64, said)
		if err == nil && stats.PointerBytes != 8 {
			t.Errorf("pointer size %d", stats.PointerBytes)
		}
	})
}
