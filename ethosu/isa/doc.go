// SPDX-License-Identifier: Apache-2.0

// Package isa holds the register command stream of the Ethos-U55, U65 and U85 as data:
// which commands exist, what every bit of them means, and which operation reads
// which register.
//
// What comes in: 32-bit words, or text. What goes out: commands, text, words, and
// for every operation a typed view of the registers it would see in hardware.
//
// Open table.go first, one row for each command; everything else works from it. The U85
// changes many fields: table_u85.go has those rows, and a register or a function whose
// name ends in U85 is one that its predecessors have in another form. A stream of the U85
// goes through the methods of Product (isa.U85.Walk), and its operations are read as
// KernelU85 and DMAU85; functions without a product mean U55 and U65.
//
//	field.go      bit fields by name: get, put, legality
//	fields_gen.go generated from the table: typed put and get of every row's fields
//	modes.go      the types of fields that are modes, and their names; modes_u85.go
//	lookup.go     rows by code and name
//	decode.go     words to commands and back, legality by product
//	state.go      the register file with the set of registers ever written
//	walk.go       operations of a stream in order, with their registers
//	operation.go  the typed view: feature maps, kernel, block, scales, DMA
//	operation_u85.go the same for the U85: KernelU85, DMAU85
//	featuremap.go addresses of elements, tiles, bricks
//	consumes.go   which registers an operation reads; consumes_u85.go
//	text.go       disassembler
//	assemble.go   assembler, the inverse of text.go
//	payload.go    what the driver is handed: COP1; payload2.go: COP2
//
//go:generate go run ./gen
package isa
