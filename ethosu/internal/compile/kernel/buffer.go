// SPDX-License-Identifier: Apache-2.0

package kernel

import "github.com/unroll-npu/unroll/lower/graph"

// Buffer is a run of bytes that gets one address. Feature maps, resident weights
// and constants are buffers; tensors are windows of them.
type Buffer struct {
	Name string
	Size int
	Data []byte // the content of a constant, nil otherwise

	Bound    bool // an input, output or variable: its place is part of the interface
	FromCall bool // holds a value when a call starts (inputs, variables)
	ToCaller bool // must hold its value when a call ends (outputs, variables)

	Resident bool // a copy of constants: stays in the fast memory
	Own      int  // region that holds nothing else, or 0
	Placed   bool // it has to lie at At of the arena
	At       int
}

// Constant reports whether the buffer has a content at compile time.
func (b *Buffer) Constant() bool { return b.Data != nil }

// Bound ties a graph tensor of the interface to its place.
type Bound struct {
	ID  graph.TensorID
	Buf *Buffer
	Off int // bytes
}
