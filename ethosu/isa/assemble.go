// SPDX-License-Identifier: Apache-2.0

package isa

import (
	"fmt"
	"strconv"
	"strings"
)

// Assemble turns text into words. A line holds hexadecimal words, a command name
// with fields, or both, as Disassemble writes them; when both are there they must
// agree. Missing fields are 0, numbers are decimal or 0x..., and # starts a
// comment. Reserved bits survive only in lines with hexadecimal words.
func (p Product) Assemble(text string) ([]uint32, error) {
	var out []uint32
	for n, line := range strings.Split(text, "\n") {
		line, _, _ = strings.Cut(line, "#")
		words, err := p.assembleLine(strings.Fields(line))
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", n+1, err)
		}
		out = append(out, words...)
	}
	return out, nil
}

// Assemble is Product.Assemble of the U55 and U65: it takes what either has.
func Assemble(text string) ([]uint32, error) { return U65.Assemble(text) }

func (p Product) assembleLine(tokens []string) ([]uint32, error) {
	var hex []uint32
	for len(tokens) > 0 && len(tokens[0]) == 8 {
		v, err := strconv.ParseUint(tokens[0], 16, 32)
		if err != nil {
			break
		}
		hex = append(hex, uint32(v))
		tokens = tokens[1:]
	}
	if len(tokens) == 0 {
		return hex, nil
	}
	c, err := p.parseCommand(tokens)
	if err != nil {
		return nil, err
	}
	if hex == nil {
		return c.Append(nil), nil
	}
	found, err := p.Next(hex, 0)
	if err != nil {
		return nil, err
	}
	if found.Words() != len(hex) {
		return nil, fmt.Errorf("%d hexadecimal words before %s, expected %d", len(hex), tokens[0], found.Words())
	}
	if got, want := p.Text(found), p.Text(c); got != want {
		return nil, fmt.Errorf("the words mean %q, the text says %q: correct one of them or drop the words", got, want)
	}
	return hex, nil
}

// parseCommand reads a name and field=value tokens.
func (p Product) parseCommand(tokens []string) (Command, error) {
	r := p.LookupName(tokens[0])
	if r == nil {
		return Command{}, fmt.Errorf("unknown command %q", tokens[0])
	}
	c := Command{Code: r.Code}
	seen := map[string]bool{}
	for _, t := range tokens[1:] {
		name, value, ok := strings.Cut(t, "=")
		if !ok {
			return c, fmt.Errorf("%s: %q is not field=value", r.Name, t)
		}
		v, err := strconv.ParseUint(value, 0, 32)
		if err != nil {
			return c, fmt.Errorf("%s: %s: %q is not a 32-bit number", r.Name, name, value)
		}
		if seen[name] {
			return c, fmt.Errorf("%s: field %s is given twice", r.Name, name)
		}
		seen[name] = true
		if err := c.setField(p, r, name, uint32(v)); err != nil {
			return c, fmt.Errorf("%s: %w", r.Name, err)
		}
	}
	return c, nil
}

func (c *Command) setField(p Product, r *Row, name string, v uint32) error {
	var names []string
	for _, f := range r.Param {
		if f.Name == name {
			c.Param = uint16(f.Put(uint32(c.Param), v))
			return f.Check(v, p)
		}
		names = append(names, f.Name)
	}
	for _, f := range r.Payload {
		if f.Name == name {
			c.Payload = f.Put(c.Payload, v)
			return f.Check(v, p)
		}
		names = append(names, f.Name)
	}
	return fmt.Errorf("no field %q: expected one of %s", name, strings.Join(names, ", "))
}
