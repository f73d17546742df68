// SPDX-License-Identifier: Apache-2.0

// Package arrange writes parts of a float graph in another way that integers carry
// better, with the same meaning.
//
// In comes a float graph with the roles of its tensors, out goes another one with the
// same inputs and outputs. What it computes differs from the first by less than 8-bit
// weights do; the loss that is measured against the first holds that, too. Open
// arrange.go; every arrangement is a file.
package arrange
