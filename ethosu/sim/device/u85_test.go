// SPDX-License-Identifier: Apache-2.0

package device_test

import (
	"bytes"
	"encoding/binary"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/isa"
	"github.com/unroll-npu/unroll/ethosu/sim/device"
)

// Registers of the U85 that the U55 does not have, or has elsewhere.
const (
	memAttr0, axiSRAM, axiEXT, powerCtrl = 0x40, 0x50, 0x54, 0x38
	pmuU85                               = 0x1000
)

func u85(t *testing.T, words []uint32, opts device.Options) (*device.Device, ram, *ethosu.Accelerator) {
	t.Helper()
	accel, err := ethosu.ParseAccelerator("ethos-u85-256")
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
	opts.ColdStart = true
	return device.NewWith(accel, mem, opts), mem, accel
}

// driveU85 is the sequence of the public driver for one inference: soft reset, memory
// attributes and limits, power, stream, base addresses, run.
func driveU85(d *device.Device, configWord uint32, words int) outcome {
	d.WriteReg(reset, 1)
	for n := 0; d.ReadReg(status)&8 != 0; n++ {
		if n == 20 {
			return "reset does not end"
		}
	}
	if d.ReadReg(config) != configWord {
		return "wrong configuration"
	}
	if d.ReadReg(prot)&3 != 1 {
		return "protection level refused"
	}
	for i, v := range []uint32{0, 0, 4, 4} { // SRAM, SRAM, EXT, EXT
		d.WriteReg(memAttr0+4*uint32(i), v)
	}
	d.WriteReg(axiSRAM, 0x00020F0B)
	d.WriteReg(axiEXT, 0x00021F3F)
	d.WriteReg(powerCtrl, 0)
	d.WriteReg(qbase, 0x1000)
	d.WriteReg(qbase+4, 0)
	d.WriteReg(qsize, uint32(4*words))
	d.WriteReg(qconfig, 2)
	d.WriteReg(basep, 0x1000+256)
	d.WriteReg(basep+8, 0x1000+512)
	d.WriteReg(regioncfg, 0x7) // region 0 by attribute 3, region 1 by 1
	return execute(d, 20)
}

// copyWordsU85 is copyStream for the U85, whose transfers have a size in one dimension too.
var copyWordsU85 = append([]uint32{0x00010132}, copyStream...)

func TestRunU85(t *testing.T) {
	d, mem, accel := u85(t, copyWordsU85, device.Options{ResetPolls: 3, RunPolls: 4})
	if got := driveU85(d, accel.ConfigWord, len(copyWordsU85)); got != "ok" {
		t.Fatalf("%q, STATUS 0x%X, %v", got, d.ReadReg(status), d.Fault())
	}
	if !bytes.Equal(mem[512+32:][:48], mem[256+16:][:48]) || mem[512+31] != 0 || mem[512+80] != 0 {
		t.Errorf("copied % x", mem[512:][:96])
	}
	if v := d.ReadReg(qread); v != uint32(4*len(copyWordsU85)) {
		t.Errorf("QREAD %d", v)
	}
	if v := d.ReadReg(0); v != accel.ID || v>>12&0xf != 7 || v>>28 != 2 {
		t.Errorf("ID 0x%X, expected product 7 of architecture 2", v)
	}
	if v := d.ReadReg(config); v != 0x20000118 {
		t.Errorf("CONFIG 0x%X", v)
	}
	for off, want := range map[uint32]uint32{0xfe0: 0x82, 0xfe4: 0xb5, 0xff0: 0x0d, memAttr0 + 8: 4, axiEXT: 0x00021F3F, 0x2c: 0} {
		if v := d.ReadReg(off); v != want {
			t.Errorf("register 0x%X is 0x%X, expected 0x%X", off, v, want)
		}
	}
}

// TestFaultsU85: STATUS says which port and channel failed by the attributes of the
// region, and a parse error where the stream cannot be known.
func TestFaultsU85(t *testing.T) {
	change := func(at int, w uint32) []uint32 {
		words := append([]uint32(nil), copyWordsU85...)
		words[at] = w
		return words
	}
	for _, c := range []struct {
		name      string
		words     []uint32
		got       outcome
		port, who uint32
	}{
		{"source outside", change(3, 0x10000), "bus abort", 1, 4},
		{"destination outside", change(6, 0x10000), "bus abort", 0, 9},
		{"unknown command", change(0, 0x000003ff), "parse error", 0, 0},
		{"a command of the U55", change(0, 0x00000123), "parse error", 0, 0},
		{"branch", append([]uint32{0x4100, 0}, copyWordsU85...), "parse error", 0, 0},
	} {
		d, mem, accel := u85(t, c.words, device.Options{})
		if got := driveU85(d, accel.ConfigWord, len(c.words)); got != c.got || mem[512+32] != 0 {
			t.Errorf("%s: %q, expected %q; output in memory: %v; %v", c.name, got, c.got, mem[512+32] != 0, d.Fault())
		}
		if s := d.ReadReg(status); s>>11&1 != c.port || s>>12&0xf != c.who {
			t.Errorf("%s: STATUS 0x%X, expected port %d and channel %d", c.name, s, c.port, c.who)
		}
		if got := driveU85(d, accel.ConfigWord, len(c.words)); got != c.got {
			t.Errorf("%s: %q after a reset", c.name, got)
		}
	}
}

// TestCountersU85: the PMU lies a page further behind and has eight counters.
func TestCountersU85(t *testing.T) {
	d, _, accel := u85(t, copyWordsU85, device.Options{})
	if got := driveU85(d, accel.ConfigWord, len(copyWordsU85)); got != "ok" {
		t.Fatal(got)
	}
	d.WriteReg(pmuU85+pmcr, 7)
	if v := d.ReadReg(pmuU85 + pmcr); v != 1|8<<11 {
		t.Errorf("PMCR 0x%X, expected eight counters", v)
	}
	d.WriteReg(pmuU85+cntenset, 0xffffffff)
	if v := d.ReadReg(pmuU85 + cntenset); v != 1<<31|0xff {
		t.Errorf("PMCNTENSET 0x%X", v)
	}
	d.WriteReg(pmuU85+evtyper+4*7, 35)
	d.WriteReg(pmuU85+evcntr+4*7, 9)
	if a, b := d.ReadReg(pmuU85+evtyper+4*7), d.ReadReg(pmuU85+evcntr+4*7); a != 35 || b != 9 {
		t.Errorf("event counter 7 holds %d of event %d", b, a)
	}
	d.WriteReg(pmuU85+pmcr, 2)
	if v := d.ReadReg(pmuU85 + evcntr + 4*7); v != 0 {
		t.Errorf("event counter 7 is %d after the reset of counters", v)
	}
	for _, off := range []uint32{pmcr, cntenset, evcntr, evtyper, pmuU85, pmuU85 + qbase} {
		d.WriteReg(off, 0xffffffff)
		if v := d.ReadReg(off); v != 0 {
			t.Errorf("register 0x%X, where nothing is, reads 0x%X", off, v)
		}
	}
}

// TestWindowU85 reads SET registers and the LUT memory back.
func TestWindowU85(t *testing.T) {
	words := []uint32{
		0x00000130, 0x4030, 16, // from region 0 at 16
		0x01030131, 0x4031, 0x400, // to the LUT memory
		0x4032, 32,
		0x4038, 77, // DMA0_IDX_MAX, which this transfer does not read
		0x00000010, stop,
	}
	d, mem, accel := u85(t, words, device.Options{})
	if got := driveU85(d, accel.ConfigWord, len(words)); got != "ok" {
		t.Fatal(got, d.Fault())
	}
	for off, want := range map[uint32]uint32{0x8C4: 0x103, 0xAC8: 0x400, 0xAD0: 32, 0xBC0: 77} {
		if got := d.ReadReg(off); got != want {
			t.Errorf("register 0x%X is 0x%X, expected 0x%X", off, got, want)
		}
	}
	d.WriteReg(debugAddr, 0x400)
	if got, want := d.ReadReg(window+4), binary.LittleEndian.Uint32(mem[256+16+4:]); got != want {
		t.Errorf("LUT memory 0x%08X, expected 0x%08X", got, want)
	}
	for _, at := range []uint32{0x800, 1<<28 | 0x400} { // behind it, and another memory
		d.WriteReg(debugAddr, at)
		if got := d.ReadReg(window + 4); got != 0 {
			t.Errorf("window at 0x%X reads 0x%X", at, got)
		}
	}
}

// TestEveryU85 runs the driver's sequence on all configurations.
func TestEveryU85(t *testing.T) {
	for _, accel := range ethosu.Of(ethosu.U85) {
		mem := make(ram, 1024)
		for i, w := range copyWordsU85 {
			binary.LittleEndian.PutUint32(mem[4*i:], w)
		}
		d := device.New(accel, mem)
		if got := driveU85(d, accel.ConfigWord, len(copyWordsU85)); got != "ok" || accel.Product != isa.U85 {
			t.Errorf("%s: %q, %v", accel.Name, got, d.Fault())
		}
	}
}
