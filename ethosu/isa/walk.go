// SPDX-License-Identifier: Apache-2.0

package isa

import "fmt"

// Operation is one NPU_OP command with the registers as it sees them.
type Operation struct {
	Product Product
	Word    int  // offset of the command word in the stream
	Index   int  // number among the block operations and DMAs of the stream, or -1
	Op      Code // OpConv, OpDMAStart, OpStop, ...
	Param   uint16
	Payload uint32 // of NPU_OP_BRANCH
	Regs    *State // valid during the callback; copy *Regs to keep it
}

// IsBlock reports whether the operation runs in the block pipeline.
func (o *Operation) IsBlock() bool {
	switch o.Op {
	case OpConv, OpDepthwise, OpPool, OpElementwise, OpResize:
		return true
	}
	return false
}

// IsDMA reports whether the operation starts a DMA.
func (o *Operation) IsDMA() bool { return o.Op == OpDMAStart }

// Walk calls f for every NPU_OP command in order, up to and including
// NPU_OP_STOP; words behind it are never fetched. It stops at the first error of
// f. Shape errors of the stream and a missing NPU_OP_STOP come back as *Error;
// values are not checked, see Command.Check.
func Walk(words []uint32, f func(op *Operation) error) error {
	return WalkAll(words, func(Instruction) error { return nil }, f)
}

// WalkAll is Walk with another callback that sees every command before it takes
// effect.
func WalkAll(words []uint32, each func(Instruction) error, f func(op *Operation) error) error {
	return U65.WalkAll(words, each, f)
}

// Walk is the function Walk for a stream of the product.
func (p Product) Walk(words []uint32, f func(op *Operation) error) error {
	return p.WalkAll(words, func(Instruction) error { return nil }, f)
}

// WalkAll is the function WalkAll for a stream of the product. Behind NPU_OP_BRANCH no
// register has a value that may be relied on; the walk goes on with the next command.
func (p Product) WalkAll(words []uint32, each func(Instruction) error, f func(op *Operation) error) error {
	var s State
	index := 0
	for at := 0; at < len(words); {
		c, err := p.Next(words, at)
		if err != nil {
			return err
		}
		if err := each(Instruction{c, at}); err != nil {
			return err
		}
		s.Write(c)
		if p.Lookup(c.Code).Kind == Op {
			op := Operation{Product: p, Word: at, Index: -1, Op: c.Code, Param: c.Param, Payload: c.Payload, Regs: &s}
			if op.IsBlock() || op.IsDMA() {
				op.Index = index
				index++
			}
			if err := f(&op); err != nil {
				return err
			}
			switch c.Code {
			case OpStop:
				return nil
			case OpBranch:
				s.Forget()
			}
		}
		at += c.Words()
	}
	return &Error{Word: len(words), What: fmt.Sprintf("the stream of %d words ends without NPU_OP_STOP", len(words))}
}
