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
func channel(a *ethosu.Accelerator, bytes, under, latency int) float64 {
	rate := float64(a.AXIBytes)
	if under > 0 && latency > 0 {
		bytes = max(1, bytes)
		rate = min(rate, float64(under*bytes)/float64(latency+ceilDiv(bytes, a.AXIBytes)+handshake))
	}
	return rate
}

// mapTransaction returns the bytes of the transactions for a feature map of which runs
// of so many bytes lie together: at most two bursts of the memory, of which one is opened
// while the other is transferred.
func mapTransaction(m ethosu.Memory, run int) int {
	n := min(run, transaction)
	if m.Burst > 1 { // 1: not given
		n = min(n, 2*m.Burst)
	}
	return n
}

// sustained returns the bytes a cycle that a memory keeps up. What is over at the end of
// a window is a transaction that had begun: a window delivers whole transactions.
func sustained(a *ethosu.Accelerator, m ethosu.Memory) float64 {
	rate := m.Bandwidth(a)
	if m.Window > 0 {
		rate = math.Ceil(float64(rate*float64(m.Window))/transaction) * transaction / float64(m.Window)
	}
	return min(rate, float64(a.AXIBytes))
}

// readRate and writeRate return the bytes a cycle of a place in transactions of so many
// bytes.
func (p *Place) readRate(a *ethosu.Accelerator, bytes int) float64 {
	return min(channel(a, bytes, p.MaxReads, p.ReadLatency), sustained(a, p.Memory))
}

func (p *Place) writeRate(a *ethosu.Accelerator, bytes int) float64 {
	return min(channel(a, bytes, p.MaxWrites, p.WriteLatency), sustained(a, p.Memory))
}

// ReadCycles returns the cycles to read so many bytes that lie together, WriteCycles
// those to write them, latency left aside.
func (p *Place) ReadCycles(a *ethosu.Accelerator, bytes int) float64 {
	return float64(bytes) / p.readRate(a, transaction)
}

// WriteCycles is described at ReadCycles.
func (p *Place) WriteCycles(a *ethosu.Accelerator, bytes int) float64 {
	return float64(bytes) / p.writeRate(a, transaction)
}
