// SPDX-License-Identifier: Apache-2.0

package device_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/sim"
	"github.com/unroll-npu/unroll/ethosu/sim/device"
)

// ram is memory from address 0x1000 on.
type ram []byte

var errBus = errors.New("nothing there")

func (r ram) at(addr uint64, n int) ([]byte, error) {
	if addr < 0x1000 || addr-0x1000+uint64(n) > uint64(len(r)) {
		return nil, errBus
	}
	return r[addr-0x1000:][:n], nil
}

func (r ram) ReadAt(addr uint64, p []byte) error {
	b, err := r.at(addr, len(p))
	copy(p, b)
	return err
}

func (r ram) WriteAt(addr uint64, p []byte) error {
	b, err := r.at(addr, len(p))
	copy(b, p)
	return err
}

const (
	id, status, cmd, reset = 0x00, 0x04, 0x08, 0x0c
	qbase, qread, qsize    = 0x10, 0x18, 0x20
	prot, config, basep    = 0x24, 0x28, 0x80
	pmcr, cntenset, cycles = 0x180, 0x184, 0x1a0
	stop                   = 0xffff0000
)

// copyStream copies 48 bytes from region 0 at 16 to region 1 at 32 by DMA.
var copyStream = []uint32{
	0x00000130, // DMA0_SRC_REGION 0
	0x4030, 16, // DMA0_SRC
	0x00010131, // DMA0_DST_REGION 1
	0x4031, 32, // DMA0_DST
	0x4032, 48, // DMA0_LEN
	0x00000010, // OP_DMA_START
	0x00000011, // OP_DMA_WAIT 0
	stop,
}

func load(t *testing.T, words []uint32) (*device.Device, ram) {
	t.Helper()
	accel, err := ethosu.ParseAccelerator("ethos-u55-128")
	if err != nil {
		t.Fatal(err)
	}
	mem := make(ram, 1024)
	for i, w := range words {
		binary.LittleEndian.PutUint32(mem[4*i:], w)
	}
	for i := range 128 {
		mem[256+i] = byte(i + 1)
	}
	d := device.New(accel, mem)
	d.WriteReg(qbase, 0x1000)
	d.WriteReg(qsize, uint32(4*len(words)))
	d.WriteReg(basep, 0x1000+256)
	d.WriteReg(basep+8, 0x1000+512)
	return d, mem
}

func TestRun(t *testing.T) {
	d, mem := load(t, copyStream)
	d.WriteReg(pmcr, 1)
	d.WriteReg(cntenset, 1<<31)
	for call := range 3 {
		mem[256+16] = byte(100 + call) // the program changes its constants: that must be seen
		d.WriteReg(cmd, 1)
		if s := d.ReadReg(status); s != 0xffff0022 || !d.IRQ() {
			t.Fatalf("STATUS %#x, interrupt %v, fault %v; expected end and interrupt", s, d.IRQ(), d.Fault())
		}
		if !bytes.Equal(mem[512+32:][:48], mem[256+16:][:48]) || mem[512+31] != 0 || mem[512+80] != 0 {
			t.Fatalf("copied % x", mem[512:][:96])
		}
		d.WriteReg(cmd, 0xffff0000|2|0xc)
		if s := d.ReadReg(status); s != 0x20 || d.IRQ() {
			t.Errorf("STATUS %#x after the interrupt was cleared", s)
		}
		if v := d.ReadReg(qread); v != uint32(4*len(copyStream)) {
			t.Errorf("QREAD %d", v)
		}
		d.WriteReg(qsize, uint32(4*len(copyStream)))
		if s := d.ReadReg(status); s != 0 {
			t.Errorf("STATUS %#x, QSIZE clears the end", s)
		}
	}
	if d.ReadReg(cycles) == 0 {
		t.Error("no cycles counted")
	}
}

func TestFaults(t *testing.T) {
	for _, c := range []struct {
		name   string
		change func(d *device.Device, mem ram)
		status uint32
		qread  uint32
		bus    bool
	}{
		{"stream outside", func(d *device.Device, _ ram) { d.WriteReg(qbase, 0) }, 0x06, 0, true},
		{"high word", func(d *device.Device, _ ram) { d.WriteReg(qbase+4, 1) }, 0x06, 0, true},
		{"region outside", func(d *device.Device, _ ram) { d.WriteReg(basep+8, 0x1000+1024-64) }, 0x9006, 32, true},
		{"unknown command", func(_ *device.Device, mem ram) { binary.LittleEndian.PutUint32(mem[16:], 0x3ff) }, 0x12, 16, false},
		{"no end", func(d *device.Device, _ ram) { d.WriteReg(qsize, 16) }, 0x12, 16, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, mem := load(t, copyStream)
			c.change(d, mem)
			before := bytes.Clone(mem)
			d.WriteReg(cmd, 1)
			if s := d.ReadReg(status); s != c.status || !d.IRQ() {
				t.Errorf("STATUS %#x, expected %#x; %v", s, c.status, d.Fault())
			}
			if v := d.ReadReg(qread); v != c.qread {
				t.Errorf("QREAD %d, expected %d; %v", v, c.qread, d.Fault())
			}
			var fault *sim.Fault
			if errors.Is(d.Fault(), errBus) != c.bus || errors.As(d.Fault(), &fault) == c.bus {
				t.Errorf("fault %v", d.Fault())
			}
			if c.bus && !bytes.Equal(before, mem) {
				t.Error("memory changed")
			}
			d.WriteReg(reset, 1)
			if s := d.ReadReg(status); s != 0 || d.IRQ() {
				t.Errorf("STATUS %#x after reset", s)
			}
		})
	}
}

func TestRegisters(t *testing.T) {
	for _, accel := range ethosu.Of(ethosu.U55, ethosu.U65) {
		d := device.New(accel, ram{})
		if d.ReadReg(config) != accel.ConfigWord || d.ReadReg(id)>>28 != 1 {
			t.Errorf("%s: CONFIG %#x, ID %#x", accel.Name, d.ReadReg(config), d.ReadReg(id))
		}
		d.WriteReg(basep+4, 5)
		d.WriteReg(config, 0)
		d.WriteReg(cmd, 0)
		if d.ReadReg(basep+4) != 5 || d.ReadReg(cmd) != 0 {
			t.Errorf("%s: a register forgets", accel.Name)
		}
		for level := range uint32(4) {
			d.WriteReg(reset, level)
			if d.ReadReg(prot) != level || d.ReadReg(basep+4) != 0 || d.ReadReg(cmd) != 0xc {
				t.Errorf("%s: after RESET %d: PROT %d, BASEP0 %#x, CMD %#x", accel.Name, level, d.ReadReg(prot), d.ReadReg(basep+4), d.ReadReg(cmd))
			}
		}
		d.WriteReg(pmcr, 7)
		if v := d.ReadReg(pmcr); v != 1|4<<11 {
			t.Errorf("%s: PMCR %#x", accel.Name, v)
		}
	}
}
