// SPDX-License-Identifier: Apache-2.0

package device_test

import (
	"encoding/binary"
	"testing"

	"github.com/unroll-npu/unroll/ethosu"
	"github.com/unroll-npu/unroll/ethosu/sim/device"
)

const (
	qconfig, regioncfg = 0x1c, 0x3c
	axilimit           = 0x40
	window, debugAddr  = 0x400, 0x144
	evcntr, evtyper    = 0x300, 0x380
	ovsset, intset     = 0x18c, 0x194
)

// outcome is what the driver's run returns.
type outcome string

// drive is the register sequence of a driver for one inference: reset, verify, set
// up, run, wait, judge. It gives up after polls reads of STATUS.
func drive(d *device.Device, configWord, level uint32, words int, polls int) outcome {
	if d.ReadReg(status)&8 == 0 && d.ReadReg(config) != configWord {
		return "wrong configuration"
	}
	d.WriteReg(reset, level)
	for n := 0; d.ReadReg(status)&8 != 0; n++ {
		if n == polls {
			return "reset does not end"
		}
	}
	if d.ReadReg(config) != configWord {
		return "wrong configuration"
	}
	if d.ReadReg(prot)&3 != level {
		return "protection level refused"
	}
	for i := range uint32(4) {
		d.WriteReg(axilimit+4*i, 0x0F1F0000)
	}
	d.WriteReg(cmd, 0)
	d.WriteReg(qbase, 0x1000)
	d.WriteReg(qbase+4, 0)
	d.WriteReg(qsize, uint32(4*words))
	d.WriteReg(qconfig, 2)
	d.WriteReg(basep, 0x1000+256)
	d.WriteReg(basep+8, 0x1000+512)
	d.WriteReg(regioncfg, 0x13)
	return execute(d, polls)
}

// execute starts what the registers describe and waits for the end.
func execute(d *device.Device, polls int) outcome {
	d.WriteReg(cmd, d.ReadReg(cmd)&0xC|1)
	for n := 0; d.ReadReg(status)&2 == 0; n++ {
		if n == polls {
			return "no interrupt"
		}
	}
	d.WriteReg(cmd, d.ReadReg(cmd)&0xC|2)
	s := d.ReadReg(status)
	switch {
	case s&(1<<2) != 0:
		return "bus abort"
	case s&(1<<4) != 0:
		return "parse error"
	case s&(1<<7|1<<8) != 0:
		return "internal fault"
	case s&(1<<5) == 0:
		return "end not reached"
	}
	return "ok"
}

func cold(t *testing.T, opts device.Options, words []uint32) (*device.Device, ram, *ethosu.Accelerator) {
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
	opts.ColdStart = true
	return device.NewWith(accel, mem, opts), mem, accel
}

// TestDriverSequence runs the driver's sequence on a healthy device and on every
// kind of broken one.
func TestDriverSequence(t *testing.T) {
	damaged := func(at int, w uint32) []uint32 {
		words := append([]uint32(nil), copyStream...)
		words[at] = w
		return words
	}
	for _, c := range []struct {
		name  string
		opts  device.Options
		words []uint32
		level uint32
		want  outcome
	}{
		{"healthy", device.Options{}, copyStream, 1, "ok"},
		{"slow", device.Options{ResetPolls: 7, RunPolls: 9}, copyStream, 1, "ok"},
		{"stuck in reset", device.Options{StuckInReset: true}, copyStream, 1, "reset does not end"},
		{"never answers", device.Options{NeverAnswers: true}, copyStream, 1, "no interrupt"},
		{"other NPU", device.Options{Config: 0x3008}, copyStream, 1, "wrong configuration"},
		{"non-secure bus", device.Options{NonSecure: true}, copyStream, 1, "protection level refused"},
		{"non-secure driver", device.Options{NonSecure: true}, copyStream, 3, "ok"},
		{"parse error", device.Options{}, damaged(0, 0x0000C130), 1, "parse error"},
		{"bus abort", device.Options{}, damaged(2, 0x10000), 1, "bus abort"},
	} {
		t.Run(c.name, func(t *testing.T) {
			d, mem, accel := cold(t, c.opts, c.words)
			if got := drive(d, accel.ConfigWord, c.level, len(c.words), 20); got != c.want {
				t.Fatalf("the driver sees %q, expected %q (STATUS 0x%X, fault %v)", got, c.want, d.ReadReg(status), d.Fault())
			}
			if moved := mem[512+32] != 0; moved != (c.want == "ok") {
				t.Errorf("output in memory: %v", moved)
			}
		})
	}
}

// TestColdStart: before the first RESET nothing but STATUS answers and nothing runs.
func TestColdStart(t *testing.T) {
	d, mem, _ := cold(t, device.Options{}, copyStream)
	if s := d.ReadReg(status); s != 8 {
		t.Errorf("STATUS 0x%X, expected a reset in progress", s)
	}
	d.WriteReg(qbase, 0x1000)
	d.WriteReg(qsize, uint32(4*len(copyStream)))
	if got := execute(d, 20); got != "no interrupt" || d.ReadReg(config) != 0 || d.ReadReg(qbase) != 0 || mem[512+32] != 0 {
		t.Errorf("without a reset: %q, CONFIG 0x%X", got, d.ReadReg(config))
	}
}

// TestErrorsHoldUntilReset: after an abort the device runs nothing until it is reset.
func TestErrorsHoldUntilReset(t *testing.T) {
	words := append([]uint32(nil), copyStream...)
	words[2] = 0x10000
	d, mem, accel := cold(t, device.Options{}, words)
	if got := drive(d, accel.ConfigWord, 1, len(words), 20); got != "bus abort" {
		t.Fatal(got)
	}
	// DMA reads go through channel 4; region 0 is memory type 3, port M1.
	if s := d.ReadReg(status); s>>12&0xF != 4 || s>>11&1 != 1 {
		t.Errorf("STATUS 0x%X, expected channel 4 on port 1", s)
	}
	if q := d.ReadReg(qread); q != 4*8 {
		t.Errorf("QREAD %d, expected the DMA at 32", q)
	}
	binary.LittleEndian.PutUint32(mem[8:], 16)
	if got := execute(d, 20); got != "no interrupt" || mem[512+32] != 0 {
		t.Errorf("run without reset: %q", got)
	}
	if got := drive(d, accel.ConfigWord, 1, len(words), 20); got != "ok" || mem[512+32] == 0 {
		t.Errorf("after the reset: %q", got)
	}
}

// TestLosePower: a device that was allowed to power off forgets everything.
func TestLosePower(t *testing.T) {
	d, _, accel := cold(t, device.Options{LosePower: true}, copyStream)
	if got := drive(d, accel.ConfigWord, 1, len(copyStream), 20); got != "ok" {
		t.Fatal(got)
	}
	d.WriteReg(cmd, 0xC)
	if got := execute(d, 20); got != "no interrupt" {
		t.Errorf("run after power off: %q", got)
	}
	if got := drive(d, accel.ConfigWord, 1, len(copyStream), 20); got != "ok" {
		t.Errorf("after another reset: %q", got)
	}
}

// TestShadowAndWindow reads the SET registers and SHRAM back after a run.
func TestShadowAndWindow(t *testing.T) {
	const lut = 0x5800
	words := []uint32{
		0x00000130, 0x4030, 16, // from region 0 at 16
		0x01030131, 0x4031, lut, // to SHRAM
		0x4032, 32,
		0x00000010, stop,
	}
	d, mem, accel := cold(t, device.Options{}, words)
	if got := drive(d, accel.ConfigWord, 1, len(words), 20); got != "ok" {
		t.Fatal(got, d.Fault())
	}
	for off, want := range map[uint32]uint32{0x8C4: 0x103, 0xAC0: 16, 0xAC8: lut, 0xAD0: 32, 0x800: 0} {
		if got := d.ReadReg(off); got != want {
			t.Errorf("register 0x%X is 0x%X, expected 0x%X", off, got, want)
		}
	}
	d.WriteReg(debugAddr, lut)
	if got, want := d.ReadReg(window+4), binary.LittleEndian.Uint32(mem[256+16+4:]); got != want {
		t.Errorf("SHRAM window 0x%08X, expected 0x%08X", got, want)
	}
	d.WriteReg(debugAddr, 0xFFFFFC00)
	if got := d.ReadReg(window + 0x3FC); got != 0 {
		t.Errorf("SHRAM beyond its end reads 0x%X", got)
	}
}

// TestCounters counts cycles and events only where they are enabled, and interrupts
// on overflow when asked to.
func TestCounters(t *testing.T) {
	d, _, accel := cold(t, device.Options{}, copyStream)
	if got := drive(d, accel.ConfigWord, 1, len(copyStream), 20); got != "ok" {
		t.Fatal(got)
	}
	if d.ReadReg(cycles) != 0 {
		t.Error("cycles are counted while PMCR is off")
	}
	d.WriteReg(pmcr, 1)
	d.WriteReg(evtyper, 35) // NPU_ACTIVE
	d.WriteReg(evtyper+4, 35)
	d.WriteReg(evcntr+4, 0xFFFFFFFF)
	d.WriteReg(cntenset, 1<<31|3)
	if got := execute(d, 20); got != "ok" {
		t.Fatal(got)
	}
	n := d.ReadReg(cycles)
	if n == 0 || d.ReadReg(evcntr) != n || d.ReadReg(evcntr+4) != n-1 {
		t.Errorf("cycles %d, NPU_ACTIVE %d and %d", n, d.ReadReg(evcntr), d.ReadReg(evcntr+4))
	}
	if v := d.ReadReg(ovsset); v != 2 {
		t.Errorf("overflow 0x%X, expected counter 1", v)
	}
	d.WriteReg(intset, 2)
	d.WriteReg(cmd, 1)
	if s := d.ReadReg(status); s&(1<<6) == 0 {
		t.Errorf("STATUS 0x%X shows no PMU interrupt", s)
	}
	d.WriteReg(cmd, 2)
	if s := d.ReadReg(status); s&(1<<6|2) != 0 {
		t.Errorf("STATUS 0x%X after the interrupts were cleared", s)
	}
}

// TestAbsurdStreams: what a stream claims must not exhaust the host.
func TestAbsurdStreams(t *testing.T) {
	far := append([]uint32(nil), copyStream...)
	far[5] = 0xFFFFFFF0 // DMA0_DST at the end of the address space
	d, _, accel := cold(t, device.Options{}, far)
	if got := drive(d, accel.ConfigWord, 1, len(far), 20); got != "bus abort" {
		t.Errorf("far destination: %q", got)
	}
	d, _, accel = cold(t, device.Options{}, copyStream)
	drive(d, accel.ConfigWord, 1, len(copyStream), 20)
	d.WriteReg(qsize, 0xFFFFFFFC)
	if got := execute(d, 20); got != "parse error" {
		t.Errorf("QSIZE of 4 GiB: %q", got)
	}
	// Two regions over the same bytes cannot be copied apart.
	d, _, accel = cold(t, device.Options{}, copyStream)
	drive(d, accel.ConfigWord, 1, len(copyStream), 20)
	d.WriteReg(basep+8, 0x1000+256)
	if got := execute(d, 20); got != "bus abort" || d.Fault() == nil {
		t.Errorf("shared memory: %q, %v", got, d.Fault())
	}
}
