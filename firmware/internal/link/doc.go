// SPDX-License-Identifier: Apache-2.0

// Package link is the NPU's end of the wire to a program under test: firmware on
// QEMU, or the same C built for this machine.
//
// In: a reader and a writer connected to the program, and an NPU, usually the
// register file over the simulator. The program's register accesses arrive as
// messages; while the NPU works it reads and writes the program's memory over the
// same wire. Out: what was transferred, and every access the NPU had no right to.
//
// The messages are described in firmware/c/platform/link/npu_link.h, the other end.
// Open serve.go first, then message.go.
package link
