// SPDX-License-Identifier: Apache-2.0

// Package causal turns a float graph over a window of time into the graph of its
// step: N frames in, and what earlier frames left in states.
//
// Every tensor of the windowed graph is one of three things: static, a sequence of
// frames along one of its dimensions, or a single instance, such as the state of an
// unrolled recurrent layer at one frame. A rule for every operator kind says what its
// outputs are and how the step computes them (rules.go, windows.go, parts.go):
//
//   - what works frame by frame stays as it is, with N frames;
//   - a convolution or a pooling over time reads the last frames of its input, which
//     are kept in a ring state; padding in front of the window is the ring's reset
//     value, zero, and cropping is nothing at all;
//   - operands that are of different frames are brought together by delays;
//   - what needs all frames of the window for one result (a flattened window, a mean
//     over time) keeps the window in a ring;
//   - unrolled recurrences are found again by their shape: the value of one frame is
//     computed as that of the frame before (repeat.go), so that the first is a state.
//
// An operator whose result needs frames that have not come yet is named in the error.
// Nothing of this is believed: Prove runs both graphs on the same frames.
package causal
