// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Text returns the command as one line: name, then every field with its value.
func (p Product) Text(c Command) string {
	r := p.Lookup(c.Code)
	if r == nil {
		return p.Name(c.Code)
	}
	var b strings.Builder
	b.WriteString(r.Name)
	for _, f := range r.Param {
		fmt.Fprintf(&b, " %s=%d", f.Name, f.Get(uint32(c.Param)))
	}
	for _, f := range r.Payload {
		fmt.Fprintf(&b, " %s=%d", f.Name, f.Get(c.Payload))
	}
	return b.String()
}

// Line returns the command's words in hexadecimal followed by Text.
func (p Product) Line(c Command) string {
	w := c.Append(nil)
	if len(w) == 2 {
		return fmt.Sprintf("%08X %08X   %s", w[0], w[1], p.Text(c))
	}
	return fmt.Sprintf("%08X            %s", w[0], p.Text(c))
}

// Text is Product.Text of the U55 and U65.
func (c Command) Text() string { return U65.Text(c) }

// Line is Product.Line of the U55 and U65.
func (c Command) Line() string { return U65.Line(c) }

// Notes adds comments to a disassembly. Both functions may be nil and may return
// an empty string.
type Notes struct {
	Before func(in Instruction) string // lines above the command
	After  func(in Instruction) string // text behind the command
}

// Disassemble writes one line for each command, words first, and the notes as
// comments that begin with #. Assemble reads the text back to the same words.
func (p Product) Disassemble(w io.Writer, words []uint32, n Notes) error {
	out := bufio.NewWriter(w)
	for at := 0; at < len(words); {
		c, err := p.Next(words, at)
		if err != nil {
			out.Flush()
			return err
		}
		in := Instruction{c, at}
		if n.Before != nil {
			if s := n.Before(in); s != "" {
				fmt.Fprintf(out, "# %s\n", strings.ReplaceAll(s, "\n", "\n# "))
			}
		}
		out.WriteString(p.Line(c))
		if n.After != nil {
			if s := n.After(in); s != "" {
				fmt.Fprintf(out, "  # %s", strings.ReplaceAll(s, "\n", " "))
			}
		}
		out.WriteByte('\n')
		at += c.Words()
	}
	return out.Flush()
}

// Disassemble is Product.Disassemble of the U55 and U65.
func Disassemble(w io.Writer, words []uint32, n Notes) error { return U65.Disassemble(w, words, n) }
