// SPDX-License-Identifier: Apache-2.0

package checkpoint

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/big"
)

// A pickle is a program for a stack machine. This one knows what a dictionary of
// tensors takes; nothing is called: a class or function is its name, and what it is
// applied to stays beside it for whoever reads the result.

// pyName is a class or function, as module.name.
type pyName string

// pyCall is what a class or function would be applied to. What a pickle puts into the object
// that would come of it (a dictionary or list of a class of one's own, beside the weights) is
// read and left: whoever needs the object refuses it by its class.
type pyCall struct {
	what pyName
	args []any
}

// pyStored is a reference to data outside of the pickle.
type pyStored struct{ id any }

// pyDict is a dictionary in the order of its keys.
type pyDict struct {
	keys, values []any
}

type pyList struct{ items []any }

type pyTuple []any

// pyMark separates the arguments of an instruction from what lies below.
type pyMark struct{}

// maxPickle bounds the objects of a pickle.
const maxPickle = 1 << 20

var errPickle = errors.New("broken pickle")

type unpickler struct {
	b     []byte
	stack []any
	memo  map[uint32]any
	count int
}

// pyLong is a whole number beyond int64.
type pyLong struct{}

// unpickle runs a pickle of protocol 2 to 5.
func unpickle(b []byte) (any, error) {
	u := &unpickler{b: b, memo: map[uint32]any{}}
	for {
		if u.count++; u.count > maxPickle {
			return nil, fmt.Errorf("more than %d instructions", maxPickle)
		}
		op := u.take(1)
		if op == nil {
			return nil, errPickle
		}
		if op[0] == '.' {
			if len(u.stack) == 0 {
				return nil, errPickle
			}
			return u.stack[len(u.stack)-1], nil
		}
		if err := u.step(op[0]); err != nil {
			return nil, err
		}
	}
}

// take returns the next n bytes, nil where there are fewer.
func (u *unpickler) take(n int) []byte {
	if n < 0 || n > len(u.b) {
		return nil
	}
	v := u.b[:n]
	u.b = u.b[n:]
	return v
}

func (u *unpickler) push(v any) { u.stack = append(u.stack, v) }

func (u *unpickler) pop() any {
	if len(u.stack) == 0 {
		return pyMark{}
	}
	v := u.stack[len(u.stack)-1]
	u.stack = u.stack[:len(u.stack)-1]
	return v
}

// marked takes everything above the last mark, and the mark.
func (u *unpickler) marked() ([]any, error) {
	for i := len(u.stack) - 1; i >= 0; i-- {
		if _, ok := u.stack[i].(pyMark); ok {
			items := append([]any(nil), u.stack[i+1:]...)
			u.stack = u.stack[:i]
			return items, nil
		}
	}
	return nil, errPickle
}

// line reads a name up to the end of its line.
func (u *unpickler) line() (string, bool) {
	at := bytes.IndexByte(u.b[:min(len(u.b), 1<<12)], '\n')
	if at < 0 {
		return "", false
	}
	text := string(u.b[:at])
	u.b = u.b[at+1:]
	return text, true
}

// number reads n bytes of an unsigned little-endian number.
func (u *unpickler) number(n int) (uint64, error) {
	b := u.take(n)
	if b == nil {
		return 0, errPickle
	}
	var v [8]byte
	copy(v[:], b)
	return binary.LittleEndian.Uint64(v[:]), nil
}

// sized reads as many bytes as a number of n bytes before them says.
func (u *unpickler) sized(n int) ([]byte, error) {
	size, err := u.number(n)
	if err != nil || size > uint64(len(u.b)) {
		return nil, errPickle
	}
	return u.take(int(size)), nil
}

// widths are the bytes of the argument of instructions that carry a number.
var widths = map[byte]int{'K': 1, 'M': 2, 'J': 4, 'q': 1, 'r': 4, 'h': 1, 'j': 4, 'X': 4, '\x8c': 1, '\x8d': 8, 'U': 1, 'T': 4, 'C': 1, 'B': 4, '\x8a': 1, '\x8b': 4, '\x8e': 8, '\x96': 8, '\x95': 8, '\x80': 1}

func (u *unpickler) step(op byte) error {
	switch op {
	case '\x80', '\x95': // protocol, frame
		_, err := u.number(widths[op])
		return err
	case '(':
		u.push(pyMark{})
	case 'N':
		u.push(nil)
	case '\x88', '\x89':
		u.push(op == '\x88')
	case 'K', 'M', 'J':
		v, err := u.number(widths[op])
		if op == 'J' {
			v = uint64(int64(int32(v)))
		}
		u.push(int64(v))
		return err
	case '\x8a', '\x8b': // a long integer
		b, err := u.sized(widths[op])
		if err != nil {
			return errPickle
		}
		if len(b) > 9 {
			u.push(pyLong{})
			return nil
		}
		v := new(big.Int)
		for i := len(b) - 1; i >= 0; i-- {
			v.Lsh(v, 8).Or(v, big.NewInt(int64(b[i])))
		}
		if n := len(b); n > 0 && b[n-1]&0x80 != 0 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*n)))
		}
		if !v.IsInt64() {
			u.push(pyLong{})
			return nil
		}
		u.push(v.Int64())
	case 'G':
		b := u.take(8)
		if b == nil {
			return errPickle
		}
		u.push(math.Float64frombits(binary.BigEndian.Uint64(b)))
	case 'X', '\x8c', '\x8d', 'U', 'T', 'C', 'B', '\x8e', '\x96':
		b, err := u.sized(widths[op])
		u.push(string(b))
		return err
	case 'q', 'r', '\x94':
		at, err := uint64(len(u.memo)), error(nil)
		if op != '\x94' {
			at, err = u.number(widths[op])
		}
		if err != nil || len(u.stack) == 0 {
			return errPickle
		}
		u.memo[uint32(at)] = u.stack[len(u.stack)-1]
	case 'h', 'j':
		at, err := u.number(widths[op])
		v, ok := u.memo[uint32(at)]
		if err != nil || !ok {
			return errPickle
		}
		u.push(v)
	case 'c':
		module, ok := u.line()
		name, also := u.line()
		if !ok || !also {
			return errPickle
		}
		u.push(pyName(module + "." + name))
	case '\x93':
		name, ok := u.pop().(string)
		module, also := u.pop().(string)
		if !ok || !also {
			return errPickle
		}
		u.push(pyName(module + "." + name))
	case 'Q':
		u.push(pyStored{u.pop()})
	case '0':
		u.pop()
	case '1':
		_, err := u.marked()
		return err
	case '2':
		if len(u.stack) == 0 {
			return errPickle
		}
		u.push(u.stack[len(u.stack)-1])
	default:
		return u.build(op)
	}
	return nil
}

// build makes and fills containers.
func (u *unpickler) build(op byte) error {
	switch op {
	case '}':
		u.push(&pyDict{})
	case ']', '\x8f': // a set is a list here
		u.push(&pyList{})
	case ')':
		u.push(pyTuple{})
	case '\x85', '\x86', '\x87':
		n := int(op) - 0x84
		if len(u.stack) < n {
			return errPickle
		}
		t := append(pyTuple(nil), u.stack[len(u.stack)-n:]...)
		u.stack = u.stack[:len(u.stack)-n]
		u.push(t)
	case 't':
		items, err := u.marked()
		u.push(pyTuple(items))
		return err
	case '\x91': // a frozen set
		items, err := u.marked()
		u.push(&pyList{items})
		return err
	case 'R', '\x81', '\x92':
		if op == '\x92' { // arguments by name
			if _, ok := u.pop().(*pyDict); !ok {
				return errPickle
			}
		}
		args, ok := u.pop().(pyTuple)
		what, also := u.pop().(pyName)
		switch {
		case !ok || !also:
			return errPickle
		case what == "collections.OrderedDict" && len(args) == 0:
			u.push(&pyDict{})
		default:
			u.push(&pyCall{what, args})
		}
	case 's', 'u':
		var items []any
		if op == 's' {
			v, k := u.pop(), u.pop()
			items = []any{k, v}
		} else {
			var err error
			if items, err = u.marked(); err != nil {
				return err
			}
		}
		if len(u.stack) == 0 || len(items)%2 != 0 {
			return errPickle
		}
		if _, ok := u.stack[len(u.stack)-1].(*pyCall); ok {
			return nil
		}
		d, ok := u.stack[len(u.stack)-1].(*pyDict)
		if !ok {
			return errPickle
		}
		for i := 0; i < len(items); i += 2 {
			d.keys, d.values = append(d.keys, items[i]), append(d.values, items[i+1])
		}
	case 'a', 'e', '\x90':
		items := []any{nil}
		if op == 'a' {
			items[0] = u.pop()
		} else {
			var err error
			if items, err = u.marked(); err != nil {
				return err
			}
		}
		if len(u.stack) == 0 {
			return errPickle
		}
		if _, ok := u.stack[len(u.stack)-1].(*pyCall); ok {
			return nil
		}
		l, ok := u.stack[len(u.stack)-1].(*pyList)
		if !ok {
			return errPickle
		}
		l.items = append(l.items, items...)
	case 'b': // attributes of an object, which nobody here reads
		u.pop()
	default:
		return fmt.Errorf("instruction %q is none that a dictionary of tensors takes", op)
	}
	return nil
}
