// Package compile turns an integer graph into a command stream for the Ethos-U55
// and U65.
//
// In comes a graph.Graph with int8 (or int16) activations, from lower or from a
// .tflite; out goes an ethosu.Program: the stream, the constants and the place of
// every input, output and state. Multipliers and tables come from lower/quant, so
// that the result equals the reference interpreter bit for bit.
//
// Open compile.go first: Passes is the whole compiler in order. ir.go has what
// the passes hand to each other. File names are a map: lower_* turns operators
// into NPU operations, move.go turns data movement into addresses, pass_* are
// the later passes; timeline.go estimates a schedule, search.go and merge.go improve
// it; emit.go writes registers.
//
// To add an operator: write lower_NAME.go with a function of type lowerer that
// takes its parameters from lower/quant and calls l.emit (or l.elementwise,
// l.matmul, l.windows), add its row to lowerers in lower.go, and add a case to the
// random graphs of the tests.
package compile
