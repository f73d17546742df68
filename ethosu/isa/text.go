// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"bufio"
	"fmt"
	"io"
	"strings"
)

// Text returns the command as one line: name, then every field with its value.
func (c Command) Text() string {
	r := Lookup(c.Code)
	if r == nil {
		return c.Code.String()
	}
	var b strings.Builder
	b.WriteString(r.Name)
	for _, f := range r.Param {
		fmt.Fprintf(&b, " %s=%d", f.Name, f.Get(uint32(c.Param)))
	}
	if r.hasPayloadField() {
		fmt.Fprintf(&b, " %s=%d", r.Payload.Name, r.Payload.Get(c.Payload))
	}
	return b.String()
}

// Line returns the command's words in hexadecimal followed by Text.
func (c Command) Line() string {
	w := c.Append(nil)
	if len(w) == 2 {
		return fmt.Sprintf("%08X %08X   %s", w[0], w[1], c.Text())
	}
	return fmt.Sprintf("%08X            %s", w[0], c.Text())
}

// Notes adds comments to a disassembly. Both functions may be nil and may return
// an empty string.
type Notes struct {
	Before func(in Instruction) string // lines above the command
	After  func(in Instruction) string // text behind the command
}

// Disassemble writes one line for each command, words first, and the notes as
// comments that begin with #. Assemble reads the text back to the same words.
func Disassemble(w io.Writer, words []uint32, n Notes) error {
	out := bufio.NewWriter(w)
	for at := 0; at < len(words); {
		c, err := Next(words, at)
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
		out.WriteString(c.Line())
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
