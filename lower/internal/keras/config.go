// SPDX-License-Identifier: Apache-2.0

package keras

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/unroll-npu/unroll/train/checkpoint"
)

// config is the description of a layer, as JSON has it.
type config map[string]any

func sortedKeys(m map[string]any) []string { return slices.Sorted(maps.Keys(m)) }

// typed reads a word of one type; null is as if it were not there. A word of another type
// is refused: the default is not what it says.
func typed[T any](c config, key string, def T, what string) T {
	switch v := c[key].(type) {
	case nil:
		return def
	case T:
		return v
	default:
		refuse("%s is %v, expected %s", key, v, what)
		return def
	}
}

func (c config) text(key, def string) string { return typed(c, key, def, "a text") }

// flag reads true or false. Python takes numbers for them, and so they are written down
// where a network was made with use_bias=0.
func (c config) flag(key string, def bool) bool {
	switch c[key] {
	case 0.0:
		return false
	case 1.0:
		return true
	}
	return typed(c, key, def, "true or false")
}

func (c config) number(key string, def float64) float64 { return typed(c, key, def, "a number") }

// epsilon is what is added to a variance, which may not become negative by it.
func (c config) epsilon() float64 {
	e := c.number("epsilon", 1e-3)
	if e < 0 || e > 1 {
		refuse("epsilon is %g, expected 0 to 1", e)
	}
	return e
}

const maxSize = 1 << 20

// whole reads a whole number from least on.
func (c config) whole(key string, def, least int) int {
	v, given := c[key]
	if !given || v == nil {
		return def
	}
	f, ok := v.(float64)
	if !ok || f != math.Trunc(f) || f < float64(least) || f > maxSize {
		refuse("%s is %v, expected a whole number from %d on", key, v, least)
	}
	return int(f)
}

// sizes reads n whole numbers, which may be written as one.
func (c config) sizes(key string, n, def int) []int {
	out := make([]int, n)
	list, isList := c[key].([]any)
	if !isList {
		for i := range out {
			out[i] = c.whole(key, def, 0)
		}
		return out
	}
	if len(list) != n {
		refuse("%s is %v, expected %d numbers", key, list, n)
	}
	for i, v := range list {
		if v == nil {
			refuse("%s is %v, expected %d numbers", key, list, n)
		}
		out[i] = config{key: v}.whole(key, def, 0)
	}
	return out
}

// pairs reads before and after for n dimensions: one number, one for each dimension, or
// two for each.
func (c config) pairs(key string, n, def int) [][2]int {
	out := make([][2]int, n)
	list, isList := c[key].([]any)
	switch {
	case !isList:
		v := c.whole(key, def, 0)
		for i := range out {
			out[i] = [2]int{v, v}
		}
	case n == 1 && len(list) == 2:
		s := c.sizes(key, 2, 0)
		out[0] = [2]int{s[0], s[1]}
	case len(list) == n:
		for i, v := range list {
			s := config{key: v}.sizes(key, 2, 0)
			out[i] = [2]int{s[0], s[1]}
		}
	default:
		refuse("%s is %v, expected %d pairs of numbers", key, list, n)
	}
	return out
}

// shape reads dimensions, 0 for those that are open.
func shapeOf(v any) ([]int, bool) {
	list, ok := v.([]any)
	if !ok {
		return nil, false
	}
	out := make([]int, len(list))
	for i, d := range list {
		if d == nil {
			continue
		}
		f, ok := d.(float64)
		if !ok || f < 1 || f > maxSize || f != math.Trunc(f) {
			return nil, false
		}
		out[i] = int(f)
	}
	return out, true
}

// batchShape is the shape of what an input layer gives, as it is written.
func (c config) batchShape() any {
	if shape := c["batch_shape"]; shape != nil {
		return shape
	}
	return c["batch_input_shape"]
}

// refusal is what layers panic with; caught recovers it.
type refusal struct{ err error }

func refuse(format string, args ...any) { panic(refusal{fmt.Errorf(format, args...)}) }

func caught(err *error) { refused("", recover(), err) }

// caughtIn is caught of what does not know its file.
func caughtIn(file string, err *error) { refused(file+": ", recover(), err) }

func refused(where string, p any, err *error) {
	switch p := p.(type) {
	case nil:
	case refusal:
		*err = p.err
		if where != "" {
			*err = fmt.Errorf("%s%w", where, p.err)
		}
	default:
		panic(p)
	}
}

// known refuses words of a description that nobody here knows the meaning of.
func (l *Layer) known(keys string) {
	if err := checkpoint.KerasKnown(l.Config, keys); err != nil {
		refuse("%w", err)
	}
	if f := l.Config.text("data_format", "channels_last"); f != "channels_last" {
		refuse("data_format %s: expected channels_last", f)
	}
}
