// SPDX-License-Identifier: Apache-2.0

// Package block knows which OFM block sizes an operation may have and how the
// buffers of a block share the SHRAM.
//
// In comes an operation's shape (Op) and a block; out come the bank numbers that
// the stream programs (SHRAM) and whether they are legal. The compiler chooses
// among legal blocks, the verifier checks what a stream programs. layout.go has the
// rules, vela.go the choice that the Vela compiler makes, for comparison.
package block
