// SPDX-License-Identifier: Apache-2.0

// Package equalize makes the channels of a value between two linear operators alike in
// size, so that one scale serves all of them.
//
// What one operator multiplies a channel by, the next one's weights divide it by; between
// them are only operators that a positive factor passes through. Factors are powers of
// two: the float graph computes the same bits as before. In comes a float graph and what
// its channels were seen to reach, out goes the same graph with other constants. Open
// chain.go for what may stand between, scale.go for the factors.
package equalize
