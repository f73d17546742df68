// SPDX-License-Identifier: Apache-2.0

package perf

import (
	"math"

	"github.com/unroll-npu/unroll/ethosu"
)

// Physical constants of the NPU's bus interface and of its start of a kernel; docs/cycles.md
// has their sources.
const (
	// transaction is the longest transaction in bytes, as the driver leaves AXI_LIMIT.
	transaction = 64

	// handshake are the cycles that a transaction is under way beside the memory's
	// latency and its data.
	handshake = 8

	// kernelStart are the cycles from the end of a kernel to the first block of the
	// next one, and from its last block to its end, as far as nothing hides them.
	kernelStart = 100

	// wakeUp are the cycles from the end of a stream to the start of the next one of the
	// same call: interrupt, driver and registers. It is assumed, not measured.
	wakeUp = 1000
)

// channel returns the bytes a cycle of one direction of a port, in transactions of the
// given bytes of which so many may be under way. A memory that answers at once is as fast
// as the port.
// ports are how many the memory is spread over.
func channel(a *ethosu.Accelerator, bytes, under, latency, ports int) float64 {
	ports = max(1, ports)
	rate := float64(a.AXIBytes * ports)
	if under > 0 && latency > 0 {
		bytes = max(1, bytes)
		rate = min(rate, float64(under*ports*bytes)/float64(latency+ceilDiv(bytes, a.AXIBytes)+handshake))
	}
	return rate
}

// reader is who reads: each of the Ethos-U85 has a buffer of its own, which bounds what it
// has under way. What one leaves of the memory the others may have.
type reader uint8

const (
	byDMA reader = iota
	byElementwise
	byWeights
	byFastWeights
	byInputs
	byRecords
	byCommands
	readers
)

// transactionOf returns the bytes of the longest transaction of an accelerator.
func transactionOf(a *ethosu.Accelerator) int {
	if a.OwnMemories {
		return transaction85
	}
	return transaction
}

// bufferOf returns the bytes that a reader of an Ethos-U85 may have under way.
func bufferOf(a *ethosu.Accelerator, r reader) int {
	if r == byCommands {
		return commands85
	}
	b := &a.U85.Read
	return 16 * [...]int{byDMA: b.Transfers, byElementwise: b.Stream, byWeights: b.Weights, byFastWeights: b.FastWeights, byInputs: b.Inputs, byRecords: b.Records}[r]
}

// start returns the cycles that the start of a kernel takes; one that goes on with what a
// chain holds has none of its own.
func (w *Work) start(a *ethosu.Accelerator) float64 {
	switch {
	case !a.OwnMemories:
		return kernelStart
	case w.ChainIn || w.ChainIn2:
		return chainStart85
	}
	return kernelStart85
}

// mapTransaction returns the bytes of the transactions for a feature map of which runs
// of so many bytes lie together: at most two bursts of the memory, of which one is opened
// while the other is transferred.
func mapTransaction(a *ethosu.Accelerator, m ethosu.Memory, run int) int {
	n := min(run, transactionOf(a))
	if m.Burst > 1 { // 1: not given
		n = min(n, 2*m.Burst)
	}
	return n
}

// Of the Ethos-U85: fitted to the one network that somebody measured, see docs/cycles.md.
const (
	transaction85  = 256 // as its driver sets AXI_SRAM and AXI_EXT
	kernelStart85  = 170
	chainStart85   = 40
	commands85     = 256 // bytes of the command stream under way
	recordsAhead85 = 256 // bytes of records that take one latency
)

// sustained returns the bytes a cycle that a memory keeps up. What is over at the end of
// a window is a transaction that had begun: a window delivers whole transactions.
func sustained(a *ethosu.Accelerator, m ethosu.Memory) float64 {
	rate := m.Bandwidth(a)
	if m.Window > 0 {
		rate = math.Ceil(float64(rate*float64(m.Window))/transaction) * transaction / float64(m.Window)
	}
	return min(rate, float64(a.AXIBytes*max(1, m.Ports)))
}

// readRate and writeRate return the bytes a cycle of a place in transactions of so many
// bytes.
func (p *Place) readRate(a *ethosu.Accelerator, bytes int) float64 {
	return min(channel(a, bytes, p.MaxReads, p.ReadLatency, p.Ports), sustained(a, p.Memory))
}

func (p *Place) writeRate(a *ethosu.Accelerator, bytes int) float64 {
	return min(channel(a, bytes, p.MaxWrites, p.WriteLatency, p.Ports), sustained(a, p.Memory))
}

// paceOf returns the bytes a cycle that a reader takes of a place, in transactions of so
// many bytes, when the memory behind it holds nothing up.
func (p *Place) paceOf(a *ethosu.Accelerator, bytes int, by reader) float64 {
	rate := channel(a, bytes, p.MaxReads, p.ReadLatency, p.Ports)
	if a.OwnMemories && p.ReadLatency > 0 {
		bytes = max(1, bytes)
		rate = min(rate, float64(bufferOf(a, by))/float64(p.ReadLatency+ceilDiv(bytes, a.AXIBytes)+handshake))
	}
	return rate
}

// alone returns the bytes a cycle of a reader that has a memory for itself.
func (p *Place) alone(a *ethosu.Accelerator, bytes int, by reader) float64 {
	return min(p.paceOf(a, bytes, by), sustained(a, p.Memory))
}

// ReadCycles returns the cycles to read so many bytes that lie together, WriteCycles
// those to write them, latency left aside.
func (p *Place) ReadCycles(a *ethosu.Accelerator, bytes int) float64 {
	return float64(bytes) / p.alone(a, transactionOf(a), byWeights)
}

// WriteCycles is described at ReadCycles.
func (p *Place) WriteCycles(a *ethosu.Accelerator, bytes int) float64 {
	return float64(bytes) / p.writeRate(a, transactionOf(a))
}
