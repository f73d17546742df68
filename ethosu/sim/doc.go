// SPDX-License-Identifier: Apache-2.0

// Package sim executes Ethos-U55 and U65 command streams bit for bit, whoever
// compiled them.
//
// In come an accelerator, the words of a stream and the memory regions; out comes
// the memory as the NPU would leave it, or a Fault that names the word offset, the
// operation and the cause. Prepare decodes and checks everything that the registers
// alone decide, once; Run only computes, and many goroutines may run one Sim, each
// on its own Memory.
//
// Open prepare.go first. The way of an operation:
//
//	prepare.go      stream to plans, in order
//	check_*.go      what the registers alone decide: shapes, types, bounds, blocks, SHRAM
//	weights.go      decoded weights and records, wherever the stream put them
//	plan_*.go       one file for each kind of operation: conv, depthwise, pool, elementwise, dma
//	fast.go         the same for 8-bit maps, in joined loops
//	fmap.go         feature maps: runs of channels in and out of memory
//	stage.go        the output path: zero point, function, clamp, table
//	round.go        the rounding of the scalers
//	function.go     the built-in sigmoid and tanh
//	inferred.go     behaviour no source states, each named, with what is done about it
//	run.go          execution, with a hook after every operation
//	trace.go        checksums, and the first difference from expected tensors
//	adversarial.go  races that a missing wait or a large BLOCKDEP would allow; job.go has the boxes
//
// Folder device puts a register file in front, for drivers; folder mac has the
// vector kernels.
//
// The package shares no arithmetic with the reference interpreter: the two are
// witnesses of each other.
package sim
