// Package compile turns an integer graph into a command stream for the Ethos-U55
// and U65.
//
// In comes a graph.Graph with int8 (or int16) activations, from lower or from a
// .tflite; out goes an ethosu.Program: the stream, the constants and the place of
// every input, output and state. Multipliers and tables come from lower/quant, so
// that the result equals the reference interpreter bit for bit.
//
// Open compile.go first: Passes is the whole compiler in order. ir.go has what
// the passes hand to each other. The rooms below are packages: kernel is what a network
// is lowered to, lowering turns operators into it. Here pass_* are the later passes;
// timeline.go estimates a schedule, search.go and merge.go improve it; emit.go writes
// registers.
//
// To add an operator, see package lowering.
package compile
