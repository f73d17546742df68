// SPDX-License-Identifier: Apache-2.0

// Package isa holds the register command stream of the Ethos-U55 and U65 as data:
// which commands exist, what every bit of them means, and which operation reads
// which register.
//
// What comes in: 32-bit words, or text. What goes out: commands, text, words, and
// for every operation a typed view of the registers it would see in hardware.
//
// Open table.go first, one row for each command; everything else works from it:
//
//	field.go      bit fields by name: get, put, legality
//	fields_gen.go generated from the table: typed put and get of every row's fields
//	modes.go      the types of fields that are modes, and their names
//	lookup.go     rows by code and name
//	decode.go     words to commands and back, legality by product
//	state.go      the register file with the set of registers ever written
//	walk.go       operations of a stream in order, with their registers
//	operation.go  the typed view: feature maps, kernel, block, scales, DMA
//	featuremap.go addresses of elements, tiles, bricks
//	consumes.go   which registers an operation reads
//	text.go       disassembler
//	assemble.go   assembler, the inverse of text.go
//
//go:generate go run ./gen
package isa
