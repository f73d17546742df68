// SPDX-License-Identifier: Apache-2.0

package hdf5

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
)

// Node is a group, or a dataset, whose Shape is then not nil.
type Node struct {
	Name     string
	Attrs    map[string]string // those that are one string
	Children []*Node           // of a group, in the order of the file, which is by name

	Shape []int
	Data  []float32
}

// Magic begins a file.
const Magic = "\x89HDF\r\n\x1a\n"

// Bounds of a file, far above any network for a microcontroller.
const (
	maxNodes    = 1 << 14
	maxDepth    = 32
	maxElements = 1 << 26
	maxMessages = 1 << 12
)

var errBroken = errors.New("broken or truncated")

// Read returns the root of a file.
func Read(b []byte) (*Node, error) {
	r := &reader{b: b, open: map[uint64]bool{}}
	if len(b) < 96 || string(b[:8]) != Magic {
		return nil, errors.New("not an HDF5 file")
	}
	if v := b[8]; v > 1 {
		return nil, fmt.Errorf("superblock of version %d, expected 0: written with libver=\"latest\"; save it with the default of h5py", v)
	}
	if b[13] != 8 || b[14] != 8 {
		return nil, fmt.Errorf("addresses of %d and sizes of %d bytes, expected 8", b[13], b[14])
	}
	entry := 24 + 32 // after the addresses of the superblock
	if b[8] == 1 {
		entry += 4
	}
	header, err := r.u64(uint64(entry) + 8)
	if err != nil {
		return nil, err
	}
	return r.node("", header, 0)
}

type reader struct {
	b     []byte
	nodes int
	open  map[uint64]bool // objects being read, for cycles
	total int             // elements so far
}

// at returns n bytes at an address.
func (r *reader) at(address, n uint64) ([]byte, error) {
	if address > uint64(len(r.b)) || n > uint64(len(r.b))-address {
		return nil, errBroken
	}
	return r.b[address : address+n], nil
}

func (r *reader) u64(address uint64) (uint64, error) {
	b, err := r.at(address, 8)
	if err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint64(b), nil
}

// Types of messages in an object's header.
const (
	msgDataspace    = 0x01
	msgDatatype     = 0x03
	msgLayout       = 0x08
	msgFilters      = 0x0b
	msgAttribute    = 0x0c
	msgContinuation = 0x10
	msgSymbolTable  = 0x11
	msgAttributes   = 0x15 // many attributes, apart
)

type message struct {
	kind uint16
	data []byte
}

// messages reads the header of an object.
func (r *reader) messages(address uint64) ([]message, error) {
	head, err := r.at(address, 16)
	if err != nil {
		return nil, err
	}
	if head[0] != 1 {
		return nil, fmt.Errorf("object header of version %d, expected 1: save it with the default of h5py", head[0])
	}
	type block struct{ at, size uint64 }
	blocks := []block{{address + 16, uint64(binary.LittleEndian.Uint32(head[8:]))}}
	var out []message
	for i := 0; i < len(blocks); i++ {
		b, err := r.at(blocks[i].at, blocks[i].size)
		if err != nil {
			return nil, err
		}
		for len(b) >= 8 {
			kind, size := binary.LittleEndian.Uint16(b), int(binary.LittleEndian.Uint16(b[2:]))
			if size > len(b)-8 {
				return nil, errBroken
			}
			data := b[8 : 8+size]
			b = b[8+size:]
			if len(out) >= maxMessages || len(blocks) >= maxMessages {
				return nil, fmt.Errorf("an object with more than %d messages", maxMessages)
			}
			if kind == msgContinuation {
				if size < 16 {
					return nil, errBroken
				}
				blocks = append(blocks, block{binary.LittleEndian.Uint64(data), binary.LittleEndian.Uint64(data[8:])})
				continue
			}
			out = append(out, message{kind, data})
		}
	}
	return out, nil
}

// node reads an object and what is below it.
func (r *reader) node(name string, address uint64, depth int) (*Node, error) {
	if r.nodes++; r.nodes > maxNodes || depth > maxDepth || r.open[address] {
		return nil, fmt.Errorf("%q: too many objects, too deep, or within itself", name)
	}
	r.open[address] = true
	defer delete(r.open, address)
	msgs, err := r.messages(address)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", name, err)
	}
	n := &Node{Name: name, Attrs: map[string]string{}}
	set := &dataset{}
	for _, m := range msgs {
		switch m.kind {
		case msgDataspace:
			set.space = m.data
		case msgDatatype:
			set.kind = m.data
		case msgLayout:
			set.layout = m.data
		case msgFilters:
			set.filtered = true
		case msgAttribute:
			key, value, ok, err := r.attribute(m.data)
			if err != nil {
				return nil, fmt.Errorf("an attribute of %q: %w", name, err)
			}
			if ok {
				n.Attrs[key] = value
			}
		case msgAttributes:
			return nil, fmt.Errorf("%q has its attributes apart: save it with the default of h5py", name)
		case msgSymbolTable:
			if err := r.group(n, m.data, depth); err != nil {
				return nil, err
			}
		}
	}
	if set.layout != nil {
		if n.Shape, n.Data, err = r.read(set); err != nil {
			return nil, fmt.Errorf("dataset %q: %w", name, err)
		}
	}
	return n, nil
}

// group reads the children of a group: a B-tree of tables of names and addresses.
func (r *reader) group(n *Node, table []byte, depth int) error {
	if len(table) < 16 {
		return errBroken
	}
	heap, err := r.at(binary.LittleEndian.Uint64(table[8:]), 32)
	if err != nil {
		return err
	}
	if string(heap[:4]) != "HEAP" {
		return errBroken
	}
	names, err := r.at(binary.LittleEndian.Uint64(heap[24:]), binary.LittleEndian.Uint64(heap[8:]))
	if err != nil {
		return err
	}
	return r.tree(n, binary.LittleEndian.Uint64(table), names, depth, 0)
}

func (r *reader) tree(n *Node, address uint64, names []byte, depth, level int) error {
	head, err := r.at(address, 24)
	if err != nil {
		return err
	}
	if level > maxDepth || string(head[:4]) != "TREE" || head[4] != 0 {
		return errBroken
	}
	used := uint64(binary.LittleEndian.Uint16(head[6:]))
	entries, err := r.at(address+24, used*16+8)
	if err != nil {
		return err
	}
	for i := range used {
		child := binary.LittleEndian.Uint64(entries[8+16*i:])
		if head[5] > 0 {
			if err := r.tree(n, child, names, depth, level+1); err != nil {
				return err
			}
			continue
		}
		if err := r.symbols(n, child, names, depth); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) symbols(n *Node, address uint64, names []byte, depth int) error {
	head, err := r.at(address, 8)
	if err != nil {
		return err
	}
	if string(head[:4]) != "SNOD" {
		return errBroken
	}
	count := uint64(binary.LittleEndian.Uint16(head[6:]))
	entries, err := r.at(address+8, count*40)
	if err != nil {
		return err
	}
	for i := range count {
		e := entries[40*i:]
		name, ok := text(names, binary.LittleEndian.Uint64(e))
		if !ok {
			return errBroken
		}
		if binary.LittleEndian.Uint32(e[16:]) == 2 { // a link to another name
			continue
		}
		child, err := r.node(name, binary.LittleEndian.Uint64(e[8:]), depth+1)
		if err != nil {
			return err
		}
		n.Children = append(n.Children, child)
	}
	return nil
}

// text reads a string up to its zero.
func text(b []byte, at uint64) (string, bool) {
	if at >= uint64(len(b)) {
		return "", false
	}
	for i, c := range b[at:] {
		if c == 0 {
			return string(b[at : at+uint64(i)]), true
		}
	}
	return "", false
}

// Find returns the node below by its path, or nil.
func (n *Node) Find(path ...string) *Node {
	for _, name := range path {
		var next *Node
		for _, c := range n.Children {
			if c.Name == name {
				next = c
			}
		}
		if next == nil {
			return nil
		}
		n = next
	}
	return n
}

// Walk calls f with every dataset and the path to it.
func (n *Node) Walk(f func(path []string, set *Node)) { n.walk(nil, f) }

func (n *Node) walk(path []string, f func(path []string, set *Node)) {
	if n.Shape != nil {
		f(path, n)
	}
	for _, c := range n.Children {
		c.walk(append(path[:len(path):len(path)], c.Name), f)
	}
}

// float decodes an element of 2, 4 or 8 bytes.
func float(b []byte) float32 {
	switch len(b) {
	case 8:
		return float32(math.Float64frombits(binary.LittleEndian.Uint64(b)))
	case 4:
		return math.Float32frombits(binary.LittleEndian.Uint32(b))
	}
	h := binary.LittleEndian.Uint16(b)
	sign, exp, frac := 1.0, int(h>>10&0x1f), float64(h&0x3ff)
	if h>>15 != 0 {
		sign = -1
	}
	switch {
	case exp == 0:
		return float32(sign * math.Ldexp(frac, -24))
	case exp == 31 && frac == 0:
		return float32(math.Inf(int(sign)))
	case exp == 31:
		return float32(math.NaN())
	}
	return float32(sign * math.Ldexp(1024+frac, exp-25))
}
