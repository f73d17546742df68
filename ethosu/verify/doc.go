// Package verify proves of a command stream, whoever made it, that it is safe to
// run: registers are set before use, every access stays inside its region and
// reads nothing that was never written, every hazard between DMA and kernels is
// covered by a wait and every hazard between kernels by BLOCKDEP, blocks and SHRAM
// layouts are legal, tables are loaded when they are used and weight streams decode
// to the weights that the operation needs.
//
// In comes a Program, or a bare stream with its regions; out come findings, none
// when everything holds. finding.go lists the rules, stream.go walks the stream;
// each rule has a file.
package verify
