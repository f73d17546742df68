// Package isa is the command set of the Ethos-U55 and U65 as data: one table of
// commands and fields from which encoding, decoding, printing and checking derive.
// Open isa.go for the types, table.go for the rows.
package isa
