// SPDX-License-Identifier: Apache-2.0

// Package checkpoint keeps networks in files: safetensors of its own layout, and
// what PyTorch's and Keras' files of weights hold, read into the same nn.Network.
//
// Open network.go first: Write and Read. safetensors.go knows the container alone.
// Writers are given an io.Writer; replacing a file atomically is the caller's part.
package checkpoint

import _ "github.com/unroll-npu/unroll/train/cell" // the cells that files name
