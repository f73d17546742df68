// SPDX-License-Identifier: Apache-2.0

package codegen

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"strings"
)

// sumWeight is the multiplier of the weights: 5 modulo 8, so that its first 2^30 powers modulo
// 2^32 are different odd numbers, and with short vectors only far apart in its lattices
// (P. L'Ecuyer, Tables of linear congruential generators of different sizes and good lattice
// structure, Mathematics of Computation 68, 1999).
const sumWeight uint32 = 747796405

// sums are what the generated C checks a model by: of 32-bit little-endian words, padded with
// zeros to a multiple of four, sum l takes words l, l+4, l+8, ... times the first, second,
// third, ... power of sumWeight modulo 2^32, modulo 2^64.
//
// A change d of one word adds weight * d to its sum: less than 2^64 and not zero, so it is
// always found. Two words exchanged within a sum add (weight' - weight) * d, likewise; in
// different sums each is a change of one word. Two flipped bits i and j of a sum add
// +-weight * 2^i +- weight' * 2^j, which is zero for no two different odd weights. Flipped bits
// within 128 touch two words of at most one sum, and of these the upper bits from m on of the
// first and the bits below m of the second: modulo 2^m the second's change remains, so it is
// zero, and then the first's is. Other damage is missed by chance, which is below 2^-60 for
// words that have nothing to do with those expected.
//
// It takes 11 instructions for four words on a Cortex-M, where a CRC of a sparse polynomial
// takes 8.5 for each word and one by tables more.
func sums(b []byte) [4]uint64 {
	var s [4]uint64
	weight := sumWeight
	for i := 0; i < len(b); i += 16 {
		for l := range s {
			s[l] += uint64(weight) * uint64(wordAt(b, i+4*l))
		}
		weight *= sumWeight
	}
	return s
}

// wordAt is the little-endian word at an offset, zeros behind the end.
func wordAt(b []byte, at int) uint32 {
	if at+4 <= len(b) {
		return binary.LittleEndian.Uint32(b[at:])
	}
	var w [4]byte
	if at < len(b) {
		copy(w[:], b[at:])
	}
	return binary.LittleEndian.Uint32(w[:])
}

// sumWords are sums as the C has them, lower halves first.
func sumWords(b []byte) []uint32 {
	var words []uint32
	for _, s := range sums(b) {
		words = append(words, uint32(s), uint32(s>>32))
	}
	return words
}

func sumsLiteral(b []byte) string {
	var list []string
	for _, w := range sumWords(b) {
		list = append(list, fmt.Sprintf("0x%08Xu", w))
	}
	return strings.Join(list, ", ")
}

func crc32Literal(b []byte) string { return fmt.Sprintf("0x%08Xu", crc32.ChecksumIEEE(b)) }
