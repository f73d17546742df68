// SPDX-License-Identifier: Apache-2.0

// Package compile turns an integer graph into a command stream for the Ethos-U55
// and U65.
//
// In comes a graph.Graph with int8 (or int16) activations, from lower or from a
// .tflite; out goes an ethosu.Program: the stream, the constants and the place of
// every input, output and state. Multipliers and tables come from lower/quant, so
// that the result equals the reference interpreter bit for bit.
//
// Open passes.go first: Passes is the whole compiler in order, and compilation what the
// stages hand to each other. Each stage is a package that knows those above it in this
// list and none below:
//
//	kernel     what a network is to the compiler: kernels over buffers without addresses
//	memory     which memory a buffer lies in
//	cost       what the cycle model says of one kernel or transfer
//	timeline   what a list of both takes, and where transfers stand best
//	lowering   operators to kernels
//	schedule   the forms, order and blocks of kernels, and the transfers beside them
//	place      addresses
//	emit       waits, registers, words
//
// Some decisions show only in the finished program, such as how much SRAM weights may
// have: strategy.go has them as a list beside that of the passes. sequence*.go put
// several programs together to a call of several steps, call.go chooses between both.
//
// To add a pass: write a function of the stage's state (schedule.Plan, place.Layout or
// emit.Stream) in a file of that stage, add its row to Passes, and extend the stage's
// Check by what must hold from there on. What it has to know of the variant comes with
// the stage's Input, which no pass changes. A pass that is marked optional must leave
// programs right when it is skipped; TestPasses tries each.
//
// To add an operator, see package lowering.
package compile
