// SPDX-License-Identifier: Apache-2.0

// Package nn holds float networks: a small graph of layers with a dense head, what
// training produces and lowering consumes. It has no arithmetic of its own; open nn.go.
// What is known of a recurrent cell comes from its file in package train/cell.
package nn
