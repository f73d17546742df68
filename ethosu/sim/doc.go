// SPDX-License-Identifier: Apache-2.0

// Package sim executes Ethos-U55, U65 and U85 command streams bit for bit, whoever
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
// What the U85 does in other ways is in u85_*.go; start at u85_block.go:
//
//	u85_kernel.go       its block operations, u85_check.go and u85_layout.go what must hold
//	u85_round.go        scales and their round modes, u85_output.go clamp and tables
//	u85_chain.go        results that stay in chaining buffers
//	u85_turn.go         outputs that are transposed or mirrored
//	u85_elementwise.go  and _pool, _resize, _matmul, _conv, _dma: the kinds
//	u85_weights.go      streams and records, u85_order.go the order of weights
//	u85_job.go          blocks, for races
//	u85_inferred.go     what no source states
//
// Folder device puts a register file in front, for drivers; folder mac has the
// vector kernels.
//
// The package shares no arithmetic with the reference interpreter: the two are
// witnesses of each other.
package sim
